import { describe, expect, it } from 'vitest';

import { instantOf } from '../../test/support/builders.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { createGate } from '../provider/gate.ts';
import { createInstantBook, type RunningInstantBook } from './instants.ts';
import { Cloud } from './testing/cloud.ts';

interface Rig {
  readonly clock: VirtualClock;
  readonly cloud: Cloud;
  readonly book: RunningInstantBook;
  readonly woken: string[];
}

function rig(): Rig {
  const clock = new VirtualClock(1_000_000);
  const cloud = new Cloud(clock);
  cloud.instants = [instantOf('one'), instantOf('two')];
  const woken: string[] = [];
  const gate = createGate({ clock, requestsPerSecond: 10, burst: 10, onTurn: () => undefined });
  const wake = (keys: readonly string[]): number => woken.push(...keys);
  const book = createInstantBook({ ...{ provider: cloud, gate, clock }, random: () => 0, wake });
  return { clock, cloud, book, woken };
}

async function listed({ book, clock }: Rig): Promise<string[] | undefined> {
  book.request('key');
  await clock.advance(0);
  return book.vms?.map(({ id }) => id);
}

describe('the ready-made VMs', () => {
  it('are listed once for all who ask, and again when that is old', async () => {
    const given = rig();
    given.book.request('a');
    given.book.request('b');
    await given.clock.advance(0);
    expect([given.woken, given.cloud.calls.length]).toEqual([['a', 'b'], 1]);
    await given.clock.advance(30_000);
    expect(given.book.isFresh()).toBe(false);
    await listed(given);
    expect(given.cloud.calls).toHaveLength(2);
  });

  it('lack one that was taken, also in a list that may not know of it yet, and have it again when it was not', async () => {
    const given = rig();
    await listed(given);
    given.book.take('one');
    expect(given.book.vms?.map(({ id }) => id)).toEqual(['two']);
    given.book.giveBack('one');
    given.book.take('two');
    await given.clock.advance(31_000);
    given.book.take('one');
    await given.clock.advance(14_000);
    expect(await listed(given)).toEqual(['two']);
    await given.clock.advance(31_000);
    expect(await listed(given)).toEqual(['one', 'two']);
  });

  it('cool down by themselves where they could not be had', async () => {
    const given = rig();
    await listed(given);
    given.book.reportFailure('one', 'somebody was faster');
    expect([given.book.coolingDownUntil('one'), given.book.coolingDownUntil('two')]).toEqual([
      expect.any(Number),
      undefined,
    ]);
    await given.clock.advance(61_000);
    expect(given.book.coolingDownUntil('one')).toBeUndefined();
  });

  it('that cannot be listed are told of for as long as nobody tries again', async () => {
    const given = rig();
    given.cloud.failure = 'unavailable';
    expect(await listed(given)).toBeUndefined();
    expect(given.book.failure).toMatchObject({ kind: 'unavailable' });
    await given.clock.advance(2_000);
    expect(given.book.failure).toBeUndefined();
    given.cloud.failure = undefined;
    expect(await listed(given)).toEqual(['one', 'two']);
  });
});
