import type { GpuBudgetStatus } from '../api/gpu-budget.ts';
import { gpuAccountType, gpuBudgetType, gpuPoolType } from '../api/group.ts';
import { GpuBudgetController } from '../controllers/gpu-budget/controller.ts';
import { Balances } from '../controllers/spending/balances.ts';
import { CatchUp } from '../controllers/spending/catch-up.ts';
import { CostMeter } from '../controllers/spending/cost-meter.ts';
import { Ledger } from '../controllers/spending/ledger.ts';
import { SpendMeter } from '../controllers/spending/meter.ts';
import type { AccountRegistry } from '../controllers/accounts.ts';
import { namespaceType, type CustomObject } from '../controllers/objects.ts';
import { vmKinds } from '../controllers/vm/kinds.ts';
import { keyOf, type KubeObject } from '../kube/contract.ts';
import { isEqualJson } from '../kube/patch.ts';
import type { KubeEventRecorder } from '../kube/events.ts';
import type { Change, ReadStore } from '../kube/store.ts';
import { balanceTimings } from '../plan/balance/view.ts';
import { measures } from '../plan/budget/limits.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Cluster } from './cluster.ts';
import { collectCosts } from './cost-metrics.ts';
import type { OperatorDeps } from './deps.ts';
import { wakeVm, wakeVmsIn } from './wake-ups.ts';

/** The books of the process, and what leads to another look at them. */
export interface Spending {
  readonly ledger: Ledger;
  readonly meter: SpendMeter;
  readonly costs: CostMeter;
  readonly catchUp: CatchUp;
  readonly balances: Balances;
}

export function createSpending(
  { kube, clock, options }: OperatorDeps,
  { cluster, accounts, installation }: { cluster: Cluster; accounts: AccountRegistry; installation: string },
): Spending {
  const meter = new SpendMeter(clock);
  const costs = new CostMeter(clock, options.costLabels);
  const balances = new Balances({
    clock,
    accounts,
    timings: balanceTimings(options.balanceIntervalMs, options.pollIdleMs),
  });
  const ledger = new Ledger({
    ...{ clock, accounts, installation, meter, costs, balances },
    vms: cluster.vms,
    budgets: cluster.budgets.store,
    accountsStore: cluster.accounts.store,
    pools: cluster.pools.store,
    namespaces: cluster.namespaces,
    wake: (key) => {
      wakeVm(cluster, key);
    },
    changed: (namespace) => {
      wakeBudgetsIn(cluster, namespace);
    },
  });
  const kinds = [
    ...vmKinds.map(({ type }) => ({ type, ...cluster.vms.of(type.kind) })),
    { type: gpuBudgetType, ...cluster.budgets },
    { type: gpuAccountType, ...cluster.accounts },
    { type: gpuPoolType, ...cluster.pools },
    { type: namespaceType, store: cluster.namespaces },
  ];
  return { ledger, meter, costs, balances, catchUp: new CatchUp(kube, kinds) };
}

/** What is used changes often while VMs start: a budget looks at it, and writes what it sees, at most so often. */
const usageSettlesMs = 1_000;

function wakeBudgetsIn({ budgets }: Cluster, namespace: string): void {
  for (const { metadata } of budgets.store.byIndex('namespace', namespace)) {
    budgets.queue.addAfter(keyOf(metadata), usageSettlesMs);
  }
}

/** What changes how much room there is, or who may have it. */
export function wakeOnSpendingChanges(cluster: Cluster, { ledger, meter }: Spending): void {
  for (const { store } of cluster.vms.kinds.values()) {
    store.subscribe(({ old, new: current }) => {
      ledger.noteChange(old, current);
    });
  }
  cluster.budgets.store.subscribe((change) => {
    if (change.new === undefined && change.old !== undefined) meter.forget(change.old.metadata.uid);
    if (isOtherSpec(change)) ledger.noteLimits();
    if (change.origin === 'write') return;
    cluster.budgets.queue.add(change.key);
    if (isOtherSpec(change)) wakeVmsIn(cluster, namespaceOf(change));
  });
  // Also by its status: VMs that nobody owns any more are counted there, and may have gone.
  cluster.accounts.store.subscribe(() => {
    ledger.noteLimits();
  });
  cluster.pools.store.subscribe((change) => {
    if (isOtherSpec(change)) ledger.noteLimits();
    // Nothing is deployed for members of a pool that is not there.
    if (change.old === undefined) wakeVmsIn(cluster, namespaceOf(change));
  });
  cluster.namespaces.subscribe((change) => {
    const { old, new: current } = change;
    if (!isEqualJson(old?.metadata.labels, current?.metadata.labels)) wakeVmsIn(cluster, change.key);
  });
}

function isOtherSpec({ old, new: current }: Change<CustomObject>): boolean {
  return !isEqualJson(old?.spec, current?.spec);
}

function namespaceOf({ old, new: current }: Change<KubeObject>): string {
  return (current ?? old)?.metadata.namespace ?? '';
}

export function budgetController(
  { kube, clock, log }: OperatorDeps,
  { cluster, spending, events }: { cluster: Cluster; spending: Spending; events: KubeEventRecorder },
): GpuBudgetController {
  return new GpuBudgetController({
    ...{ kube, clock, log, ...spending },
    store: cluster.budgets.store,
    vms: cluster.vms,
    announce: (object, { type, reason, message }) => {
      events.event(gpuBudgetType, object, { type, reason, action: 'Reconcile', note: message });
    },
    wake: (key) => {
      wakeVm(cluster, key);
    },
  });
}

export function collectSpending({ metrics, options }: OperatorDeps, { budgets }: Cluster, { costs }: Spending): void {
  collectBudgets(metrics, budgets.store);
  collectCosts(metrics, costs, options.costLabels);
}

/** How much of each limit is used, as the statuses say: read off them at each scrape. */
function collectBudgets(metrics: Metrics, budgets: ReadStore<CustomObject>): void {
  metrics.onCollect(() => {
    metrics.budgetUsedRatio.reset();
    for (const { metadata, status } of budgets.list()) {
      const { hard = {}, used } = (status ?? {}) as GpuBudgetStatus;
      for (const measure of measures) {
        const [most, amount] = [Number(hard[measure]), Number(used?.[measure])];
        if (Number.isNaN(most) || Number.isNaN(amount)) continue;
        const labels = { namespace: metadata.namespace ?? '', budget: metadata.name, limit: measure };
        metrics.budgetUsedRatio.set(labels, most === 0 ? 1 : amount / most);
      }
    }
  });
}
