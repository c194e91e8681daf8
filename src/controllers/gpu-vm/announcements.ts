import { conditionOf } from '../../api/conditions.ts';
import type { GpuVmStatus } from '../../api/gpu-vm.ts';
import type { Reason } from '../../api/reasons.ts';
import type { Announcement } from '../../plan/vm/verdict.ts';

/** Reasons of Ready that are worth an Event when they begin; the others are steps on the way, or announced by the step. */
const notable: Partial<Record<Reason, Announcement['type']>> = {
  Running: 'Normal',
  Stopped: 'Normal',
  Released: 'Normal',
  Resizing: 'Normal',
  NoOffer: 'Warning',
  OverPriceCap: 'Warning',
  LaunchFailed: 'Warning',
  CreateUncertain: 'Warning',
  InsufficientBalance: 'Warning',
  InvalidSpec: 'Warning',
  AccountNotFound: 'Warning',
  AccountNotReady: 'Warning',
  SecretNotFound: 'Warning',
  ConfigMapNotFound: 'Warning',
  InvalidInput: 'Warning',
  SecretConflict: 'Warning',
  UnknownStatus: 'Warning',
  Unreadable: 'Warning',
  VmMissing: 'Warning',
  StartBlockedNoCapacity: 'Warning',
  PowerCallFailed: 'Warning',
  DeleteFailed: 'Warning',
  AdoptionVmNotFound: 'Warning',
  AdoptionRefused: 'Warning',
  AdoptionMismatch: 'Warning',
};

/** What the change from one status to the next has to say to whoever runs `kubectl describe`. */
export function announcementsFor(before: GpuVmStatus, after: GpuVmStatus): Announcement[] {
  const said: Announcement[] = [];
  const ready = conditionOf(after.conditions, 'Ready');
  const type = ready === undefined ? undefined : notable[ready.reason as Reason];
  if (ready !== undefined && type !== undefined && conditionOf(before.conditions, 'Ready')?.reason !== ready.reason) {
    said.push({ type, reason: ready.reason, message: ready.message });
  }
  const upToDate = conditionOf(after.conditions, 'UpToDate');
  const wasUpToDate = conditionOf(before.conditions, 'UpToDate');
  if (upToDate?.status === 'False' && upToDate.reason !== 'ResizePending' && wasUpToDate?.reason !== upToDate.reason) {
    said.push({ type: 'Warning', reason: upToDate.reason, message: upToDate.message });
  }
  return said;
}
