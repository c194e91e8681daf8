import type { AccountRegistry } from '../controllers/accounts.ts';
import type { CustomObject } from '../controllers/objects.ts';
import { parseAccount } from '../controllers/spending/books.ts';
import type { ReportBook } from '../fleet/contract.ts';
import type { ReadStore } from '../kube/store.ts';
import type { Clock } from '../lib/clock.ts';
import { money, type Money } from '../lib/money.ts';
import { reportsWanted } from '../plan/reports.ts';
import type { HostRevenue, MonthlySummary } from '../provider/reports.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** So many hosts have series of their own; the others count together. Nobody but the provider says how many there are. */
const mostHosts = 200;
const otherHosts = '(other)';

/** What the last reports said, of accounts that still ask for them: read off at each scrape. */
export function collectReports(
  metrics: Metrics,
  deps: { readonly accounts: ReadStore<CustomObject>; readonly registry: AccountRegistry; readonly clock: Clock },
): void {
  metrics.onCollect(() => {
    for (const gauge of ['reportAgeSeconds', 'billingDollars', 'hostRevenueDollars', 'hostGpus'] as const)
      metrics[gauge].reset();
    for (const object of deps.accounts.list()) {
      const { name: account } = object.metadata;
      const spec = parseAccount(object);
      const reports = deps.registry.runtime(account)?.reports;
      if (spec === undefined || reports === undefined) continue;
      const { kinds } = reportsWanted(spec);
      for (const kind of kinds) collectOne(metrics, { account, kind, now: deps.clock.now() }, reports);
    }
  });
}

function collectOne(
  metrics: Metrics,
  { account, kind, now }: { readonly account: string; readonly kind: 'Summary' | 'Revenue'; readonly now: number },
  { summary, revenue }: ReportBook,
): void {
  const { last } = kind === 'Summary' ? summary : revenue;
  if (last === undefined) return;
  metrics.reportAgeSeconds.set({ account, report: kind }, (now - last.requestedAt) / 1000);
  if (kind === 'Summary' && summary.last !== undefined) showSummary(metrics, account, summary.last.value);
  if (kind === 'Revenue' && revenue.last !== undefined) showRevenue(metrics, account, revenue.last.value);
}

function showSummary(metrics: Metrics, account: string, summary: MonthlySummary): void {
  const { expenses, payouts, balanceBefore, balanceAfter } = summary;
  const period = summary.period?.from ?? 'unknown';
  const amounts = { expenses, payouts, balance_before: balanceBefore, balance_after: balanceAfter };
  for (const [part, amount] of Object.entries(amounts)) {
    if (amount !== undefined) metrics.billingDollars.set({ account, period, of: part }, Number(amount.toFixed()));
  }
}

function showRevenue(metrics: Metrics, account: string, hosts: readonly HostRevenue[]): void {
  const byRevenue = hosts.toSorted((a, b) => earnedBy(b).cmp(earnedBy(a)));
  for (const [at, { hostnode, revenue, used, available }] of byRevenue.entries()) {
    const labels = { account, hostnode: at < mostHosts ? hostnode : otherHosts };
    for (const part of ['compute', 'storage'] as const) {
      const amount = revenue[part];
      if (amount !== undefined) metrics.hostRevenueDollars.inc({ ...labels, of: part }, Number(amount.toFixed()));
    }
    if (used.gpus !== undefined) metrics.hostGpus.inc({ ...labels, state: 'used' }, used.gpus);
    if (available.gpus !== undefined) metrics.hostGpus.inc({ ...labels, state: 'available' }, available.gpus);
  }
}

function earnedBy({ revenue: { compute = money(0), storage = money(0) } }: HostRevenue): Money {
  return compute.plus(storage);
}
