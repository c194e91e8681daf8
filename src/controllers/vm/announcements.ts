import { conditionOf, type ConditionDraft } from '../../api/conditions.ts';
import type { VmStatus } from '../../api/vm.ts';
import type { Reason } from '../../api/reasons.ts';
import { serviceTrouble } from '../../plan/service/words.ts';
import type { Announcement } from '../../plan/vm/verdict.ts';

/** Reasons of Ready that are worth an Event when they begin; the others are steps on the way, or announced by the step. */
const notable: Partial<Record<Reason, Announcement['type']>> = {
  Running: 'Normal',
  Stopped: 'Normal',
  Released: 'Normal',
  OffHours: 'Normal',
  StoppedByBudget: 'Warning',
  StoppedForBalance: 'Warning',
  Resizing: 'Normal',
  NoOffer: 'Warning',
  OverPriceCap: 'Warning',
  NoWinningBid: 'Warning',
  OverBudget: 'Warning',
  OverAccountLimit: 'Warning',
  BalanceLow: 'Warning',
  BalanceUnknown: 'Warning',
  OverPoolCost: 'Warning',
  PoolNotFound: 'Warning',
  NamespaceNotAllowed: 'Warning',
  RetainNotAllowed: 'Warning',
  OutbidTooOften: 'Warning',
  ReturningToSpot: 'Normal',
  LaunchFailed: 'Warning',
  CreateUncertain: 'Warning',
  InsufficientBalance: 'Warning',
  InvalidSpec: 'Warning',
  AccountNotFound: 'Warning',
  AccountNotReady: 'Warning',
  SecretNotFound: 'Warning',
  ConfigMapNotFound: 'Warning',
  InvalidInput: 'Warning',
  CrdOutdated: 'Warning',
  SecretConflict: 'Warning',
  UnknownStatus: 'Warning',
  Unreadable: 'Warning',
  VmMissing: 'Warning',
  VmNotOurs: 'Warning',
  StartBlockedNoCapacity: 'Warning',
  PowerCallFailed: 'Warning',
  DeleteFailed: 'Warning',
  AdoptionVmNotFound: 'Warning',
  AdoptionRefused: 'Warning',
  AdoptionMismatch: 'Warning',
};

/** What the change from one status to the next has to say to whoever runs `kubectl describe`. */
export function announcementsFor(before: VmStatus, after: VmStatus): Announcement[] {
  const ready = newlySaid(before, after, 'Ready');
  const upToDate = newlySaid(before, after, 'UpToDate');
  const said: Announcement[] = [];
  const type = ready === undefined ? undefined : notable[ready.reason];
  if (ready !== undefined && type !== undefined) said.push({ type, reason: ready.reason, message: ready.message });
  if (upToDate?.status === 'False' && upToDate.reason !== 'ResizePending') {
    said.push({ type: 'Warning', reason: upToDate.reason, message: upToDate.message });
  }
  said.push(...serviceTrouble(before.conditions, after.conditions));
  return said;
}

/** The condition, if its reason is another one than before. It was made from drafts, so its reason is one that we know. */
function newlySaid(before: VmStatus, after: VmStatus, type: ConditionDraft['type']): ConditionDraft | undefined {
  const condition = conditionOf(after.conditions, type);
  if (conditionOf(before.conditions, type)?.reason === condition?.reason) return undefined;
  return condition as ConditionDraft | undefined;
}
