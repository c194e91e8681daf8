import { describe, expect, it } from 'vitest';

import { minute, now, second } from '../../../test/support/builders.ts';
import { Bidding } from './bidding.ts';

const asked = { now, retryMs: 30 * second, random: () => 0 };

describe('the memory of a search for a bid', () => {
  it('counts the questions of a round, for each host', () => {
    const bidding = new Bidding();
    for (const host of ['a', 'a', 'b']) bidding.noteQuestion(host, asked);
    expect(bidding.factFor('vm-1')).toMatchObject({ asked: 3, nextRoundAt: now + 30 * second });
    expect([...bidding.factFor('vm-1').askedOf]).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
  });

  it('begins the next round with the first question after the pause, and pauses longer each time', () => {
    const bidding = new Bidding();
    const pauses = Array.from({ length: 7 }, () => {
      const at = Math.max(now, bidding.factFor('vm-1').nextRoundAt);
      bidding.noteQuestion('a', { ...asked, now: at });
      expect(bidding.factFor('vm-1').asked).toBe(1);
      return (bidding.factFor('vm-1').nextRoundAt - at) / second;
    });
    expect(pauses).toEqual([30, 60, 120, 240, 480, 600, 600]);
  });

  it('begins anew once the VM runs', () => {
    const bidding = new Bidding();
    bidding.noteQuestion('a', asked);
    bidding.noteRefused('a', now);
    bidding.noteRunning();
    expect(bidding.factFor('vm-1')).toEqual(new Bidding().factFor('vm-1'));
  });

  it('knows since when a bid has been winnable at each look, beside an on-demand VM', () => {
    const bidding = new Bidding();
    const look = (isWinnable: boolean, at: number): number | undefined => {
      bidding.noteMarket({ isWinnable, isReturning: false }, { vmId: 'vm-1', now: at, pauseMs: minute });
      return bidding.factFor('vm-1').winnableSince;
    };
    expect([
      look(true, now),
      look(true, now + minute),
      look(false, now + 2 * minute),
      look(true, now + 3 * minute),
    ]).toEqual([now, now, undefined, now + 3 * minute]);
    expect(bidding.factFor('vm-1').nextRoundAt).toBe(now + 4 * minute);
  });

  it('asks a host that does not answer nothing more in this round, and last in the next', () => {
    const bidding = new Bidding();
    bidding.noteQuestion('a', asked);
    bidding.noteUnanswered('a', now);
    expect(bidding.factFor('vm-1')).toMatchObject({
      asked: 1,
      askedOf: new Map([['a', 6]]),
      refusedAt: new Map([['a', now]]),
    });
  });

  it('counts anew since when a bid is winnable, when going back has led to nothing', () => {
    const bidding = new Bidding();
    bidding.noteMarket({ isWinnable: true, isReturning: false }, { vmId: 'vm-1', now, pauseMs: minute });
    bidding.noteMarket({ isWinnable: true, isReturning: true }, { vmId: 'vm-1', now: now + minute, pauseMs: minute });
    bidding.noteMarket(
      { isWinnable: true, isReturning: false },
      { vmId: 'vm-1', now: now + 7 * minute, pauseMs: minute },
    );
    expect(bidding.factFor('vm-1').winnableSince).toBe(now + 7 * minute);
  });

  it('may ask at once when it is decided to go back to a spot VM', () => {
    const bidding = new Bidding();
    bidding.noteMarket({ isWinnable: true, isReturning: true }, { vmId: 'vm-1', now, pauseMs: minute });
    expect(bidding.factFor('vm-1')).toMatchObject({ returningSince: now, nextRoundAt: now });
  });

  it('puts the pause off with each question: where answers take long, a round is not followed by the next one at once', () => {
    const bidding = new Bidding();
    bidding.noteQuestion('a', asked);
    bidding.noteQuestion('b', { ...asked, now: now + 20 * second });
    expect(bidding.factFor('vm-1')).toMatchObject({ asked: 2, nextRoundAt: now + 50 * second });
  });

  it('does not give an on-demand VM up by what was decided about the one before', () => {
    const bidding = new Bidding();
    bidding.noteMarket({ isWinnable: true, isReturning: true }, { vmId: 'vm-1', now, pauseMs: minute });
    expect(bidding.factFor('vm-2')).toMatchObject({ winnableSince: undefined, returningSince: undefined });
  });
});
