import { mostRetiring } from '../../api/vm-status.ts';
import type { CloudVm } from '../../provider/contract.ts';
import { searchBid, type BidOffers } from './bid-offers.ts';
import { launchOn, preparationRules } from './launch.ts';
import { lateStartLook } from './late-start.ts';
import type { Journal, VmObservation } from './observation.ts';
import { outbidTooOftenUntil } from './outbid-limit.ts';
import { liveVm } from './ownership.ts';
import { isToRunNow } from './power-hold.ts';
import { until, type Rule } from './rule.ts';
import type { SpotTerms } from './spot-terms.ts';
import { waiting, type Look, type ReadyDraft, type Step, type Verdict } from './verdict.ts';

/**
 * From an on-demand VM that has taken over back to a spot VM, once a bid has been winnable for a while. The on-demand VM is
 * released first, as no two VMs of a resource may run; if no bid wins then after all, it is started again.
 */

/** Longest time that the on-demand VM may be released for a spot VM that does not come. */
const longestReturnMs = 5 * 60_000;

/** The on-demand VM was given up for a spot VM a moment ago. */
export function isReturningToSpot(observation: VmObservation): boolean {
  const { journal, facts, spot, now } = observation;
  const { returningSince } = facts.bidding;
  if (spot?.returnAfterMs === undefined || journal.vm?.capacity !== 'OnDemand') return false;
  if (!isToRunNow(observation)) return false;
  return returningSince !== undefined && now - returningSince < longestReturnMs;
}

export function returningToSpot(vmId: string): ReadyDraft {
  return waiting(
    'ReturningToSpot',
    `A bid wins again: on-demand VM ${vmId} is released, and a spot VM takes its place.`,
  );
}

interface Returnable {
  readonly vm: CloudVm;
  readonly spot: SpotTerms;
  readonly returnAfterMs: number;
}

/** An on-demand VM that may be given up for a spot VM, now or when bids may be made again. */
function returnable(observation: VmObservation): Returnable | undefined {
  const { spot, journal, meta, adoption } = observation;
  const vm = liveVm(observation);
  if (spot?.returnAfterMs === undefined || vm === undefined || !isHeldOnDemand(journal)) return undefined;
  if (!isToRunNow(observation) || meta.deleting || meta.paused || adoption !== undefined) return undefined;
  return { vm, spot, returnAfterMs: spot.returnAfterMs };
}

/** And with room for it among those that are on their way out. */
function isHeldOnDemand({ vm, retiring = [] }: Journal): boolean {
  return vm?.capacity === 'OnDemand' && retiring.length < mostRetiring;
}

const spotIsToBeLookedAt: Rule = (observation) => {
  const found = returnable(observation);
  if (found?.vm.state !== 'running' || isReturningToSpot(observation)) return undefined;
  if (!isSaidToRun(observation) || observation.now < looksAgainAt(observation, found)) return undefined;
  const step = marketStep(observation, found);
  return step === undefined ? undefined : { step, phase: 'keep', ready: 'keep' };
};

/** Questions about the market take their time: first its owner is told that the VM runs, and how to reach it. */
function isSaidToRun({ status }: VmObservation): boolean {
  return status.phase === 'Running';
}

/** When the market may be looked at: not for a while after the last look, nor when the resource was outbid too often. */
function looksAgainAt(observation: VmObservation, { spot }: Returnable): number {
  const { asked, nextRoundAt } = observation.facts.bidding;
  return Math.max(outbidTooOftenUntil(observation, spot) ?? 0, asked === 0 ? nextRoundAt : 0);
}

function marketStep(observation: VmObservation, { spot, returnAfterMs }: Returnable): Step | undefined {
  if (isInventoryOld(observation)) return undefined;
  const market = searchBid(observation, spot);
  if (market.kind === 'ask') return { kind: 'askBid', question: market.question, isIdle: true };
  if (market.kind === 'beingAsked') return undefined;
  const isWinnable = market.kind === 'found';
  const isLongEnough = isWinnable && mayGo(observation, returnAfterMs);
  // What a deployment waits for keeps the on-demand VM from being given up for nothing.
  const preparation = isLongEnough ? preparationOf(observation) : undefined;
  if (preparation !== undefined && preparation.kind !== 'wait') return preparation;
  return { kind: 'noteMarket', isWinnable, isReturning: isLongEnough && preparation === undefined };
}

function mayGo(observation: VmObservation, returnAfterMs: number): boolean {
  const { winnableSince } = observation.facts.bidding;
  if (winnableSince === undefined || observation.now - winnableSince < returnAfterMs) return false;
  // It may be started once more by a call whose answer was lost, and would run beside the spot VM.
  return lateStartLook(observation) === undefined;
}

function preparationOf(observation: VmObservation): Step | undefined {
  for (const rule of preparationRules) {
    const verdict = rule(observation);
    if (verdict !== undefined) return verdict.step;
  }
  return undefined;
}

function isInventoryOld({ account }: VmObservation): boolean {
  return account.kind !== 'ready' || !account.offers.fresh || account.offers.hosts === undefined;
}

const spotVmTakesOver: Rule = (observation) => {
  const found = returnable(observation);
  if (found?.vm.state !== 'released' || !isReturningToSpot(observation)) return undefined;
  const ready = returningToSpot(found.vm.id);
  // Its owner has changed the terms since: no bid is made, and the on-demand VM goes on.
  if (outbidTooOftenUntil(observation, found.spot) !== undefined) return { phase: 'Launching', ready, step: notNow };
  const lateStart = lateStartLook(observation);
  if (lateStart !== undefined) return { phase: 'Launching', ready, step: { kind: 'wait' }, look: lateStart };
  for (const rule of preparationRules) {
    const verdict = rule(observation);
    if (verdict !== undefined) return { ...verdict, phase: 'Launching', ready };
  }
  return { phase: 'Launching', ready, ...takeOver(observation, searchBid(observation, found.spot)) };
};

function takeOver(observation: VmObservation, market: BidOffers): Pick<Verdict, 'step'> & Partial<Verdict> {
  switch (market.kind) {
    case 'found':
      return launchOn(observation, market);
    case 'ask':
      return { step: { kind: 'askBid', question: market.question } };
    case 'beingAsked':
      return { step: { kind: 'wait' }, look: { bids: market } };
    case 'refused':
    case 'unanswered':
    case 'noHost':
      return { step: notNow };
  }
}

const notNow: Step = { kind: 'noteMarket', isWinnable: false, isReturning: false };

/** Beside whatever else is waited for, the market is looked at again in time. */
export function lookAtMarket(observation: VmObservation, verdict: Verdict): Verdict {
  const found = returnable(observation);
  if (verdict.step.kind !== 'wait' || found?.vm.state !== 'running' || isReturningToSpot(observation)) return verdict;
  return { ...verdict, look: { ...verdict.look, ...nextLook(observation, found, verdict) } };
}

function nextLook(observation: VmObservation, found: Returnable, { phase, look }: Verdict): Look {
  const { now } = observation;
  const looksAt = looksAgainAt(observation, found);
  if (now < looksAt) return { inMs: Math.min(look?.inMs ?? Infinity, until(looksAt, now)) };
  // At once when that is written. While something else is said nobody knows for how long: to look again and again would be a loop.
  if (!isSaidToRun(observation)) return phase === 'Running' ? { inMs: 1 } : {};
  if (isInventoryOld(observation)) return { hosts: true };
  const market = searchBid(observation, found.spot);
  return market.kind === 'beingAsked' ? { bids: market } : {};
}

export const returnToSpotRules: readonly Rule[] = [spotIsToBeLookedAt, spotVmTakesOver];
