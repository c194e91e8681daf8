import type { AccountRegistry } from '../controllers/accounts.ts';
import type { Cluster } from './cluster.ts';
import type { OperatorDeps } from './deps.ts';
import { collectBalances } from './account-metrics.ts';
import { collectPools } from './pool-metrics.ts';
import { collectReports } from './report-metrics.ts';
import { collectSpending, type Spending } from './spending.ts';
import { collectVms } from './vm-metrics.ts';

/** Metrics that are read off what is known at each scrape, so that they cannot drift from it. */
export function collectAll(
  deps: OperatorDeps,
  cluster: Cluster,
  { accounts: registry, spending }: { readonly accounts: AccountRegistry; readonly spending: Spending },
): void {
  const { metrics, clock } = deps;
  const ofAccounts = { accounts: cluster.accounts.store, registry, clock };
  collectPools(metrics, cluster.pools.store);
  collectSpending(deps, cluster, spending);
  collectVms(metrics, { vms: cluster.vms, ...ofAccounts });
  collectReports(metrics, ofAccounts);
  collectBalances(metrics, { accounts: cluster.accounts.store, balances: spending.balances });
}
