import type { GpuAccountStatus } from '../../api/gpu-account.ts';
import type { GpuBudgetStatus } from '../../api/gpu-budget.ts';
import { isAskedToRun, type PowerHold } from '../../plan/vm/power-hold.ts';
import type { CustomObject } from '../objects.ts';
import { parseVm } from '../vm/parse.ts';
import { parseAccount, parseBudget, type BooksDeps } from './books.ts';

/** What keeps this resource's VM released for want of money. */
export function moneyHolds(deps: Pick<BooksDeps, 'budgets' | 'accountsStore'>, object: CustomObject): PowerHold[] {
  return [...budgetHolds(deps, object), ...balanceHolds(deps, object)];
}

function budgetHolds({ budgets }: Pick<BooksDeps, 'budgets'>, object: CustomObject): PowerHold[] {
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

function balanceHolds({ accountsStore }: Pick<BooksDeps, 'accountsStore'>, object: CustomObject): PowerHold[] {
  const { accountName } = parseVm(object).spec;
  const account = accountsStore.get(accountName);
  const below = account === undefined ? undefined : parseAccount(account)?.limits?.releaseBelowRunway;
  if (account === undefined || below === undefined || !releasedBy(account).has(object.metadata.uid)) return [];
  const message = `The balance of GpuAccount "${accountName}" is too low for all VMs (limits.releaseBelowRunway ${below}), and this one is kept released by its priority: ${afterwards(object)}. Recharge the balance at the provider.`;
  return [{ powerState: 'Released', reason: 'StoppedForBalance', message }];
}

const released = new WeakMap<CustomObject, ReadonlySet<string>>();

/** UIDs of the resources whose VMs this account keeps released. An object of the store never changes. */
export function releasedBy(account: CustomObject): ReadonlySet<string> {
  const { stopped } = (account.status ?? {}) as GpuAccountStatus;
  const uids = released.get(account) ?? new Set(Array.isArray(stopped) ? stopped.map(({ uid }) => uid) : []);
  released.set(account, uids);
  return uids;
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
