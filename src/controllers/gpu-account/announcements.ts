import { conditionOf } from '../../api/conditions.ts';
import type { GpuAccountStatus } from '../../api/gpu-account.ts';
import type { Announcement } from '../../plan/vm/verdict.ts';

/** What the change from one status to the next has to say to whoever runs `kubectl describe`. */
export function announcementsFor(before: GpuAccountStatus, after: GpuAccountStatus): Announcement[] {
  const said: Announcement[] = [];
  const unproven = conditionOf(after.conditions, 'OrganizationUnproven');
  if (unproven !== undefined && conditionOf(before.conditions, 'OrganizationUnproven') === undefined) {
    said.push({ type: 'Warning', reason: 'OrganizationUnproven', message: unproven.message });
  }
  const { keyFingerprint, confirmation } = after.organization ?? {};
  const isTurned = keyFingerprint !== undefined && keyFingerprint !== before.organization?.keyFingerprint;
  if (isTurned && confirmation === keyFingerprint) {
    said.push({
      type: 'Normal',
      reason: 'OrganizationConfirmed',
      message: 'Goes on with these credentials, as the annotation says: VMs that their list lacks count as gone.',
    });
  }
  return [...said, ...ofHold(before, after), ...ofBalance(before, after)];
}

function ofHold(before: GpuAccountStatus, after: GpuAccountStatus): Announcement[] {
  if (after.unmanagedHold === undefined || before.unmanagedHold !== undefined) return [];
  const held = conditionOf(after.conditions, 'UnmanagedVms');
  return held === undefined ? [] : [{ type: 'Warning', reason: 'UnmanagedVmsHeld', message: held.message }];
}

const balanceEvents = {
  BalanceSufficient: 'Normal',
  BalanceShort: 'Warning',
  BalanceLow: 'Warning',
  BalanceCritical: 'Warning',
  BalanceUnknown: 'Warning',
} as const;

/** That it is enough is news only where it was not. */
function ofBalance(before: GpuAccountStatus, after: GpuAccountStatus): Announcement[] {
  const [old, now] = [before, after].map(({ conditions }) => conditionOf(conditions, 'BalanceHealthy'));
  if (now === undefined || now.reason === old?.reason || !isOfBalance(now.reason)) return [];
  const isFirst = old === undefined || (old.reason === 'BalanceUnknown' && now.status === 'True');
  if (isFirst && now.status !== 'False') return [];
  return [{ type: balanceEvents[now.reason], reason: now.reason, message: now.message }];
}

function isOfBalance(reason: string): reason is keyof typeof balanceEvents {
  return Object.hasOwn(balanceEvents, reason);
}
