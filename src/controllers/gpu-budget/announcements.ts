import { conditionOf } from '../../api/conditions.ts';
import type { GpuBudgetStatus } from '../../api/gpu-budget.ts';
import type { Announcement } from '../../plan/vm/verdict.ts';

const notable = { BudgetUsedUp: 'Warning', BudgetExceeded: 'Warning', InvalidSpec: 'Warning' } as const;

/** What the change from one status to the next has to say to whoever runs `kubectl describe`. */
export function announcementsFor(before: GpuBudgetStatus, after: GpuBudgetStatus): Announcement[] {
  const said: Announcement[] = [];
  const near = conditionOf(after.conditions, 'NearLimit');
  if (near !== undefined && conditionOf(before.conditions, 'NearLimit')?.message !== near.message) {
    said.push({ type: 'Warning', reason: 'NearLimit', message: near.message });
  }
  const ready = conditionOf(after.conditions, 'Ready');
  if (ready === undefined || ready.reason === conditionOf(before.conditions, 'Ready')?.reason) return said;
  if (isNotable(ready.reason)) said.push({ type: notable[ready.reason], reason: ready.reason, message: ready.message });
  return said;
}

function isNotable(reason: string): reason is keyof typeof notable {
  return Object.hasOwn(notable, reason);
}
