import type { GpuBudgetStatus } from '../../api/gpu-budget.ts';
import { isAskedToRun, type PowerHold } from '../../plan/vm/power-hold.ts';
import type { CustomObject } from '../objects.ts';
import { parseVm } from '../vm/parse.ts';
import { parseBudget, type BooksDeps } from './books.ts';

/** Of the budgets that keep this resource's VM released. */
export function budgetHolds({ budgets }: Pick<BooksDeps, 'budgets'>, object: CustomObject): PowerHold[] {
  const { namespace = '', uid } = object.metadata;
  const holding = budgets.byIndex('namespace', namespace).filter((budget) => {
    if (parseBudget(budget)?.onExceeded !== 'StopByPriority') return false;
    return stoppedBy(budget).some((stopped) => stopped.uid === uid);
  });
  return holding.map(({ metadata: { name } }) => ({
    powerState: 'Released',
    reason: 'StoppedByBudget',
    message: `GpuBudget "${name}" has no room for the VM now, and keeps it released by its priority: ${afterwards(object)}.`,
  }));
}

function afterwards(object: CustomObject): string {
  return isAskedToRun(parseVm(object).spec)
    ? 'it is started by itself once there is room'
    : 'one that is Stopped is billed as a running one';
}

export function stoppedBy({ status }: CustomObject): NonNullable<GpuBudgetStatus['stopped']> {
  const { stopped } = (status ?? {}) as GpuBudgetStatus;
  return Array.isArray(stopped) ? stopped : [];
}
