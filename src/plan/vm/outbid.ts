import { mostOutbidTimes, type RecordedVm, type SpotHistory } from '../../api/vm-status.ts';
import { toPreciseTimestamp, toTimestamp } from '../../lib/clock.ts';
import { dollars } from '../../lib/money.ts';
import type { CloudVm } from '../../provider/contract.ts';
import { bidOf } from '../price.ts';
import type { VmObservation } from './observation.ts';
import { outbidTooOftenUntil } from './outbid-limit.ts';
import { liveVm } from './ownership.ts';
import { isToRunNow } from './power-hold.ts';
import { priceHold } from './price-check.ts';
import { recover, replace, replaceOnDemand, type Losing, type Recovery } from './recovery.ts';
import { millis, type Rule } from './rule.ts';
import { waiting, type ReadyDraft, type Verdict } from './verdict.ts';

/** A spot VM that has lost its place, or would not get it back: wait, replace it, or go on demand. */

const noHistory: SpotHistory = { outbidCount: 0, outbidTimes: [] };

const vmIsNewlyOutbid: Rule = (observation) => {
  const { journal, now, spot } = observation;
  const vm = liveVm(observation);
  const { spot: history = noHistory } = journal;
  if (spot === undefined || vm?.state !== 'outbid' || journal.vm?.outbidSince !== undefined) return undefined;
  if (journal.vm === undefined) return undefined;
  const outbidSince = toPreciseTimestamp(now);
  const counted: SpotHistory = {
    outbidCount: history.outbidCount + 1,
    outbidTimes: [...history.outbidTimes, outbidSince].slice(-mostOutbidTimes),
  };
  const recorded = { ...journal.vm, outbidSince };
  const sentence = outbidSentence(recorded, vm);
  // Where no VM is to run that is a fact for the record: what Ready says is decided by the power state.
  const isNews = isToRunNow(observation);
  return {
    step: {
      kind: 'record',
      journal: { ...journal, vm: recorded, spot: counted },
      announcement: { type: 'Warning', reason: 'Outbid', message: sentence },
      isNews,
    },
    phase: isNews ? 'Outbid' : 'keep',
    ready: isNews ? waiting('Outbid', sentence) : 'keep',
  };
};

const vmHasItsPlaceAgain: Rule = (observation) => {
  const { journal } = observation;
  const vm = liveVm(observation);
  if (vm?.state !== 'running' || journal.vm?.outbidSince === undefined) return undefined;
  return {
    step: { kind: 'record', journal: { ...journal, vm: { ...journal.vm, outbidSince: undefined } } },
    phase: 'keep',
    ready: 'keep',
  };
};

const vmLostItsPlace: Rule = (observation) => {
  const { spot, journal } = observation;
  const vm = liveVm(observation);
  if (spot === undefined || vm === undefined || journal.vm?.capacity === 'OnDemand') return undefined;
  // Released, it gets its GPU again only by a bid that wins, as if it had been outbid. One that is stopped with its GPU kept is billed
  // in full: another VM in its place would double that, beyond what a budget allows. It is started for ever.
  if ((vm.state !== 'outbid' && vm.state !== 'released') || !isWantedRunning(observation)) return undefined;
  const recovery = recover(observation, { vm, spot });
  if (recovery === undefined) return undefined;
  const { note, ...decided } = recovery;
  return { phase: 'Outbid', ready: outbid(observation, vm, note), ...decided };
};

function isWantedRunning(observation: VmObservation): boolean {
  return isToRunNow(observation) && priceHold(observation) === undefined;
}

function isWithoutRoom({ facts: { lastCall } }: VmObservation): boolean {
  return lastCall?.call === 'start' && lastCall.failure?.kind === 'noCapacity';
}

/** Released for a spot VM which did not come, and its host has no room for it any more: another one takes its place. */
const onDemandVmFindsNoRoom: Rule = (observation) => {
  const { spot, journal } = observation;
  const vm = liveVm(observation);
  if (vm?.state !== 'released' || spot?.onOutbid !== 'OnDemand') return undefined;
  if (journal.vm?.capacity !== 'OnDemand' || !isWithoutRoom(observation)) return undefined;
  if (!isWantedRunning(observation)) return undefined;
  const decided = [replaceOnDemand(observation), replaceByBid(observation, { vm, spot })];
  const next = decided.find((recovery) => recovery !== undefined && recovery.step.kind !== 'wait');
  if (next === undefined) return undefined;
  const message = `The host of on-demand VM ${vm.id} has no room for it now: another VM takes its place.`;
  return { phase: 'Released', step: next.step, ready: waiting('StartBlockedNoCapacity', message) };
};

/** Where bids may be made at all. */
function replaceByBid(observation: VmObservation, losing: Losing): Recovery | undefined {
  return outbidTooOftenUntil(observation, losing.spot) === undefined ? replace(observation, losing) : undefined;
}

function outbid(observation: VmObservation, vm: CloudVm, note: string | undefined): ReadyDraft {
  const sentence = outbidSentence(observation.journal.vm, vm);
  return waiting('Outbid', note === undefined ? sentence : `${sentence} ${note}`);
}

function outbidSentence(recorded: RecordedVm | undefined, vm: CloudVm): string {
  const bid = bidOf(recorded);
  const by = bid === undefined ? 'its bid' : `its bid of ${dollars(bid)}`;
  const disk = vm.price?.storage === undefined ? '' : ` for ${dollars(vm.price.storage)} per hour`;
  if (vm.state !== 'outbid') return `VM ${vm.id} is stopped, and ${by} does not win now. Its disk is kept${disk}.`;
  const since = recorded?.outbidSince === undefined ? '' : ` since ${toTimestamp(millis(recorded.outbidSince))}`;
  return `VM ${vm.id} was outbid: ${by} does not win${since}. Its disk is kept${disk}.`;
}

/**
 * The API server took no write when it was seen, and now nothing can be said of the VM that is newer: then that it was outbid is
 * the last that is known, and not what the status said before.
 */
export function sayThatItWasOutbid({ journal, status }: VmObservation, verdict: Verdict): Verdict {
  const { vm } = journal;
  const isUntold = vm?.outbidSince !== undefined && status.vm?.outbidSince === undefined;
  if (verdict.ready !== 'keep' || !isUntold) return verdict;
  return { ...verdict, phase: 'Outbid', ready: waiting('Outbid', `VM ${vm.id} was outbid. Its disk is kept.`) };
}

export const outbidRules: readonly Rule[] = [
  vmIsNewlyOutbid,
  vmHasItsPlaceAgain,
  vmLostItsPlace,
  onDemandVmFindsNoRoom,
];
