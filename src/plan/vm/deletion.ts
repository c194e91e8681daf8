import { markOf } from '../../api/vm-name.ts';
import type { RecordedVm, RetiringVm } from '../../api/vm-status.ts';
import type { VmObservation } from './observation.ts';
import { deleteDraft, deleting, idsOf, letGo } from './deletion-words.ts';
import { doubtOf, isForgotten } from './forgotten.ts';
import { mayTouch, ownershipOfRecord, recordsOf } from './ownership.ts';
import { doubtAbout, droppingRules } from './ownership-rules.ts';
import { absenceProof, isInDoubt, uncertainLaunch } from './proof.ts';
import { leaveBehind, retainHold, waitUntilCounted } from './retention.ts';
import { isListed, known, listingNeededToForget, mustAskAboutDeleted, until, type Rule } from './rule.ts';
import { waiting, type Look } from './verdict.ts';

/**
 * A resource that is being deleted. Its finalizer goes only when it is certain that nothing of it is left at the
 * provider: after a list that was requested after the confirmed delete call, and does not have the VM.
 */

const nothingIsLeftToDo: Rule = ({ meta }) =>
  meta.hasFinalizer
    ? undefined
    : { step: { kind: 'wait' }, phase: 'Deleting', ready: deleting('Waiting for other finalizers.') };

const vmIsToBeKept: Rule = (observation) => {
  const { spec, journal } = observation;
  // What was replaced is nobody's any more: it is deleted, and proven gone, as it would have been.
  if (spec.deletionPolicy !== 'Retain' || isReplacedLeft(observation)) return undefined;
  const hold = retainHold(observation);
  if (hold !== undefined) return hold;
  const uncounted = waitUntilCounted(observation);
  if (uncounted !== undefined) return uncounted;
  const kept = recordsOf(journal).filter((vm) => !isReplaced(vm));
  const message = `VM ${idsOf(kept)} is left at the provider (deletionPolicy Retain) and goes on billing.`;
  const announcement = kept.length === 0 ? undefined : ({ type: 'Normal', reason: 'Retained', message } as const);
  return leaveBehind(observation, 'Retained', { kept, announcement });
};

/** Under a budget that does not allow that VMs are left behind, the annotation is none. */
const vmIsToBeAbandoned: Rule = (observation) => {
  const { meta, journal, spend } = observation;
  if (!meta.abandoned || !spend.mayRetain) return undefined;
  const kept = recordsOf(journal);
  const what = kept.length === 0 ? 'an unresolved deployment' : `VM ${idsOf(kept)}`;
  const message = `Let go of ${what} by annotation: it may go on billing.`;
  return leaveBehind(observation, 'Abandoned', {
    kept,
    announcement: { type: 'Warning', reason: 'Abandoned', message },
  });
};

/** Nothing says that there is a VM, and no list can be had before somebody acts: the status has to do. */
const nothingCanBeListed: Rule = (observation) => {
  const { journal, marked } = observation;
  if (recordsOf(journal).length > 0 || marked.length > 0 || !isAccountUnusable(observation)) return undefined;
  return isInDoubt(journal) && !isForgottenWithoutAccount(observation) ? undefined : letGo(undefined);
};

/** An account is held back while resources use it: through one that does not exist, nothing was deployed. */
function isForgottenWithoutAccount({ journal, account }: VmObservation): boolean {
  return account.kind === 'missing' && journal.launch !== undefined && isForgotten(journal.launch);
}

function isAccountUnusable({ account }: VmObservation): boolean {
  switch (account.kind) {
    case 'missing':
      return true;
    case 'notReady':
      // Just seen, as after a start: in a moment there will be a list.
      return account.reason !== 'CredentialsUnknown';
    case 'ready':
      return account.pollFailure?.kind === 'unauthorized';
  }
}

const accountIsAway: Rule = ({ account, spec, journal, timings }) => {
  if (account.kind === 'ready') return undefined;
  const why =
    account.kind === 'missing'
      ? `GpuAccount "${spec.accountName}" does not exist: create it again`
      : `GpuAccount "${spec.accountName}" cannot be used (${account.message})`;
  const what = journal.vm === undefined ? 'Whether there is a VM to delete cannot be seen' : 'The VM cannot be deleted';
  const message = `${what} now: ${why}, or set the annotation gpuvm.dev/abandon: "true" to let the VM go on.`;
  return {
    step: { kind: 'wait' },
    phase: 'Deleting',
    ready: waiting('DeleteFailed', message),
    synced: waiting(account.kind === 'missing' ? 'AccountNotFound' : account.reason, message),
    look: { inMs: timings.retryMs },
  };
};

const listIsMissing: Rule = (observation) =>
  known(observation) === undefined
    ? {
        step: { kind: 'wait' },
        phase: 'Deleting',
        ready: deleting('Waiting for the list of VMs from the provider.'),
        look: { snapshotAfter: observation.now },
      }
    : undefined;

/** The other one goes on holding the VM: whichever of them goes last deletes it. */
const vmIsContested: Rule = (observation) => {
  const ownership = ownershipOfRecord(observation);
  // What was replaced is this resource's alone.
  if (ownership?.kind !== 'contested' || isLeft(observation, observation.journal.retiring ?? [])) return undefined;
  const message = `VM ${observation.journal.vm?.id ?? ''} is left alone, since ${ownership.why}.`;
  return letGo({ type: 'Warning', reason: 'VmNotOurs', message });
};

/** Deleting it might delete somebody else's, and letting the resource go might leak its own: a person has to look. */
const doubtfulVmIsNotDeleted: Rule = (observation) => {
  const ownership = ownershipOfRecord(observation);
  const snapshot = known(observation)?.snapshot;
  const id = observation.journal.vm?.id;
  if (ownership?.kind !== 'doubtful' || snapshot === undefined || id === undefined) return undefined;
  if (!isListed(snapshot, id)) return undefined;
  return {
    step: { kind: 'wait' },
    phase: 'Deleting',
    ready: waiting('VmNotOurs', doubtAbout(observation, ownership.why)),
    look: { inMs: observation.timings.retryMs },
  };
};

/**
 * No list shows the recorded VM, and so none shows whose it is: the provider is asked about it. Without that a forged
 * record would delete whatever VM it names.
 */
const recordedVmIsUnproven: Rule = (observation) => {
  const { journal, facts, now, timings } = observation;
  const isOpen = (id: string): boolean => !facts.deletedAt.has(id) && !mayTouch(observation, id);
  const id = recordsOf(journal).find((vm) => ownIds(observation).has(vm.id) && isOpen(vm.id))?.id;
  if (id === undefined) return undefined;
  const draft = deleting(`VM ${id} is not in the list; asking the provider about it.`);
  const askedAt = facts.confirmations.get(id)?.askedAt;
  const nextAt = askedAt === undefined ? now : askedAt + timings.retryMs;
  if (now >= nextAt) return { step: { kind: 'confirmGone', vmId: id }, phase: 'Deleting', ready: draft };
  return { step: { kind: 'wait' }, phase: 'Deleting', ready: draft, look: { inMs: until(nextAt, now) } };
};

const vmIsToBeDeleted: Rule = (observation) => {
  const vmId = [...ownIds(observation)].find((id) => !observation.facts.deletedAt.has(id) && mayTouch(observation, id));
  if (vmId === undefined) return undefined;
  return {
    step: { kind: 'delete', vmId, why: 'resourceDeleted' },
    phase: 'Deleting',
    ready: deleteDraft(observation, vmId),
  };
};

/** Confirmed by the call; the list has to confirm it too. */
const listStillHasIt: Rule = (observation) => {
  const { facts, now } = observation;
  const deleted = [...ownIds(observation)].map((id) => ({ id, deletedAt: facts.deletedAt.get(id) ?? now }));
  // About all of them before any is waited for: what is not known of one keeps the list distrusted for the others.
  const open = deleted.find(({ id, deletedAt }) => mustAskAboutDeleted(observation, id, deletedAt));
  if (open !== undefined) return askAbout(open.id);
  for (const { id, deletedAt } of deleted) {
    const look = listingNeededToForget(observation, id, deletedAt);
    if (look !== undefined) return waitForList(observation, { id, deletedAt, look });
  }
  return undefined;
};

function askAbout(vmId: string): ReturnType<Rule> {
  return {
    step: { kind: 'confirmGone', vmId },
    phase: 'Deleting',
    ready: deleting(`VM ${vmId} is deleted, but the list is not to be trusted now; asking the provider about it.`),
  };
}

function waitForList(
  observation: VmObservation,
  { id, deletedAt, look }: { id: string; deletedAt: number; look: Look },
): ReturnType<Rule> {
  const { now, timings } = observation;
  const snapshot = known(observation)?.snapshot;
  // The list lacks it, and is no proof as long as others are being deleted: that is no failure.
  const isGoing = snapshot?.isProvisional === true && !isListed(snapshot, id);
  const isLate = now - deletedAt > timings.transitionMs && !isGoing;
  const late = `The provider confirmed the deletion of VM ${id}, but no list that can be trusted is without it: look at it there. It may still be billed.`;
  return {
    step: { kind: 'wait' },
    phase: 'Deleting',
    ready: isLate ? waiting('DeleteFailed', late) : deleting(`VM ${id} is deleted; waiting for a list without it.`),
    look: isLate ? { inMs: timings.retryMs } : look,
  };
}

/** Ids of the VMs that are or may be this resource's, and are not to be kept. */
function ownIds(observation: VmObservation): ReadonlySet<string> {
  const { journal, marked, spec } = observation;
  const { retiring = [] } = journal;
  if (spec.deletionPolicy === 'Retain') return new Set(retiring.filter(isReplaced).map(({ id }) => id));
  const isContested = ownershipOfRecord(observation)?.kind === 'contested';
  return new Set((isContested ? retiring : [...recordsOf(journal), ...marked]).map(({ id }) => id));
}

/** A deploy call without a certain answer may still make a VM, which nobody would delete once the resource is gone. */
const launchIsStillUncertain: Rule = (observation) => {
  const launch = uncertainLaunch(observation);
  if (launch === undefined) return undefined;
  const proof = absenceProof(observation, launch);
  if (proof.kind !== 'open') return undefined;
  return {
    step: { kind: 'wait' },
    phase: 'Deleting',
    ready: waiting(
      'CreateUncertain',
      `${doubtOf(launch)}; waiting for the list to prove whether there is a VM to delete.`,
    ),
    look: proof.look,
  };
};

/** A list that nobody waited for may never have been compared with the bill, nor can it know what was made since; see `isProvisional`. */
const listIsOlderThanDeletion: Rule = (observation) => {
  const { facts, now } = observation;
  const seenAt = facts.deletionSeenAt ?? now;
  const { requestedAt = 0, isUnchecked = false, isProvisional = false } = known(observation)?.snapshot ?? {};
  if (requestedAt >= seenAt && !isUnchecked && !isProvisional) return undefined;
  return {
    step: { kind: 'wait' },
    phase: 'Deleting',
    ready: deleting('Waiting for a list of VMs that shows that nothing is left.'),
    look: { snapshotAfter: Math.max(seenAt, requestedAt + 1) },
  };
};

/**
 * The status says that there is no VM, or none any more. A status can be lost or edited, and a list that hides a VM would
 * leave that one behind.
 */
const listIsNoProof: Rule = (observation) => {
  const snapshot = known(observation)?.snapshot;
  const why = snapshot?.distrusted ?? unreadableOwn(observation);
  if (why === undefined) return undefined;
  const remedy = `the annotation gpuvm.dev/abandon: "true" lets the resource go without`;
  return {
    step: { kind: 'wait' },
    phase: 'Deleting',
    ready: deleting(`No VM is known, but a list that can be trusted has to show that there is none; ${remedy}. ${why}`),
    look: { inMs: observation.timings.retryMs },
  };
};

/** An entry that cannot be read but for its name, which carries the mark of this resource. */
function unreadableOwn(observation: VmObservation): string | undefined {
  const unreadable = known(observation)?.snapshot.unreadableNames ?? [];
  for (const [id, name] of unreadable) {
    if (markOf(name)?.uid === observation.meta.uid) return `The entry of VM ${id} could not be understood.`;
  }
  return undefined;
}

/** Its replacement has run: until then it may yet get its place back, and be the one that is to be kept. */
function isReplaced(vm: RecordedVm | RetiringVm): boolean {
  return 'replacedAt' in vm && vm.replacedAt !== undefined;
}

/** The VM itself is kept: only what was replaced before has to go. */
function isReplacedLeft(observation: VmObservation): boolean {
  return isLeft(observation, (observation.journal.retiring ?? []).filter(isReplaced));
}

function isLeft(observation: VmObservation, vms: readonly RetiringVm[]): boolean {
  return vms.some(({ id }) => {
    const deletedAt = observation.facts.deletedAt.get(id);
    return deletedAt === undefined || listingNeededToForget(observation, id, deletedAt) !== undefined;
  });
}

const everythingIsGone: Rule = ({ journal }) =>
  letGo(
    journal.vm === undefined
      ? undefined
      : { type: 'Normal', reason: 'Deleted', message: `VM ${journal.vm.id} is deleted; the list no longer has it.` },
  );

export const deletionRules: readonly Rule[] = [
  nothingIsLeftToDo,
  ...droppingRules,
  vmIsToBeKept,
  vmIsToBeAbandoned,
  nothingCanBeListed,
  accountIsAway,
  listIsMissing,
  vmIsContested,
  doubtfulVmIsNotDeleted,
  // What may be deleted does not wait for what is not known.
  vmIsToBeDeleted,
  recordedVmIsUnproven,
  listStillHasIt,
  launchIsStillUncertain,
  listIsOlderThanDeletion,
  listIsNoProof,
  everythingIsGone,
];
