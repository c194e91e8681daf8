import { gpuAccountType, gpuVmType } from '../api/group.ts';
import { installationId, markOf } from '../api/vm-name.ts';
import { AccountRegistry } from '../controllers/accounts.ts';
import { connectionSecretSelector } from '../controllers/connection-secret.ts';
import { GpuAccountController } from '../controllers/gpu-account/controller.ts';
import { accountOf, GpuVmController } from '../controllers/gpu-vm/controller.ts';
import { InputReader } from '../controllers/input-reader.ts';
import {
  namespaceType,
  qualifiedKey,
  secretType,
  type CustomObject,
  type SecretObject,
} from '../controllers/objects.ts';
import { Prober, type Connect } from '../controllers/prober.ts';
import { VmOwners } from '../controllers/vm-owners.ts';
import type { FleetDiff } from '../fleet/diff.ts';
import { keyOf, type KubeApi, type KubeObject, type Reconciler, type ResourceType } from '../kube/contract.ts';
import { KubeEventRecorder } from '../kube/events.ts';
import type { Leadership } from '../kube/leader.ts';
import { ListWatch } from '../kube/list-watch.ts';
import { WorkQueue } from '../kube/queue.ts';
import { Runner } from '../kube/runner.ts';
import { Store } from '../kube/store.ts';
import type { IndexFunction } from '../kube/store-index.ts';
import type { Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Redactor } from '../lib/redact.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { queueHooks, runnerHooks, watchQueue } from '../telemetry/runtime-hooks.ts';
import { startTelemetryServer, type TelemetryServer } from '../telemetry/server.ts';
import { accountStarter, type RuntimeDeps } from './account-runtime.ts';
import { vmTimings, type OperatorOptions } from './options.ts';
import { collectVms, vmMetrics } from './vm-metrics.ts';

/** Everything that the operator takes from outside: with other ones it runs under a virtual clock as it does here. */
export interface OperatorDeps {
  readonly kube: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly newPassword: () => string;
  readonly connect: Connect;
  readonly redactor: Redactor;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly leadership: Leadership;
  /** Name of this process in Events. */
  readonly instance: string;
  readonly options: OperatorOptions;
  readonly createProvider?: RuntimeDeps['createProvider'];
  /** Opens the port for metrics and health. Default: a real one, which a simulated world has no use for. */
  readonly startTelemetry?: typeof startTelemetryServer;
}

export interface Operator {
  /** Resolves once the stores are complete and the loops run. */
  start(): Promise<void>;
  /** Takes no new work, lets calls in flight end, and closes everything. */
  stop(graceMs: number): Promise<void>;
  readonly telemetry: TelemetryServer | undefined;
}

interface Kind {
  readonly store: Store<CustomObject>;
  readonly queue: WorkQueue;
  readonly watch: ListWatch<CustomObject>;
}

/** Wires the operator: kinds, stores, queues, controllers, accounts. The flat list of what runs is `start`. */
export async function createOperator(deps: OperatorDeps): Promise<Operator> {
  const { options, clock, kube, log, metrics, random } = deps;
  const installation = options.installation ?? (await installationOf(kube));
  const vms = kindOf(deps, gpuVmType, {
    account: (object) => [accountOf(object)],
    uid: (object) => [object.metadata.uid],
  });
  const accountsKind = kindOf(deps, gpuAccountType, {});
  const secrets = new Store<SecretObject>({ log, selects: isConnectionSecret });
  const secretWatch = new ListWatch({
    ...{ api: kube, clock, random, log },
    type: secretType,
    selector: { labelSelector: connectionSecretSelector },
    store: secrets,
  });
  const owners = new VmOwners();
  const events = new KubeEventRecorder({
    ...{ api: kube, clock, random, redactor: deps.redactor, log },
    reportingController: 'gpuvm.dev/operator',
    reportingInstance: deps.instance,
    onDropped: () => {
      metrics.eventsDropped.inc();
    },
  });
  const accounts = new AccountRegistry(
    accountStarter({
      ...deps,
      wake: (keys) => {
        for (const key of keys) vms.queue.add(storeKeyOf(key));
      },
      listChanged: (account, diff) => {
        wakeChanged(diff, { vms, owners, installation });
        if (diff.added.length + diff.removed.length > 0) accountsKind.queue.add(account);
      },
      pollTurned: (account) => {
        accountsKind.queue.add(account);
        for (const object of vms.store.byIndex('account', account)) vms.queue.add(keyOf(object.metadata));
      },
    }),
  );
  const prober = new Prober({
    clock,
    connect: deps.connect,
    wake: (key) => {
      vms.queue.add(storeKeyOf(key));
    },
  });
  const vmController = new GpuVmController({
    ...{ kube, clock, random, log, installation, accounts, prober, owners, secrets, store: vms.store },
    newPassword: deps.newPassword,
    timings: vmTimings(options),
    accountsStore: accountsKind.store,
    inputs: new InputReader(kube, clock),
    leadership: deps.leadership,
    metrics: vmMetrics(metrics),
    announce: (object, { type, reason, message }) => {
      events.event(gpuVmType, object, { type, reason, action: 'Reconcile', note: message });
    },
  });
  const accountController = new GpuAccountController({
    ...{
      kube,
      clock,
      installation,
      accounts,
      owners,
      redactor: deps.redactor,
      store: accountsKind.store,
      vms: vms.store,
    },
    credentialsIntervalMs: options.retryMs,
  });
  const runners = [runnerOf(deps, vmController, vms.queue), runnerOf(deps, accountController, accountsKind.queue)];
  const watches: readonly ListWatch<never>[] = [vms.watch, accountsKind.watch, secretWatch] as never;
  connect({ vms, accountsKind, secrets, owners });
  collectVms(metrics, { vms: vms.store, accounts: accountsKind.store, registry: accounts, clock });

  let telemetry: TelemetryServer | undefined;
  return {
    get telemetry() {
      return telemetry;
    },
    async start() {
      telemetry = await (deps.startTelemetry ?? startTelemetryServer)({
        host: options.telemetryHost,
        port: options.telemetryPort,
        readiness: { stores: () => unsynced(watches) },
        liveness: {},
        metrics: () => metrics.exposition(),
      });
      for (const watch of watches) watch.start();
      await Promise.all(watches.map((watch) => watch.synced));
      deps.leadership.onGained(() => {
        for (const runner of runners) runner.start();
      });
      deps.leadership.onLost(() => {
        for (const runner of runners) void runner.stop(0, 'leadershipLost');
      });
      log.info(
        { installation, telemetry: telemetry.url, gpuvms: vms.store.size, accounts: accountsKind.store.size },
        'operator started',
      );
    },
    async stop(graceMs) {
      await Promise.all(runners.map((runner) => runner.stop(graceMs)));
      prober.stop();
      accounts.stop();
      await Promise.all(watches.map((watch) => watch.stop()));
      await events.flush(2_000);
      await telemetry?.close();
      log.info({}, 'operator stopped');
    },
  };
}

async function installationOf(kube: KubeApi): Promise<string> {
  const namespace = await kube.get(namespaceType, { name: 'kube-system' });
  if (namespace === undefined) {
    throw new Error('the cluster has no kube-system namespace to derive the installation from: give --installation');
  }
  return installationId(namespace.metadata.uid);
}

function kindOf(
  { kube, clock, random, log, metrics }: OperatorDeps,
  type: ResourceType,
  indexes: Readonly<Record<string, IndexFunction<CustomObject>>>,
): Kind {
  const store = new Store<CustomObject>({ log, indexes });
  const name = type.kind.toLowerCase();
  const queue = new WorkQueue({ clock, random, hooks: queueHooks(metrics, name) });
  watchQueue(metrics, name, () => queue.stats());
  return { store, queue, watch: new ListWatch({ api: kube, type, store, clock, random, log }) };
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

/** What in the cluster wakes whom. Our own writes wake nobody: their writer has seen them. */
function connect({
  vms,
  accountsKind,
  secrets,
  owners,
}: {
  vms: Kind;
  accountsKind: Kind;
  secrets: Store<SecretObject>;
  owners: VmOwners;
}): void {
  vms.store.subscribe((change) => {
    const recorded = (change.new?.status as { vm?: { id?: string } } | undefined)?.vm?.id;
    // A VM that was recorded by a process before this one is owned from the first list on.
    if (change.origin === 'list' && recorded !== undefined)
      owners.claim(qualifiedKey(gpuVmType.kind, change.key), recorded);
    if (change.origin !== 'write') vms.queue.add(change.key);
    if (change.new === undefined && change.old !== undefined) {
      vms.queue.add(change.key);
      accountsKind.queue.add(accountOf(change.old));
    }
  });
  accountsKind.store.subscribe((change) => {
    if (change.origin === 'write') return;
    accountsKind.queue.add(change.key);
    for (const object of vms.store.byIndex('account', change.key)) vms.queue.add(keyOf(object.metadata));
  });
  secrets.subscribe((change) => {
    if (change.origin === 'write') return;
    for (const owner of (change.new ?? change.old)?.metadata.ownerReferences ?? []) {
      if (owner.kind === gpuVmType.kind)
        vms.queue.add(
          keyOf({ namespace: change.old?.metadata.namespace ?? change.new?.metadata.namespace, name: owner.name }),
        );
    }
  });
}

/** Wakes the resources whose VM changed, and no others. */
function wakeChanged(
  diff: FleetDiff,
  { vms, owners, installation }: { vms: Kind; owners: VmOwners; installation: string },
): void {
  const wake = (id: string, name: string | undefined): void => {
    const owner = owners.ownerOf(id);
    if (owner !== undefined) vms.queue.add(storeKeyOf(owner));
    const mark = name === undefined ? undefined : markOf(name);
    if (mark?.installation !== installation) return;
    for (const object of vms.store.byIndex('uid', mark.uid)) vms.queue.add(keyOf(object.metadata));
  };
  for (const vm of diff.added) wake(vm.id, vm.name);
  for (const { after } of diff.changed) wake(after.id, after.name);
  for (const { id, last } of diff.removed) wake(id, last?.name);
  for (const id of diff.unreadable) wake(id, undefined);
}

function isConnectionSecret({ metadata }: KubeObject): boolean {
  const [label, value] = connectionSecretSelector.split('=');
  return metadata.labels?.[label ?? ''] === value;
}

/** "GpuVm/research/trainer" to "research/trainer". */
function storeKeyOf(qualified: string): string {
  return qualified.slice(qualified.indexOf('/') + 1);
}

function unsynced(watches: readonly ListWatch<never>[]): string | undefined {
  const waiting = watches.filter((watch) => !watch.isSynced);
  if (waiting.length === 0) return undefined;
  return `${waiting.length} of ${watches.length} kinds are not listed yet: ${waiting[0]?.lastError ?? 'in progress'}`;
}
