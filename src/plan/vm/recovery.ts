import { annotations } from '../../api/group.ts';
import { mostRetiring } from '../../api/vm-status.ts';
import type { KnownBids } from '../../fleet/contract.ts';
import { dollars, type Money } from '../../lib/money.ts';
import type { CloudVm, VmSize } from '../../provider/contract.ts';
import { bidOf } from '../price.ts';
import { questionsPerRound, searchBid } from './bid-offers.ts';
import { lateStartLook } from './late-start.ts';
import { launchOn, placeOnDemand, preparationRules } from './launch.ts';
import type { VmObservation } from './observation.ts';
import { outbidTooOften, outbidTooOftenUntil } from './outbid-limit.ts';
import { until } from './rule.ts';
import type { SpotTerms } from './spot-terms.ts';
import { waiting, type Look, type Step, type Verdict } from './verdict.ts';

/** How a VM that has lost its place comes back, or another one takes that: within the terms of its owner. */

/** What is decided; what the VM is called meanwhile is said in one place. */
export type Recovery = Pick<Verdict, 'step'> &
  Partial<Pick<Verdict, 'look' | 'ready' | 'phase' | 'need'>> & { readonly note?: string };

export interface Losing {
  readonly vm: CloudVm;
  readonly spot: SpotTerms;
}

/** Undefined: the last call to start it failed, and what is said of that stands. */
export function recover(observation: VmObservation, losing: Losing): Recovery | undefined {
  const { vm, spot } = losing;
  const onDemand = onDemandAtOnce(observation, spot);
  const pausesUntil = outbidTooOftenUntil(observation, spot);
  // One that was released nobody has outbid: on demand takes its place only once its own bid does not win any more.
  const isToBid = vm.state === 'released' && pausesUntil === undefined;
  if (onDemand !== undefined && !isToBid) return onDemand;
  if (pausesUntil !== undefined) return { step: { kind: 'wait' }, ...outbidTooOften(observation, spot, pausesUntil) };
  const own = isStartBackingOff(observation) ? 'loses' : ownBid(observation, losing);
  if (own !== 'loses') return own;
  if (onDemand !== undefined) return onDemand;
  if (spot.onOutbid !== 'Wait') return replace(observation, losing);
  return isStartBackingOff(observation) ? undefined : waitForOwnBid(observation, losing);
}

/** What a deployment waits for is no reason not to start the VM that there is. */
function onDemandAtOnce(observation: VmObservation, { onOutbid }: SpotTerms): Recovery | undefined {
  const onDemand = onOutbid === 'OnDemand' ? replaceOnDemand(observation) : undefined;
  return onDemand?.step.kind === 'wait' ? undefined : onDemand;
}

function isStartBackingOff({ facts: { lastCall }, now }: VmObservation): boolean {
  return lastCall?.call === 'start' && lastCall.failure !== undefined && now < lastCall.nextTryAt;
}

/** By its own bid, which nobody can change, on the host where its disk is. */
function ownBid(observation: VmObservation, { vm, spot }: Losing): Recovery | 'loses' {
  const { account } = observation;
  const bid = bidOfVm(observation, vm);
  // The limit was lowered since: a VM that runs goes on, but is not started above it. Nor by a bid that nobody knows.
  if (bid === undefined || bid.gt(spot.maxPrice)) return 'loses';
  const place = placeOf(observation, vm);
  // On which host it is is not known: only starting it tells.
  if (place === undefined || account.kind !== 'ready') return { step: startOf(vm), ...starting(vm) };
  const known = account.bids.known(place.hostnode, place.size);
  const wins = isWinning(known, bid);
  if (wins !== undefined) return wins ? { step: startOf(vm), ...starting(vm) } : 'loses';
  if (known.isBeingAsked) return { step: { kind: 'wait' }, look: { bids: place } };
  if (!mayAskOfOwn(observation, spot)) return 'loses';
  return { step: { kind: 'askBid', question: { ...place, bid, vmId: vm.id, most: bid } } };
}

/** Of one that was adopted the journal knows it from the first list that had a price. */
function bidOfVm({ journal }: VmObservation, vm: CloudVm): Money | undefined {
  return bidOf(journal.vm) ?? vm.price?.compute;
}

/** Undefined: not known. */
function isWinning({ wins, refused }: KnownBids, bid: Money): boolean | undefined {
  if (wins?.lte(bid) === true) return true;
  return refused?.gte(bid) === true ? false : undefined;
}

/** A VM that only waits asks once in a round, and the pauses between rounds grow. */
function mayAskOfOwn({ facts: { bidding }, now }: VmObservation, { onOutbid }: SpotTerms): boolean {
  return now >= bidding.nextRoundAt || (onOutbid !== 'Wait' && bidding.asked < questionsPerRound);
}

function placeOf({ journal }: VmObservation, vm: CloudVm): { hostnode: string; size: VmSize } | undefined {
  const hostnode = vm.hostnode ?? journal.vm?.hostnode;
  return hostnode === undefined ? undefined : { hostnode, size: vm.size };
}

function startOf(vm: CloudVm): Step {
  return { kind: 'start', vmId: vm.id, hostnode: vm.hostnode };
}

function starting(vm: CloudVm): Pick<Verdict, 'phase' | 'ready'> {
  return { phase: 'Starting', ready: waiting('Starting', `The bid of VM ${vm.id} wins again: it is being started.`) };
}

function waitForOwnBid(observation: VmObservation, { vm, spot }: Losing): Recovery {
  const bids = placeOf(observation, vm);
  const bid = bidOfVm(observation, vm);
  return { step: { kind: 'wait' }, note: whatIsWaitedFor(bid, spot), look: { ...nextRound(observation), bids } };
}

const cannotBeChanged =
  'The bid of a VM that exists cannot be changed: with spec.onOutbid Replace another VM takes its place by the bid of the spec.';

function whatIsWaitedFor(bid: Money | undefined, { price, maxPrice }: SpotTerms): string {
  if (bid === undefined) return 'What its bid is will be known, and asked about, once the provider shows its price.';
  if (bid.gt(maxPrice)) return `That is above bid.maxPrice, so it is not started. ${cannotBeChanged}`;
  return bid.lt(price) ? cannotBeChanged : 'It is started once its bid wins again.';
}

/** When it may be worth asking again. */
function nextRound({ facts: { bidding }, now, timings }: VmObservation): Look {
  return { inMs: bidding.nextRoundAt > now ? until(bidding.nextRoundAt, now) : timings.retryMs };
}

/** Why no other VM may take the place of this one; undefined: one may. */
function whyNotReplaced({ journal, adoption }: VmObservation): string | undefined {
  if (journal.vm?.adopted === true)
    return 'A VM that was taken over is not replaced: it is started once its bid wins again.';
  if (adoption !== undefined) return `Nothing is deployed while the annotation ${annotations.adopt} is there.`;
  if ((journal.retiring ?? []).length < mostRetiring) return undefined;
  return `The disks of ${mostRetiring} VMs that were replaced are kept: no other VM is deployed before one of them is gone. Lower spec.outbidRetention.`;
}

export function replaceOnDemand(observation: VmObservation): Recovery | undefined {
  if (whyNotReplaced(observation) !== undefined || lateStartLook(observation) !== undefined) return undefined;
  const preparation = prepare(observation);
  if (preparation !== undefined) return preparation;
  const placement = placeOnDemand(observation);
  return placement.kind === 'offer' ? launch(observation, { offer: placement.offer }) : undefined;
}

/** While another VM is deployed in its place, that it was outbid is still the news. */
function launch(observation: VmObservation, chosen: Parameters<typeof launchOn>[1]): Recovery {
  const { step, phase, ready } = launchOn(observation, chosen);
  return { step, phase, ...(ready === 'keep' ? {} : { note: `Another VM takes its place. ${ready.message}` }) };
}

/** By a bid that wins, here or elsewhere. */
export function replace(observation: VmObservation, { vm, spot }: Losing): Recovery {
  const why = whyNotReplaced(observation);
  const bids = placeOf(observation, vm);
  if (why !== undefined) return { step: { kind: 'wait' }, note: why, look: { ...nextRound(observation), bids } };
  const lateStart = lateStartLook(observation);
  if (lateStart !== undefined) return { step: { kind: 'wait' }, note: mayYetRun, look: { ...lateStart, bids } };
  const preparation = prepare(observation);
  if (preparation !== undefined) return preparation;
  const found = searchBid(observation, spot);
  switch (found.kind) {
    case 'found':
      return launch(observation, found);
    case 'ask':
      return { step: { kind: 'askBid', question: found.question }, note: looking(spot) };
    case 'beingAsked':
      return { step: { kind: 'wait' }, note: looking(spot), look: { bids: found } };
    case 'refused':
      return { step: { kind: 'wait' }, note: nothingWins(spot.maxPrice), look: { ...nextRound(observation), bids } };
    case 'unanswered':
      return { step: { kind: 'wait' }, note: noAnswer, look: { ...nextRound(observation), bids } };
    case 'noHost':
      return {
        step: { kind: 'wait' },
        note: `No other host fits (${found.placement.tally}). It is started once its bid wins again.`,
        look: { ...nextRound(observation), bids },
      };
  }
}

const mayYetRun = 'A start of it may yet take effect: another VM takes its place once it cannot any more.';

/** What has to be in place before a deployment; that the VM is outbid is still the news. */
function prepare(observation: VmObservation): Recovery | undefined {
  for (const rule of preparationRules) {
    const verdict = rule(observation);
    if (verdict === undefined) continue;
    const note = verdict.ready === 'keep' ? undefined : verdict.ready.message;
    const { step, look = {}, need } = verdict;
    return { step, look, ...(note === undefined ? {} : { note }), ...(need === undefined ? {} : { need }) };
  }
  return undefined;
}

function looking({ maxPrice }: SpotTerms): string {
  return `Looking for a bid of at most ${dollars(maxPrice)} that wins.`;
}

const noAnswer = 'The provider does not say whether a bid wins now: asked again by itself.';

function nothingWins(maxPrice: Money): string {
  return `No bid up to ${dollars(maxPrice)} wins now. Asked again by itself; its own bid, too.`;
}
