import { conditionOf } from '../../api/conditions.ts';
import type { GpuAccountStatus } from '../../api/gpu-account.ts';
import type { GpuBudgetStatus } from '../../api/gpu-budget.ts';
import { annotations } from '../../api/group.ts';
import { holdBySchedule } from '../../plan/vm/clockwork.ts';
import { powerWantedNow } from '../../plan/vm/power-hold.ts';
import type { CustomObject } from '../objects.ts';
import { parseVm } from '../vm/parse.ts';

/** Who is kept released for want of money, and who of them waits to be started. */

const released = new WeakMap<CustomObject, ReadonlySet<string>>();

/** UIDs of the resources whose VMs this account keeps released. An object of the store never changes. */
export function releasedBy(account: CustomObject): ReadonlySet<string> {
  const { stopped } = (account.status ?? {}) as GpuAccountStatus;
  const uids = released.get(account) ?? new Set(Array.isArray(stopped) ? stopped.map(({ uid }) => uid) : []);
  released.set(account, uids);
  return uids;
}

/** The same of a budget, in the order of release. */
export function stoppedBy({ status }: CustomObject): NonNullable<GpuBudgetStatus['stopped']> {
  const { stopped } = (status ?? {}) as GpuBudgetStatus;
  return Array.isArray(stopped) ? stopped : [];
}

/** Whether it would hold its GPU now, if no limit kept it from that. One that is paused stays as it is. */
export function wantsGpu(object: CustomObject, holdsIt: boolean, now: number): boolean {
  if (object.metadata.annotations?.[annotations.paused] === 'true') return holdsIt;
  const { spec, status, isStatusDamaged } = parseVm(object);
  if (!isStatusDamaged && conditionOf(status.conditions, 'Ready')?.reason === 'PriceViolation') return holdsIt;
  const hold = holdBySchedule(spec, now);
  const wanted = powerWantedNow({ spec, holds: hold === undefined ? [] : [hold] });
  return wanted === 'Running' || (wanted === 'Stopped' && holdsIt);
}

/** By which it is chosen who is released last, and started first. */
export function rankOf(object: CustomObject): { uid: string; priority: number; createdAt: number } {
  const { uid, creationTimestamp } = object.metadata;
  return { uid, priority: parseVm(object).spec.priority, createdAt: Date.parse(creationTimestamp ?? '') || 0 };
}
