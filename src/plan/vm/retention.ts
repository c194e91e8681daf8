import type { KeptVms } from '../../api/unmanaged-vms.ts';
import type { RecordedVm } from '../../api/vm-status.ts';
import { deleting, idsOf, letGo } from './deletion-words.ts';
import type { VmObservation } from './observation.ts';
import { recordsOf } from './ownership.ts';
import { isInDoubt } from './proof.ts';
import { nothingButRelease } from './money-release.ts';
import { waiting, type Announcement, type Verdict } from './verdict.ts';

/**
 * A VM that is left behind goes on costing money, and counts no more: under a GpuBudget that does not allow it the deletion
 * waits. Nothing is lost by that, and the VM goes on counting.
 */
export function retainHold(observation: VmObservation): Omit<Verdict, 'rule'> | undefined {
  if (!mayLeave(observation) || observation.spend.mayRetain) return undefined;
  return {
    // It counts on, and so it may be its turn to stop.
    ...nothingButRelease(observation),
    phase: 'Deleting',
    ready: waiting(
      'RetainNotAllowed',
      'spec.deletionPolicy is Retain, but a GpuBudget of the namespace does not allow that VMs are left behind. Set spec.deletionPolicy to Delete, or ask the platform team for allowRetain: until then the VM stays, and counts.',
    ),
    stalled: true,
  };
}

/** There is a VM, or may be one. */
function mayLeave({ journal, marked }: VmObservation): boolean {
  return recordsOf(journal).length > 0 || marked.length > 0 || isInDoubt(journal);
}

/**
 * Once its resource is gone only the list knows of a VM, and so do the limits of the account: one that it does not show yet would
 * make room for another. Where no list can be had nobody is kept waiting for one.
 */
export function waitUntilCounted({ account, facts, journal, now }: VmObservation): Omit<Verdict, 'rule'> | undefined {
  if (account.kind !== 'ready' || account.pollFailure !== undefined || facts.vmSeenAt === undefined) return undefined;
  const isListed = (account.snapshot?.requestedAt ?? -Infinity) >= facts.vmSeenAt;
  if (journal.vm === undefined || isListed) return undefined;
  const words = `Waiting for a list that counts VM ${journal.vm.id}, which is to be left behind.`;
  // Where there is none that counts, as after an exchange of the key, one that was asked for before does not count either.
  const snapshotAfter = account.snapshot === undefined ? Math.max(facts.vmSeenAt, now) : facts.vmSeenAt;
  return { step: { kind: 'wait' }, phase: 'Deleting', ready: deleting(words), look: { snapshotAfter } };
}

/**
 * Once the resource is gone its VM looks as one that was forgotten does, which an account may delete by itself. So the account
 * writes down first that it is to be kept. One that does not exist deletes nothing.
 */
export function leaveBehind(
  observation: VmObservation,
  why: KeptVms['why'],
  { kept, announcement }: { readonly kept: readonly RecordedVm[]; readonly announcement: Announcement | undefined },
): Omit<Verdict, 'rule'> {
  const ids = kept.map(({ id }) => id);
  if (!mayLeave(observation) || observation.account.kind === 'missing' || observation.isKeptNoted(ids)) {
    return letGo(announcement);
  }
  const what = ids.length === 0 ? 'whatever its deployment may have made' : `VM ${idsOf(kept)}`;
  const message = `GpuAccount "${observation.spec.accountName}" has to write down first that ${what} is to be kept (status.keptVms). If that lasts, it has no room, or the CRDs are older than the operator.`;
  const look = { inMs: observation.timings.retryMs };
  return { step: { kind: 'noteKept', why, ids }, phase: 'Deleting', ready: deleting(message), look };
}
