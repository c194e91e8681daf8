import type { GpuBudgetStatus } from '../../api/gpu-budget.ts';
import { isEqualJson } from '../../kube/patch.ts';
import { longestUnwrittenMs } from '../../plan/budget/budget-status.ts';
import { startOfDay } from '../../plan/budget/spend.ts';

/** Whether the status has to be written: what was spent grows with every moment, and is no reason by itself. */
export function isWorthWriting(before: GpuBudgetStatus, after: GpuBudgetStatus, now: number): boolean {
  if (!isEqualJson(withoutSpend(before), withoutSpend(after))) return true;
  return !isEqualJson(spendOf(before), spendOf(after)) && isOld(before, now);
}

function isOld({ used }: GpuBudgetStatus, now: number): boolean {
  const at = Date.parse(used?.at ?? '');
  return Number.isNaN(at) || now - at >= longestUnwrittenMs || at < startOfDay(now);
}

function withoutSpend({ used, ...status }: GpuBudgetStatus): object {
  return { ...status, used: { vms: used?.vms, gpus: used?.gpus, hourlyCost: used?.hourlyCost } };
}

function spendOf({ used }: GpuBudgetStatus): object {
  return { daily: used?.dailyCost, monthly: used?.monthlyCost };
}
