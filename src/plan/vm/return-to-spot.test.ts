import { describe, expect, it } from 'vitest';

import {
  accountOf,
  ago,
  biddingOf,
  bidsOf,
  cloudVm,
  hostOf,
  launchOf,
  minute,
  now,
  observeSpot,
  offersOf,
  recordedVm,
  second,
  snapshotOf,
  spotTerms,
  type Seen,
} from '../../../test/support/builders.ts';
import { briefOf, decided, type Brief } from '../../../test/support/verdicts.ts';
import type { KnownBids } from '../../fleet/contract.ts';
import { money } from '../../lib/money.ts';
import type { BiddingFact, VmObservation } from './observation.ts';
import { statusOfVm } from './status.ts';

const wins = { refused: money('0.11'), wins: money('0.12') };
const refuses = { refused: money('0.30') };
const released = cloudVm('vm-1', { state: 'released', providerStatus: 'StoppedDisassociated' });

/** An on-demand VM that has taken over, from which a spot VM may take over again after 15 minutes. */
function onDemand(known: Partial<KnownBids>, bidding: Partial<BiddingFact>, seen: Seen = {}): VmObservation {
  return observeSpot({
    spot: spotTerms({ onOutbid: 'OnDemand', returnAfterMs: 15 * minute }),
    spec: { maxHourlyPrice: '1.00' },
    account: accountOf({
      snapshot: snapshotOf(seen.vms ?? [cloudVm('vm-1')]),
      offers: offersOf([hostOf('host-1')]),
      bids: bidsOf({ 'host-1': known }),
    }),
    journal: { vm: recordedVm('vm-1', { capacity: 'OnDemand' }), launch: launchOf({ capacity: 'OnDemand' }) },
    facts: { bidding: biddingOf(bidding) },
    status: { phase: 'Running' },
    ...seen,
  });
}

const lookedLately = { nextRoundAt: now + minute };
const returning = { returningSince: now - 10 * second, winnableSince: now - 20 * minute };

describe('an on-demand VM that has taken over', () => {
  it.each<[string, VmObservation, Partial<Brief>]>([
    ['goes on between two looks at the market', onDemand({}, lookedLately), { step: 'wait', ready: 'True Running' }],
    ['looks whether a bid wins, and goes on meanwhile', onDemand({}, {}), { step: 'askBid', ready: 'keep' }],
    [
      'is said to run before anything is asked: answers may take long',
      onDemand({}, {}, { status: { phase: 'Building' } }),
      { step: 'wait', ready: 'True Running' },
    ],
    ['notes that one does', onDemand(wins, {}), { step: 'noteMarket', ready: 'keep' }],
    ['notes that none does', onDemand(refuses, {}), { step: 'noteMarket', ready: 'keep' }],
    [
      'is released once it is decided to go back',
      onDemand(wins, returning),
      { step: 'stop', ready: 'False ReturningToSpot' },
    ],
    [
      'is replaced by a spot VM once it is released',
      onDemand(wins, returning, { vms: [released] }),
      { step: 'launch', ready: 'False Launching' },
    ],
    [
      'asks again how high a bid has to be, once it is released',
      onDemand({}, returning, { vms: [released] }),
      { step: 'askBid', ready: 'False ReturningToSpot' },
    ],
    [
      'gives up going back when no bid wins any more',
      onDemand(refuses, returning, { vms: [released] }),
      { step: 'noteMarket' },
    ],
    [
      'gives up going back when its owner has set a limit that was reached meanwhile',
      onDemand(wins, returning, {
        vms: [released],
        spot: spotTerms({
          ...{ onOutbid: 'OnDemand', returnAfterMs: 15 * minute },
          outbidLimit: { count: 1, windowMs: 60 * minute },
        }),
        journal: {
          vm: recordedVm('vm-1', { capacity: 'OnDemand' }),
          launch: launchOf({ capacity: 'OnDemand' }),
          spot: { outbidCount: 1, outbidTimes: [ago(minute)] },
        },
      }),
      { rule: 'spotVmTakesOver', step: 'noteMarket' },
    ],
    ['is started again then', onDemand(refuses, lookedLately, { vms: [released] }), { step: 'start' }],
    [
      'is started again when going back takes too long',
      onDemand(wins, { ...returning, returningSince: now - 10 * minute }, { vms: [released] }),
      { step: 'start' },
    ],
    [
      'stays when it is to stay',
      onDemand(wins, returning, { spot: spotTerms({ onOutbid: 'OnDemand' }) }),
      { step: 'wait', ready: 'True Running' },
    ],
    ['stays while the resource is paused', onDemand(wins, {}, { meta: { paused: true } }), { step: 'wait' }],
  ])('%s', (_, observation, expected) => {
    expect(briefOf(observation)).toMatchObject(expected);
  });

  it('is not given up while a deployment would have to wait', () => {
    const long = { winnableSince: now - 20 * minute };
    const inputs = { kind: 'problem', reason: 'SecretNotFound', message: 'There is no Secret.' } as const;
    const waits = { kind: 'noteMarket', isWinnable: true, isReturning: false };
    expect(decided(onDemand(wins, long, { inputs })).step).toEqual(waits);
    expect(decided(onDemand(wins, long, { inputs: { kind: 'notNeeded' } })).step).toEqual({ kind: 'readInputs' });
  });

  it('gives no place up as long as a start of it may yet take effect', () => {
    const long = { winnableSince: now - 20 * minute };
    const started = (bidding: Partial<BiddingFact>, seen: Seen = {}): VmObservation => {
      const observation = onDemand(wins, bidding, seen);
      return { ...observation, facts: { ...observation.facts, startFiledAt: now - second } };
    };
    expect(decided(started(long)).step).toEqual({ kind: 'noteMarket', isWinnable: true, isReturning: false });
    expect(decided(started(returning, { vms: [released] }))).toMatchObject({
      rule: 'spotVmTakesOver',
      step: { kind: 'wait' },
    });
  });

  it.each<[string, Partial<KnownBids>, Partial<BiddingFact>, object]>([
    ['a bid wins for the first time', wins, {}, { isWinnable: true, isReturning: false }],
    [
      'one has won for a short while',
      wins,
      { winnableSince: now - 14 * minute },
      { isWinnable: true, isReturning: false },
    ],
    [
      'one has won for long enough',
      wins,
      { winnableSince: now - 15 * minute },
      { isWinnable: true, isReturning: true },
    ],
    ['none wins any more', refuses, { winnableSince: now - 15 * minute }, { isWinnable: false, isReturning: false }],
  ])('decides by whether %s', (_, known, bidding, seen) => {
    expect(decided(onDemand(known, bidding)).step).toEqual({ kind: 'noteMarket', ...seen });
  });

  it('does not go back before bids may be made again, and wakes then', () => {
    const often = {
      spot: spotTerms({
        onOutbid: 'OnDemand',
        returnAfterMs: minute,
        outbidLimit: { count: 1, windowMs: 60 * minute },
      }),
      journal: {
        ...onDemand({}, {}).journal,
        spot: { outbidCount: 1, outbidTimes: [ago(20 * minute)] },
      },
    };
    const { step, look } = decided(onDemand(wins, {}, often));
    expect(step.kind).toBe('wait');
    expect(look).toMatchObject({ inMs: 40 * minute });
  });

  it('wakes for the next look at the market', () => {
    expect(decided(onDemand({}, lookedLately)).look).toMatchObject({ inMs: minute });
  });

  it('is what the market says', () => {
    const observation = onDemand({}, lookedLately);
    expect(statusOfVm(observation, decided(observation)).spot?.market).toBe('OnDemand');
  });
});

describe('an on-demand VM that is listed as running although its deletion was confirmed', () => {
  it('is looked at with the next list, and not in every millisecond until then', () => {
    const facts = { deletedAt: new Map([['vm-1', now - second]]) };
    const seen: Seen = { meta: { deleting: true }, status: { phase: 'Deleting' }, facts };
    const { step, look } = decided(onDemand({}, {}, seen));
    expect([step.kind, look?.inMs, look?.snapshotAfter !== undefined]).toEqual(['wait', undefined, true]);
  });
});
