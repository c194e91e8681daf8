import { describe, expect, it } from 'vitest';

import {
  accountOf,
  ago,
  biddingOf,
  bidsOf,
  hostOf,
  minute,
  now,
  observe,
  offersOf,
  spotTerms,
  type Seen,
} from '../../../test/support/builders.ts';
import { briefOf, decided, type Brief } from '../../../test/support/verdicts.ts';
import type { KnownBids } from '../../fleet/contract.ts';
import { money } from '../../lib/money.ts';
import { questionsPerRound } from './bid-offers.ts';
import type { VmObservation } from './observation.ts';
import { statusOfVm } from './status.ts';

/** A new SpotVm, two hosts that fit, and what they have said about bids. */
function wanted(known: Readonly<Record<string, Partial<KnownBids>>>, seen: Seen = {}): VmObservation {
  const account = accountOf({ offers: offersOf([hostOf('host-1'), hostOf('host-2')]), bids: bidsOf(known) });
  return observe({ spot: spotTerms(), account, ...seen });
}

const hopeless = { refused: money('0.30') };
const onDemand = { spot: spotTerms({ onOutbid: 'OnDemand' }), spec: { maxHourlyPrice: '1.00' } };

describe('a spot VM that is wanted', () => {
  it.each<[string, VmObservation, Partial<Brief>]>([
    ['asks whether the first bid wins', wanted({}), { step: 'askBid', ready: 'False LookingForHost' }],
    [
      'waits for the answer that somebody else asks for',
      wanted({ 'host-1': { isBeingAsked: true } }),
      { step: 'wait' },
    ],
    ['asks another host when one refuses all that may be bid', wanted({ 'host-1': hopeless }), { step: 'askBid' }],
    [
      'says so when no bid within the limits wins',
      wanted({ 'host-1': hopeless, 'host-2': hopeless }),
      { step: 'wait', ready: 'False NoWinningBid', phase: 'Pending' },
    ],
    [
      'pauses after a round of questions',
      wanted(
        { 'host-1': { refused: money('0.10') } },
        { facts: { bidding: biddingOf({ asked: questionsPerRound, nextRoundAt: now + minute }) } },
      ),
      { step: 'wait', ready: 'False NoWinningBid' },
    ],
    [
      'says that no host fits when none does',
      wanted({}, { account: accountOf({ offers: offersOf([]) }) }),
      { step: 'wait', ready: 'False NoOffer' },
    ],
    [
      'makes no bid when it was outbid too often',
      wanted(
        {},
        {
          spot: spotTerms({ outbidLimit: { count: 1, windowMs: 60 * minute } }),
          journal: { spot: { outbidCount: 1, outbidTimes: [ago(minute)] } },
        },
      ),
      { step: 'wait', ready: 'False OutbidTooOften' },
    ],
    [
      'is deployed on demand when no bid wins, if that is what is done when it is outbid',
      wanted({ 'host-1': hopeless, 'host-2': hopeless }, onDemand),
      { step: 'launch' },
    ],
    [
      'does not go on demand, nor say that no bid wins, while the provider does not say so',
      wanted(
        {},
        { ...onDemand, facts: { bidding: biddingOf({ asked: questionsPerRound, nextRoundAt: now + minute }) } },
      ),
      { step: 'wait', ready: 'False ProviderUnavailable' },
    ],
    ['does not go on demand before bids were asked for', wanted({}, onDemand), { step: 'askBid' }],
  ])('%s', (_, observation, expected) => {
    expect(briefOf(observation)).toMatchObject(expected);
  });

  it('is deployed by the lowest bid that wins, on the host where it does', () => {
    const { step } = decided(wanted({ 'host-1': hopeless, 'host-2': { refused: money('0.19'), wins: money('0.20') } }));
    expect(step).toMatchObject({
      kind: 'launch',
      plan: { capacity: 'Spot', replaces: undefined, offer: { host: { id: 'host-2' } } },
    });
    if (step.kind !== 'launch') return;
    expect(step.plan.bid?.toFixed(2)).toBe('0.20');
    expect(step.plan.offer.price.total.toFixed()).toBe('0.205');
  });

  it('never bids more than the price cap leaves beside the storage', () => {
    const capped = { spec: { maxHourlyPrice: '0.205' } };
    const { step } = decided(wanted({ 'host-1': { refused: money('0.10') }, 'host-2': hopeless }, capped));
    expect(step).toMatchObject({ kind: 'askBid' });
    if (step.kind === 'askBid') expect(step.question.most.toFixed()).toBe('0.2');
    expect(briefOf(wanted({ 'host-1': hopeless, 'host-2': hopeless }, capped)).ready).toBe('False NoWinningBid');
    expect(briefOf(wanted({}, { spec: { maxHourlyPrice: '0.104' } })).ready).toBe('False OverPriceCap');
  });

  it('is searched for: that is what its market says', () => {
    const observation = wanted({});
    expect(statusOfVm(observation, decided(observation)).spot).toEqual({
      outbidCount: 0,
      outbidTimes: [],
      market: 'Searching',
    });
  });
});
