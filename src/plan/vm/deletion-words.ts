import type { RecordedVm } from '../../api/vm-status.ts';
import type { VmObservation } from './observation.ts';
import { waiting, type Announcement, type ReadyDraft, type Verdict } from './verdict.ts';

/** What is said of a resource whose VM is being deleted. */

export function deleting(message: string): ReadyDraft {
  return waiting('Deleting', message);
}

export function idsOf(vms: readonly RecordedVm[]): string {
  return vms.map(({ id }) => id).join(', ');
}

export function letGo(announcement: Announcement | undefined): Omit<Verdict, 'rule'> {
  return { step: { kind: 'removeFinalizer', announcement }, phase: 'Deleting', ready: 'keep' };
}

export function deleteDraft({ facts, account }: VmObservation, vmId: string): ReadyDraft {
  const call = facts.calls.get(vmId);
  const failed = call?.call === 'delete' ? call.failure : undefined;
  const poll = account.kind === 'ready' ? account.pollFailure : undefined;
  if (failed !== undefined)
    return waiting(
      'DeleteFailed',
      `VM ${vmId} could not be deleted, tried again for ever; it may still be billed: ${failed.message}`,
    );
  return deleting(
    `VM ${vmId} is being deleted${poll === undefined ? '' : `; the provider does not answer well: ${poll.message}`}.`,
  );
}
