import type { RecordedVm, RetiringVm } from '../../api/vm-status.ts';
import { toPreciseTimestamp, toTimestamp } from '../../lib/clock.ts';
import type { CloudVm } from '../../provider/contract.ts';
import type { VmObservation } from './observation.ts';
import { liveVm, mayTouch } from './ownership.ts';
import { firstPriceViolation, isFoundTooDear } from './price-check.ts';
import { isInDoubt } from './proof.ts';
import {
  callPatienceMs,
  isListed,
  known,
  listingNeededToForget,
  millis,
  mustAskAboutDeleted,
  until,
  type Rule,
} from './rule.ts';
import type { Look, Step, Verdict } from './verdict.ts';

/**
 * VMs on their way out: replaced, but their disks are kept for as long as the spec says. None of them may run beside the VM in
 * `status.vm`, and none may be forgotten before it is proven gone.
 */

/** Its replacement was never made, or is lost: the one that retired last has its place again. */
const retiredVmHasItsPlaceAgain: Rule = (observation) => {
  const { journal, facts } = observation;
  if (journal.vm !== undefined || isInDoubt(journal)) return undefined;
  const back = journal.retiring?.findLast(
    ({ id }) => listed(observation, id) !== undefined && !facts.deletedAt.has(id),
  );
  if (back === undefined || !mayTouch(observation, back.id)) return undefined;
  return {
    step: { kind: 'record', journal: { ...journal, vm: recordOf(back), retiring: without(journal.retiring, back.id) } },
    phase: 'keep',
    ready: 'keep',
  };
};

/** The provider has brought it back, while the one that replaced it is outbid itself: they change places. */
const retiredVmRunsInstead: Rule = (observation) => {
  const { journal, now, facts } = observation;
  const back = runningRetired(observation);
  // One that was adopted is never replaced, and does not retire.
  if (back === undefined || journal.vm === undefined || journal.vm.adopted === true) return undefined;
  // One that is to be deleted keeps its place until it is gone: or it would be the other one that is deleted in it.
  if (isToGo(observation) || facts.deletedAt.has(journal.vm.id)) return undefined;
  if (liveVm(observation)?.state !== 'outbid') return undefined;
  const retiring = [...without(journal.retiring, back.id), { ...journal.vm, retiredAt: toPreciseTimestamp(now) }];
  return {
    step: { kind: 'record', journal: { ...journal, vm: recordOf(back), retiring } },
    phase: 'keep',
    ready: 'keep',
  };
};

/** The provider has brought it back: it is stopped at once, with its disk kept. */
const retiredVmRuns: Rule = (observation) => {
  const back = runningRetired(observation);
  if (back === undefined || isCallUnderWay(observation, back.id)) return undefined;
  return { step: { kind: 'stop', vmId: back.id, release: true }, phase: 'keep', ready: 'keep' };
};

function runningRetired(observation: VmObservation): RetiringVm | undefined {
  return observation.journal.retiring?.find(
    ({ id }) => listed(observation, id)?.state === 'running' && mayTouch(observation, id) && !isDue(observation, id),
  );
}

/** From now on its disk is only kept for a while. */
const replacementRuns: Rule = (observation) => {
  const { journal, spot, now } = observation;
  const vm = liveVm(observation);
  if (vm?.state !== 'running' || spot === undefined || isToGo(observation)) return undefined;
  const open = journal.retiring?.filter(({ replacedAt }) => replacedAt === undefined) ?? [];
  if (open.length === 0) return undefined;
  const replacedAt = toPreciseTimestamp(now);
  const retiring = journal.retiring?.map((retired) => ({ ...retired, replacedAt: retired.replacedAt ?? replacedAt }));
  const ids = open.map(({ id }) => id).join(', ');
  return {
    step: {
      kind: 'record',
      journal: { ...journal, retiring },
      announcement: {
        type: 'Normal',
        reason: 'Replaced',
        message: `VM ${vm.id} has taken the place of VM ${ids}, whose disk is kept until ${toTimestamp(now + spot.retentionMs)}.`,
      },
    },
    phase: 'keep',
    ready: 'keep',
  };
};

/** It has turned out too dear, and is deleted: then the one before is all that there is. */
function isToGo(observation: VmObservation): boolean {
  const { vm, launch } = observation.journal;
  const isTooDear = vm !== undefined && launch !== undefined && isFoundTooDear(vm, launch);
  return isTooDear || firstPriceViolation(observation) !== undefined;
}

/** Confirmed by the call or by the answer about it; a list that can be trusted has confirmed it too. */
const retiredVmIsGone: Rule = (observation) => {
  const { journal, facts } = observation;
  const gone = journal.retiring?.find(({ id }) => {
    const deletedAt = facts.deletedAt.get(id);
    return deletedAt !== undefined && listingNeededToForget(observation, id, deletedAt) === undefined;
  });
  if (gone === undefined) return undefined;
  return {
    step: {
      kind: 'record',
      journal: { ...journal, retiring: without(journal.retiring, gone.id) },
      announcement: { type: 'Normal', reason: 'Deleted', message: `VM ${gone.id}, which was replaced, is deleted.` },
    },
    phase: 'keep',
    ready: 'keep',
  };
};

/** Where nothing else is to be done: what is said of the VM itself stands beside it. */
export function tendRetiring(observation: VmObservation, verdict: Verdict): Verdict {
  const { meta, journal } = observation;
  if (verdict.step.kind !== 'wait' || meta.deleting || meta.paused || known(observation) === undefined) return verdict;
  for (const { id } of journal.retiring ?? []) {
    const step = stepFor(observation, id);
    if (step !== undefined) return { ...verdict, step };
  }
  return verdict;
}

function stepFor(observation: VmObservation, vmId: string): Step | undefined {
  const { facts } = observation;
  const deletedAt = facts.deletedAt.get(vmId);
  const ask: Step | undefined = isAskedLately(observation, vmId) ? undefined : { kind: 'confirmGone', vmId };
  if (deletedAt !== undefined) return mustAskAboutDeleted(observation, vmId, deletedAt) ? ask : undefined;
  // No list shows it: whether it is gone, and whose it is, only the provider can say.
  if (!isInList(observation, vmId)) return ask;
  if (!isDue(observation, vmId) || isDeleteBackingOff(observation, vmId) || !mayTouch(observation, vmId))
    return undefined;
  return { kind: 'delete', vmId, why: 'retired' };
}

function isInList(observation: VmObservation, vmId: string): boolean {
  const snapshot = known(observation)?.snapshot;
  return snapshot !== undefined && isListed(snapshot, vmId);
}

/** When it is to be deleted: by the spec as it is now, so that a change of that counts. */
export function dueAt({ spot }: VmObservation, { replacedAt }: RetiringVm): number | undefined {
  return replacedAt === undefined || spot === undefined ? undefined : millis(replacedAt) + spot.retentionMs;
}

function isDue(observation: VmObservation, vmId: string): boolean {
  const retiring = observation.journal.retiring?.find(({ id }) => id === vmId);
  const at = retiring === undefined ? undefined : dueAt(observation, retiring);
  return at !== undefined && at <= observation.now;
}

/** For the status; undefined while nothing is in the way. */
export function whyNotDeleted(observation: VmObservation, vmId: string): string | undefined {
  const call = observation.facts.calls.get(vmId);
  if (call?.call !== 'delete' || call.failure === undefined) return undefined;
  return `It could not be deleted, tried again for ever: ${call.failure.message}`;
}

/** Only that: a stop that is under way is no reason to go on paying for a disk. */
function isDeleteBackingOff({ facts, now }: VmObservation, vmId: string): boolean {
  const call = facts.calls.get(vmId);
  return call?.call === 'delete' && call.failure !== undefined && now < call.nextTryAt;
}

/** Its last call waits to show in the list, to take effect, or for the pause after a failure. */
function isCallUnderWay({ facts, now, account }: VmObservation, vmId: string): boolean {
  const call = facts.calls.get(vmId);
  if (call === undefined) return false;
  // A start that failed was of the time when it was the VM of the resource: it does not keep it running.
  if (call.call === 'start') return false;
  if (call.failure !== undefined) return now < call.nextTryAt;
  const listedAt = account.kind === 'ready' ? (account.snapshot?.requestedAt ?? 0) : 0;
  return call.call !== 'delete' && (listedAt < call.endedAt || now - call.endedAt < callPatienceMs);
}

function isAskedLately({ facts, now, timings }: VmObservation, vmId: string): boolean {
  const confirmation = facts.confirmations.get(vmId);
  return confirmation !== undefined && now - confirmation.askedAt < timings.retryMs;
}

function listed(observation: VmObservation, vmId: string): CloudVm | undefined {
  const snapshot = known(observation)?.snapshot;
  return isInList(observation, vmId) ? snapshot?.byId.get(vmId) : undefined;
}

function recordOf(retired: RetiringVm): RecordedVm {
  const kept = Object.entries(retired).filter(([name]) => !ofRetirement.has(name));
  return Object.fromEntries(kept) as RecordedVm;
}

const ofRetirement: ReadonlySet<string> = new Set(['retiredAt', 'replacedAt', 'keepUntil', 'billedNow', 'message']);

/** An absent list says the same as an empty one, in fewer bytes. */
function without(retiring: readonly RetiringVm[] = [], vmId: string): RetiringVm[] {
  return retiring.filter(({ id }) => id !== vmId);
}

/** Beside whatever else is waited for: the end of a retention, of a pause, or a list without what was deleted. */
export function lookAtRetiring(observation: VmObservation, verdict: Verdict): Verdict {
  const { journal, meta } = observation;
  if (verdict.step.kind !== 'wait' || meta.deleting || (journal.retiring ?? []).length === 0) return verdict;
  const looks = (journal.retiring ?? []).map((retired) => lookAt(observation, retired));
  return { ...verdict, look: looks.reduce(sooner, verdict.look ?? {}) };
}

function lookAt(observation: VmObservation, retiring: RetiringVm): Look {
  const { id } = retiring;
  const { facts, now, timings } = observation;
  const deletedAt = facts.deletedAt.get(id);
  if (deletedAt !== undefined) {
    const look =
      now - deletedAt <= timings.transitionMs ? listingNeededToForget(observation, id, deletedAt) : undefined;
    return look ?? { inMs: timings.retryMs };
  }
  if (listed(observation, id) === undefined) return { inMs: timings.retryMs };
  const at = dueAt(observation, retiring);
  if (at === undefined) return {};
  return { inMs: at > now ? until(at, now) : timings.retryMs };
}

function sooner(one: Look, other: Look): Look {
  return {
    ...one,
    inMs: least(one.inMs, other.inMs),
    snapshotAfter: least(one.snapshotAfter, other.snapshotAfter),
  };
}

function least(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

export const retirementRules: readonly Rule[] = [
  retiredVmHasItsPlaceAgain,
  retiredVmRunsInstead,
  retiredVmRuns,
  replacementRuns,
  retiredVmIsGone,
];
