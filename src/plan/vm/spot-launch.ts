import { dollars } from '../../lib/money.ts';
import { searchBid } from './bid-offers.ts';
import { launchOn, noOffer, placeOnDemand } from './launch.ts';
import type { VmObservation } from './observation.ts';
import { outbidTooOften, outbidTooOftenUntil } from './outbid-limit.ts';
import { overRoomForBid } from './room.ts';
import { until, type Rule } from './rule.ts';
import type { SpotTerms } from './spot-terms.ts';
import { waiting, type Verdict } from './verdict.ts';

/** Making a spot VM where there is no VM at all: by the lowest bid that wins. */

const spotVmIsWanted: Rule = (observation) => {
  const { spot } = observation;
  if (spot === undefined) return undefined;
  const pausesUntil = outbidTooOftenUntil(observation, spot);
  if (pausesUntil !== undefined) {
    const pause = {
      step: { kind: 'wait' },
      phase: 'Pending',
      ...outbidTooOften(observation, spot, pausesUntil),
    } as const;
    return onDemandInstead(observation, spot) ?? pause;
  }
  const found = searchBid(observation, spot);
  const looking = waiting('LookingForHost', `Looking for a bid of at most ${dollars(spot.maxPrice)} that wins.`);
  switch (found.kind) {
    case 'found':
      return launchOn(observation, found);
    case 'ask':
      return { step: { kind: 'askBid', question: found.question }, phase: 'Pending', ready: looking };
    case 'beingAsked':
      return { step: { kind: 'wait' }, phase: 'Pending', ready: looking, look: { bids: found } };
    case 'refused':
      return (
        onDemandInstead(observation, spot) ?? overRoomForBid(observation, spot.maxPrice) ?? noBidWins(observation, spot)
      );
    case 'unanswered':
      return { ...noBidWins(observation, spot), ready: waiting('ProviderUnavailable', noAnswer) };
    case 'noHost':
      return onDemandInstead(observation, spot) ?? noOffer(observation, found.placement);
  }
};

const noAnswer =
  'The provider does not say whether a bid wins. Nothing is deployed, also not on demand, before it does: asked again by itself.';

/** Who would go on demand when outbid wants a VM, and not to wait for one. */
function onDemandInstead(observation: VmObservation, { onOutbid }: SpotTerms): Omit<Verdict, 'rule'> | undefined {
  if (onOutbid !== 'OnDemand') return undefined;
  const placement = placeOnDemand(observation);
  return placement.kind === 'offer' ? launchOn(observation, { offer: placement.offer }) : undefined;
}

function noBidWins({ facts, now, timings }: VmObservation, { maxPrice }: SpotTerms): Omit<Verdict, 'rule'> {
  const { nextRoundAt } = facts.bidding;
  return {
    step: { kind: 'wait' },
    phase: 'Pending',
    ready: waiting(
      'NoWinningBid',
      `Hosts fit, but no bid up to ${dollars(maxPrice)} wins there now. Raise bid.maxPrice (and spec.maxHourlyPrice, if there is one), or wait: asked again by itself.`,
    ),
    look: { inMs: nextRoundAt > now ? until(nextRoundAt, now) : timings.retryMs },
  };
}

export const spotLaunchRules: readonly Rule[] = [spotVmIsWanted];
