import type { RecordedVm, RetiringVm } from '../../api/vm-status.ts';
import { toPreciseTimestamp, toTimestamp } from '../../lib/clock.ts';
import type { CloudVm } from '../../provider/contract.ts';
import type { VmObservation } from './observation.ts';
import { liveVm, mayTouch } from './ownership.ts';
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
import type { Look, Verdict } from './verdict.ts';

/**
 * VMs on their way out: replaced, but their disks are kept until `keepUntil`. None of them may run beside the VM in
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
  const { journal, now } = observation;
  const back = runningRetired(observation);
  if (back === undefined || journal.vm === undefined || liveVm(observation)?.state !== 'outbid') return undefined;
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
  if (vm?.state !== 'running' || spot === undefined) return undefined;
  const open = journal.retiring?.filter(({ keepUntil }) => keepUntil === undefined) ?? [];
  if (open.length === 0) return undefined;
  const keepUntil = toPreciseTimestamp(now + spot.retentionMs);
  const retiring = journal.retiring?.map((retired) => ({ ...retired, keepUntil: retired.keepUntil ?? keepUntil }));
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

const retiredVmIsDue: Rule = (observation) => {
  const { journal, facts } = observation;
  const due = journal.retiring?.find(
    ({ id }) => isDue(observation, id) && !facts.deletedAt.has(id) && !isDeleteBackingOff(observation, id),
  );
  if (due === undefined) return undefined;
  if (mayTouch(observation, due.id)) {
    return { step: { kind: 'delete', vmId: due.id, why: 'retired' }, phase: 'keep', ready: 'keep' };
  }
  // No list shows it, and so none shows whose it is.
  return isAskedLately(observation, due.id)
    ? undefined
    : { step: { kind: 'confirmGone', vmId: due.id }, phase: 'keep', ready: 'keep' };
};

/** Confirmed by the call or by the answer about it; a list that can be trusted has to confirm it too. */
const retiredVmIsGone: Rule = (observation) => {
  const { journal, facts } = observation;
  for (const { id } of journal.retiring ?? []) {
    const deletedAt = facts.deletedAt.get(id);
    if (deletedAt === undefined) continue;
    if (mustAskAboutDeleted(observation, id, deletedAt)) {
      return { step: { kind: 'confirmGone', vmId: id }, phase: 'keep', ready: 'keep' };
    }
    if (listingNeededToForget(observation, id, deletedAt) !== undefined) continue;
    return {
      step: {
        kind: 'record',
        journal: { ...journal, retiring: without(journal.retiring, id) },
        announcement: { type: 'Normal', reason: 'Deleted', message: `VM ${id}, which was replaced, is deleted.` },
      },
      phase: 'keep',
      ready: 'keep',
    };
  }
  return undefined;
};

function isDue({ journal, now }: VmObservation, vmId: string): boolean {
  const keepUntil = journal.retiring?.find(({ id }) => id === vmId)?.keepUntil;
  return keepUntil !== undefined && millis(keepUntil) <= now;
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
  if (snapshot === undefined || !isListed(snapshot, vmId)) return undefined;
  return snapshot.byId.get(vmId);
}

function recordOf(retired: RetiringVm): RecordedVm {
  const kept = Object.entries(retired).filter(([name]) => !ofRetirement.has(name));
  return Object.fromEntries(kept) as RecordedVm;
}

const ofRetirement: ReadonlySet<string> = new Set(['retiredAt', 'keepUntil', 'billedNow']);

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

function lookAt(observation: VmObservation, { id, keepUntil }: RetiringVm): Look {
  const { facts, now, timings } = observation;
  const deletedAt = facts.deletedAt.get(id);
  if (deletedAt !== undefined) {
    const look =
      now - deletedAt <= timings.transitionMs ? listingNeededToForget(observation, id, deletedAt) : undefined;
    return look ?? { inMs: timings.retryMs };
  }
  if (keepUntil === undefined) return {};
  const dueAt = millis(keepUntil);
  return { inMs: dueAt > now ? until(dueAt, now) : timings.retryMs };
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
  retiredVmIsDue,
  retiredVmIsGone,
];
