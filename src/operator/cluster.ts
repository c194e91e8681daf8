import {
  annotations,
  apiGroup,
  gpuAccountType,
  gpuBudgetType,
  gpuPoolType,
  labels,
  managedByValue,
} from '../api/group.ts';
import { controllerIndex, controllerNameIndex, controllerNameOf, controllerUidOf } from '../controllers/owned.ts';
import { ownerKeyOf } from '../controllers/pool-owner.ts';
import { accountOf } from '../controllers/vm/controller.ts';
import { recordedIn } from '../controllers/vm-owners.ts';
import { vmKinds } from '../controllers/vm/kinds.ts';
import { parseVm } from '../controllers/vm/parse.ts';
import {
  endpointSliceType,
  namespaceType,
  secretType,
  serviceType,
  type CustomObject,
  type EndpointSliceObject,
  type SecretObject,
  type ServiceObject,
} from '../controllers/objects.ts';
import type { KubeObject, ResourceType } from '../kube/contract.ts';
import { ListWatch } from '../kube/list-watch.ts';
import { WorkQueue } from '../kube/queue.ts';
import type { IndexFunction } from '../kube/store-index.ts';
import { Store, type Indexed } from '../kube/store.ts';
import { isRecordOfAnother, recordsOf } from '../plan/vm/ownership.ts';
import { queueHooks, watchQueue } from '../telemetry/runtime-hooks.ts';
import type { OperatorDeps } from './deps.ts';

/** One kind as the operator holds it: what it is, and which of it want to be looked at. */
export interface Kind {
  readonly store: Store<CustomObject>;
  readonly queue: WorkQueue;
}

/** The operator's view of the cluster: kept up by watches, read by everybody. */
export interface Cluster {
  readonly vms: VmsOfCluster;
  readonly accounts: Kind;
  readonly pools: Kind;
  readonly budgets: Kind;
  /** What accounts select by: names and labels. */
  readonly namespaces: Store<KubeObject>;
  /** Those that the operator has made. */
  readonly secrets: Store<SecretObject>;
  readonly services: Store<ServiceObject>;
  readonly slices: Store<EndpointSliceObject>;
  /** Resources, by their keys among all kinds, whose Services want to be looked at. */
  readonly publications: WorkQueue;
  /** Accounts with VMs that no resource owns, and that are to go. */
  readonly sweeps: WorkQueue;
  start(): void;
  /** Resolves once all stores are complete. */
  synced(): Promise<void>;
  /** A sentence while they are not. */
  unsynced(): string | undefined;
  stop(): Promise<void>;
}

/** Resources of all kinds that stand for one VM: their UIDs, accounts and VMs are looked up across the kinds. */
export class VmsOfCluster implements Indexed<CustomObject> {
  /** By the kind's name: "GpuVm". */
  readonly kinds: ReadonlyMap<string, Kind>;

  constructor(kinds: ReadonlyMap<string, Kind>) {
    this.kinds = kinds;
  }

  of(kind: string): Kind {
    const found = this.kinds.get(kind);
    if (found === undefined) throw new Error(`there is no kind "${kind}" that stands for a VM`);
    return found;
  }

  queueOf(kind: string): WorkQueue {
    return this.of(kind).queue;
  }

  list(): CustomObject[] {
    return [...this.kinds.values()].flatMap(({ store }) => store.list());
  }

  byIndex(index: string, value: string): CustomObject[] {
    return [...this.kinds.values()].flatMap(({ store }) => store.byIndex(index, value));
  }
}

/** Selects what the operator has made; nothing else of these kinds is kept in memory. */
const managedSelector = `${labels.managedBy}=${managedByValue}`;

export function createCluster(deps: OperatorDeps): Cluster {
  const { kube, clock, random, log } = deps;
  const common = { api: kube, clock, random, log };
  const vms = new VmsOfCluster(new Map(vmKinds.map(({ type }) => [type.kind, kindOf(deps, type, vmIndexes)])));
  const accounts = kindOf(deps, gpuAccountType, {});
  const pools = kindOf(deps, gpuPoolType, namespaceIndex);
  const budgets = kindOf(deps, gpuBudgetType, namespaceIndex);
  const namespaces = new Store<KubeObject>({ log, keeps: labelsOnly });
  const byUid = { [controllerIndex]: controllerUidOf };
  const ofOurs = { log, selects: isManaged, indexes: { ...byUid, [controllerNameIndex]: controllerNameOf } };
  const secrets = new Store<SecretObject>({ ...ofOurs, indexes: byUid, keeps: shortValues });
  const services = new Store<ServiceObject>(ofOurs);
  const slices = new Store<EndpointSliceObject>(ofOurs);
  const publications = queueOf(deps, 'service');
  const sweeps = queueOf(deps, 'unmanaged');
  const selector = { labelSelector: managedSelector };
  const watches = [
    ...vmKinds.map(({ type }) => new ListWatch({ ...common, type, store: vms.of(type.kind).store })),
    new ListWatch({ ...common, type: gpuAccountType, store: accounts.store }),
    new ListWatch({ ...common, type: gpuPoolType, store: pools.store }),
    new ListWatch({ ...common, type: gpuBudgetType, store: budgets.store }),
    new ListWatch({ ...common, type: namespaceType, store: namespaces }),
    new ListWatch({ ...common, type: secretType, selector, store: secrets }),
    new ListWatch({ ...common, type: serviceType, selector, store: services }),
    new ListWatch({ ...common, type: endpointSliceType, selector, store: slices }),
  ];
  return {
    vms,
    ...{ accounts, pools, budgets, namespaces, secrets, services, slices, publications, sweeps },
    start: () => {
      for (const watch of watches) watch.start();
    },
    synced: async () => {
      await Promise.all(watches.map((watch) => watch.synced));
    },
    unsynced: () => {
      const waiting = watches.filter((watch) => !watch.isSynced);
      if (waiting.length === 0) return undefined;
      return `${waiting.length} of ${watches.length} kinds are not listed yet: ${waiting[0]?.lastError ?? 'in progress'}`;
    },
    stop: async () => {
      for (const { queue } of [...vms.kinds.values(), accounts, pools, budgets]) queue.close();
      publications.close();
      sweeps.close();
      await Promise.all(watches.map((watch) => watch.stop()));
    },
  };
}

const namespaceIndex: Readonly<Record<string, IndexFunction<CustomObject>>> = {
  namespace: ({ metadata }) => metadata.namespace,
};

const vmIndexes: Readonly<Record<string, IndexFunction<CustomObject>>> = {
  ...namespaceIndex,
  account: (object) => [accountOf(object)],
  uid: (object) => [object.metadata.uid],
  owner: ownerKeyOf,
  vm: (object) => recordedIn(object),
  adopts: ({ metadata }) => metadata.annotations?.[annotations.adopt],
};

function kindOf(
  deps: OperatorDeps,
  type: ResourceType,
  indexes: Readonly<Record<string, IndexFunction<CustomObject>>>,
): Kind {
  const queue = queueOf(deps, type.kind.toLowerCase());
  return { store: new Store<CustomObject>({ log: deps.log, indexes, keeps: ownAnnotations }), queue };
}

function queueOf({ clock, random, metrics }: OperatorDeps, name: string): WorkQueue {
  const queue = new WorkQueue({ clock, random, hooks: queueHooks(metrics, name) });
  watchQueue(metrics, name, () => queue.stats());
  return queue;
}

/** Annotations of others may be as long as a quarter of a megabyte, in each of thousands of resources. */
function ownAnnotations(object: CustomObject): CustomObject {
  const given = object.metadata.annotations;
  if (given === undefined) return object;
  const own = Object.entries(given).filter(([name]) => name.startsWith(`${apiGroup}/`));
  return { ...object, metadata: { ...object.metadata, annotations: Object.fromEntries(own) } };
}

function labelsOnly({ kind, metadata: { name, uid, resourceVersion, labels } }: KubeObject): KubeObject {
  return { kind, metadata: { name, uid, resourceVersion, labels } };
}

/** In base64; what the operator writes there is far shorter. */
const longestSecretValue = 4096;

/** A value that is longer was put there by somebody else, and counts as none. */
function shortValues(secret: SecretObject): SecretObject {
  const short = Object.entries(secret.data ?? {}).filter(([, value]) => value.length <= longestSecretValue);
  return { ...secret, data: Object.fromEntries(short) };
}

/**
 * Ids of the VMs that resources of this account have recorded, as far as the resources are in order: about a VM of a damaged
 * status nobody asks, nor about one that was copied from another resource.
 */
export function recordedVmsOf({ vms }: Pick<Cluster, 'vms'>, account: string): string[] {
  return vms.byIndex('account', account).flatMap((object) => {
    const { status, problem } = parseVm(object);
    if (problem !== undefined) return [];
    return recordsOf(status).flatMap((vm) => (isRecordOfAnother(vm, object.metadata.uid) ? [] : [vm.id]));
  });
}

function isManaged({ metadata }: KubeObject): boolean {
  return metadata.labels?.[labels.managedBy] === managedByValue;
}
