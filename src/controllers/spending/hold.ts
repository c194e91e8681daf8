import type { GpuAccountSpec } from '../../api/gpu-account.ts';
import { isAskedToRun, type PowerHold } from '../../plan/vm/power-hold.ts';
import type { CustomObject } from '../objects.ts';
import { parseVm } from '../vm/parse.ts';
import { parseAccount, parseBudget, type BooksDeps } from './books.ts';
import { releasedBy, stoppedBy } from './standby.ts';

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
  if (account === undefined || !releasedBy(account).has(object.metadata.uid)) return [];
  const spec = parseAccount(account);
  const below = spec?.limits?.releaseBelowRunway;
  // Where nobody can read what it is limited to, whoever is released stays so.
  if (spec !== undefined && below === undefined) return [];
  const message = `The balance of GpuAccount "${accountName}" ${tooLow(spec?.limits)}: ${afterwards(object)}. Recharge the balance at the provider.`;
  return [{ powerState: 'Released', reason: 'StoppedForBalance', message }];
}

/** By which limit it was released, and by which it stays so: true from the release on, however far the balance gets. */
function tooLow({ minRunway, releaseBelowRunway }: NonNullable<GpuAccountSpec['limits']> = {}): string {
  if (minRunway === undefined || releaseBelowRunway === undefined) {
    return 'was too low for all VMs, and this one is kept released by its priority';
  }
  return `was too low for all VMs to run for ${releaseBelowRunway} (limits.releaseBelowRunway), and this one is kept released by its priority until it lasts for ${minRunway} with it (limits.minRunway)`;
}

function afterwards(object: CustomObject): string {
  return isAskedToRun(parseVm(object).spec)
    ? 'it is started by itself once there is room'
    : 'one that is Stopped is billed as a running one';
}
