import { gpuAccountType, gpuPoolType } from '../api/group.ts';
import { AccountRegistry } from '../controllers/accounts.ts';
import { GpuAccountController } from '../controllers/gpu-account/controller.ts';
import { GpuPoolController } from '../controllers/pool/controller.ts';
import { VmController } from '../controllers/vm/controller.ts';
import { ChosenHosts } from '../controllers/vm/spread.ts';
import { vmKinds, type VmKind } from '../controllers/vm/kinds.ts';
import type { Ledger } from '../controllers/spending/ledger.ts';
import { InputReader } from '../controllers/input-reader.ts';
import { Prober } from '../controllers/prober.ts';
import { ServicePublisher } from '../controllers/service/publisher.ts';
import { VmOwners } from '../controllers/vm-owners.ts';
import type { Reconciler } from '../kube/contract.ts';
import { KubeEventRecorder } from '../kube/events.ts';
import type { WorkQueue } from '../kube/queue.ts';
import { Runner } from '../kube/runner.ts';
import { runnerHooks } from '../telemetry/runtime-hooks.ts';
import { startTelemetryServer, type TelemetryServer } from '../telemetry/server.ts';
import { accountStarter } from './account-runtime.ts';
import { collectAll } from './collect.ts';
import { createCluster, recordedVmsOf, type Cluster } from './cluster.ts';
import type { OperatorDeps } from './deps.ts';
import { installationOf, leadRunners } from './leading.ts';
import { vmTimings } from './options.ts';
import { budgetController, createSpending, wakeOnSpendingChanges, type Spending } from './spending.ts';
import { createUnmanaged, unmanagedSweeper, wakeSweeper, type Unmanaged } from './unmanaged.ts';
import { vmMetrics } from './vm-metrics.ts';
import {
  wakeOnClusterChanges,
  publishOnClusterChanges,
  wakeOnListChange,
  wakePublisher,
  wakeVm,
  wakeVmsOf,
} from './wake-ups.ts';

export interface Operator {
  /** Resolves once the stores are complete and the loops run, or once `stop` was called: then nothing of it runs. */
  start(): Promise<void>;
  /**
   * Takes no new work, lets calls in flight end, and closes everything, for good. After `graceMs` calls are broken off;
   * whatever does not answer, all is over at most `mostStoppingMs` later. Called again, it is the same end that is waited for.
   */
  stop(graceMs: number): Promise<void>;
  readonly telemetry: TelemetryServer | undefined;
}

/** How long the lease may take to be given back, and the last Events to be written. */
const farewellMs = 1_500;

/** Beyond the grace: a second in which what was broken off is written down, and the farewell. */
export const mostStoppingMs = 1_000 + farewellMs;

/** What the parts of one operator share. */
interface Parts {
  readonly cluster: Cluster;
  readonly installation: string;
  readonly owners: VmOwners;
  readonly accounts: AccountRegistry;
  readonly prober: Prober;
  readonly events: KubeEventRecorder;
  readonly services: ServicePublisher;
  readonly spending: Spending;
  readonly unmanaged: Unmanaged;
  readonly chosenHosts: ChosenHosts;
}

/** Wires the operator. Nothing runs before `start`. */
export async function createOperator(deps: OperatorDeps): Promise<Operator> {
  const { options, metrics, log } = deps;
  const installation = options.installation ?? (await installationOf(deps.kube));
  const cluster = createCluster(deps);
  const shared = sharedParts(deps, cluster, { installation, ledger: () => spending.ledger });
  const spending = createSpending(deps, { cluster, installation, accounts: shared.accounts });
  const unmanaged = createUnmanaged(cluster, deps);
  const parts: Parts = { cluster, installation, spending, unmanaged, ...shared };
  const runners = runnersOf(deps, parts);
  wakeOnClusterChanges(cluster, parts.owners);
  publishOnClusterChanges(cluster);
  wakeOnSpendingChanges(cluster, spending);
  wakeSweeper(cluster, unmanaged);
  collectAll(deps, cluster, parts);
  const life = { isStopping: false };
  const stopping = Promise.withResolvers<undefined>();
  let opening: Promise<TelemetryServer> | undefined;
  let telemetry: TelemetryServer | undefined;
  let stopped: Promise<void> | undefined;
  return {
    get telemetry() {
      return telemetry;
    },
    async start() {
      opening = (deps.startTelemetry ?? startTelemetryServer)({
        host: options.telemetryHost,
        port: options.telemetryPort,
        readiness: { stores: () => cluster.unsynced() },
        liveness: {},
        metrics: () => metrics.exposition(),
      });
      telemetry = await opening;
      // Told to stop in the middle of this: what is not running yet may not begin any more.
      if (!life.isStopping) cluster.start();
      await Promise.race([cluster.synced(), stopping.promise]);
      if (life.isStopping) return;
      parts.owners.settle();
      leadRunners(deps, { runners, life, ...parts });
      deps.leadership.start();
      log.info({ installation, telemetry: telemetry.url, vms: cluster.vms.list().length }, 'operator started');
    },
    stop(graceMs) {
      return (stopped ??= end(graceMs));
    },
  };

  async function end(graceMs: number): Promise<void> {
    life.isStopping = true;
    stopping.resolve(undefined);
    await Promise.all(runners.map((runner) => runner.stop(graceMs)));
    parts.prober.stop();
    parts.accounts.stop();
    await Promise.all([deps.leadership.stop(farewellMs), cluster.stop(), parts.events.close(farewellMs)]);
    const server = await opening?.catch(() => undefined);
    await server?.close();
    log.info({}, 'operator stopped');
  }
}

function sharedParts(
  deps: OperatorDeps,
  cluster: Cluster,
  { installation, ledger }: { readonly installation: string; readonly ledger: () => Ledger },
): Omit<Parts, 'cluster' | 'installation' | 'spending' | 'unmanaged'> {
  const { kube, clock, random, redactor, log, metrics } = deps;
  const owners = new VmOwners();
  const accounts = new AccountRegistry(
    accountStarter({
      ...deps,
      recordedVms: (account) => recordedVmsOf(cluster, account),
      wake: (keys) => {
        for (const key of keys) wakeVm(cluster, key);
      },
      listChanged: (account, diff, snapshot) => {
        // First what each costs by that list, then whoever decides by it, also where the first goes wrong.
        try {
          ledger().noteList(account, { diff, snapshot });
        } finally {
          wakeOnListChange(cluster, diff, { installation });
        }
        if (diff.added.length + diff.removed.length > 0) cluster.accounts.queue.add(account);
      },
      pollTurned: (account) => {
        cluster.accounts.queue.add(account);
        wakeVmsOf(cluster, account);
      },
      balanceTold: (account) => {
        ledger().noteLimits();
        cluster.accounts.queue.add(account);
      },
      credentialsChanged: (account) => {
        wakeVmsOf(cluster, account);
      },
      credentialsTold: (account) => {
        cluster.accounts.queue.add(account);
      },
    }),
  );
  const prober = new Prober({
    clock,
    connect: deps.connect,
    wake: (key) => {
      wakeVm(cluster, key);
    },
  });
  const events = new KubeEventRecorder({
    ...{ api: kube, clock, random, redactor, log },
    reportingController: 'gpuvm.dev/operator',
    reportingInstance: deps.instance,
    onDropped: () => {
      metrics.eventsDropped.inc();
    },
  });
  return {
    ...{ owners, accounts, prober, events, services: servicePublisher(deps, cluster) },
    chosenHosts: new ChosenHosts(),
  };
}

function servicePublisher({ kube, options }: OperatorDeps, cluster: Cluster): ServicePublisher {
  const { vms, pools, services, slices } = cluster;
  return new ServicePublisher({
    ...{ kube, vms, services, slices },
    storeOf: (kind) => (kind === gpuPoolType.kind ? pools.store : vms.kinds.get(kind)?.store),
    allowPrivate: options.allowPrivateProbes,
    retryMs: options.retryMs,
    told: (key) => {
      wakePublisher(cluster, key);
    },
  });
}

function vmController(deps: OperatorDeps, parts: Parts, kind: VmKind): VmController {
  const { kube, clock, random, log, leadership, newPassword } = deps;
  const { cluster, installation, owners, accounts, prober, events, services, spending, unmanaged, chosenHosts } = parts;
  return new VmController({
    spread: { pools: cluster.pools.store, vms: cluster.vms, chosenHosts },
    kind,
    ...{ kube, clock, random, log, leadership, newPassword, installation, owners, accounts, prober, services },
    store: cluster.vms.of(kind.type.kind).store,
    vms: cluster.vms,
    accountsStore: cluster.accounts.store,
    ...{ ledger: spending.ledger, catchUp: spending.catchUp, keepers: unmanaged.keepers },
    secrets: cluster.secrets,
    timings: vmTimings(deps.options),
    inputs: new InputReader(kube, clock),
    metrics: vmMetrics(deps.metrics, kind),
    announce: (object, { type, reason, message }) => {
      events.event(kind.type, object, { type, reason, action: 'Reconcile', note: message });
    },
  });
}

function accountController(deps: OperatorDeps, parts: Parts): GpuAccountController {
  const { kube, clock, redactor, log, options } = deps;
  const { cluster, installation, owners, accounts, events, spending, unmanaged } = parts;
  const controller = new GpuAccountController({
    ...{ kube, clock, redactor, log, installation, owners, accounts, ...unmanaged },
    ...{ catchUp: spending.catchUp, ledger: spending.ledger, balances: spending.balances },
    store: cluster.accounts.store,
    vms: cluster.vms,
    credentialsIntervalMs: options.retryMs,
    callEffectMs: vmTimings(options).callTimeoutMs + options.lateEffectMs,
    announce: (object, { type, reason, message }) => {
      events.event(gpuAccountType, object, { type, reason, action: 'Reconcile', note: message });
    },
    wakeUsers: (account) => {
      wakeVmsOf(cluster, account);
    },
    wake: (key) => {
      wakeVm(cluster, key);
    },
  });
  for (const { store } of cluster.vms.kinds.values()) {
    store.subscribe(({ old, new: current }) => {
      if (old !== undefined && current === undefined) controller.noteGone(old);
    });
  }
  return controller;
}

function poolController(deps: OperatorDeps, { cluster, events, services, spending }: Parts): GpuPoolController {
  const { kube, clock, random, log, leadership, options } = deps;
  return new GpuPoolController({
    ...{ kube, clock, random, log, leadership, services },
    store: cluster.pools.store,
    ledger: spending.ledger,
    container: { kube, secrets: cluster.secrets, inputs: new InputReader(kube, clock) },
    vms: cluster.vms,
    retryMs: options.retryMs,
    announce: (object, { type, reason, message }) => {
      events.event(gpuPoolType, object, { type, reason, action: 'Reconcile', note: message });
    },
  });
}

function runnersOf(deps: OperatorDeps, parts: Parts): Runner[] {
  const { cluster, services, unmanaged } = parts;
  return [
    ...vmKinds.map((kind) => runnerOf(deps, vmController(deps, parts, kind), cluster.vms.queueOf(kind.type.kind))),
    runnerOf(deps, accountController(deps, parts), cluster.accounts.queue),
    runnerOf(deps, poolController(deps, parts), cluster.pools.queue),
    runnerOf(deps, budgetController(deps, parts), cluster.budgets.queue),
    runnerOf(deps, services, cluster.publications),
    runnerOf(deps, unmanagedSweeper(deps, { ...parts, ...unmanaged }), cluster.sweeps),
  ];
}

function runnerOf(
  { clock, random, log, metrics, options }: OperatorDeps,
  reconciler: Reconciler,
  queue: WorkQueue,
): Runner {
  return new Runner({
    ...{ reconciler, queue, clock, random },
    log: log.child({ controller: reconciler.name }),
    concurrency: options.concurrency,
    hooks: runnerHooks(metrics, reconciler.name, options.concurrency),
  });
}
