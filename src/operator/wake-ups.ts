import { gpuPoolType } from '../api/group.ts';
import type { VmStatus } from '../api/vm.ts';
import { markOf } from '../api/vm-name.ts';
import { accountOf } from '../controllers/vm/controller.ts';
import { qualifiedKey, splitKey, type CustomObject } from '../controllers/objects.ts';
import { controllerOf } from '../controllers/owned.ts';
import { matters } from '../controllers/pool/observe.ts';
import { poolOwnerOf } from '../controllers/pool-owner.ts';
import { vmKindOf } from '../controllers/vm/kinds.ts';
import { adoptedVmIn, type VmOwners } from '../controllers/vm-owners.ts';
import type { FleetDiff } from '../fleet/diff.ts';
import { isRecordOfAnother } from '../plan/vm/ownership.ts';
import { keyOf, type KubeObject } from '../kube/contract.ts';
import type { Change } from '../kube/store.ts';
import type { Cluster, Kind } from './cluster.ts';

/** What wakes whom. Everything that a status may depend on, and that can change by itself, is here. */

/** A key among all kinds has to be looked at: "GpuVm/research/trainer". */
export function wakeVm({ vms }: Cluster, qualified: string): void {
  const { kind, key } = splitKey(qualified);
  vms.queueOf(kind).add(key);
}

/** Of whatever kind publishes a Service. */
export function wakePublisher({ vms, pools }: Cluster, qualified: string): void {
  const { kind, key } = splitKey(qualified);
  const { queue } = kind === gpuPoolType.kind ? pools : vms.of(kind);
  queue.add(key);
}

function wakeOwner({ vms }: Cluster, object: CustomObject): void {
  vms.queueOf(vmKindOf(object).type.kind).add(keyOf(object.metadata));
}

/** All VMs of a namespace: what limits them has changed. */
export function wakeVmsIn(cluster: Cluster, namespace: string): void {
  for (const object of cluster.vms.byIndex('namespace', namespace)) wakeOwner(cluster, object);
}

export function wakeVmsOf(cluster: Cluster, account: string): void {
  for (const object of cluster.vms.byIndex('account', account)) wakeOwner(cluster, object);
}

/** Changes of the cluster. Our own writes wake nobody: their writer has seen them. */
export function wakeOnClusterChanges(cluster: Cluster, owners: VmOwners): void {
  const { vms, accounts, secrets } = cluster;
  for (const { store, queue } of vms.kinds.values()) {
    store.subscribe((change) => {
      noteAdoption(change, owners);
      if (change.origin !== 'write' || change.new === undefined) queue.add(change.key);
      if (change.new === undefined && change.old !== undefined) accounts.queue.add(accountOf(change.old));
    });
  }
  accounts.store.subscribe((change) => {
    if (change.origin === 'write') return;
    accounts.queue.add(change.key);
    wakeVmsOf(cluster, change.key);
  });
  wakePools(cluster);
  secrets.subscribe((change) => {
    const metadata = (change.new ?? change.old)?.metadata;
    if (change.origin === 'write' || metadata === undefined) return;
    for (const { kind, name } of metadata.ownerReferences ?? []) {
      const key = keyOf({ namespace: metadata.namespace, name });
      vms.kinds.get(kind)?.queue.add(key);
      if (kind === gpuPoolType.kind) cluster.pools.queue.add(key);
    }
  });
}

/** Members change often while they start: a pool looks at them, and writes what it sees, at most so often. */
const membersSettleMs = 1_000;

/** Also what this process has written to members is news for their pool: their own controllers have. */
function wakePools({ vms, pools }: Cluster): void {
  pools.store.subscribe((change) => {
    if (change.origin !== 'write') pools.queue.add(change.key);
  });
  for (const { store } of vms.kinds.values()) {
    store.subscribe((change) => {
      const keys = [change.old, change.new].flatMap((object) => (object === undefined ? [] : poolKeyOf(object)));
      if (keys.length === 0 || !matters(change.old, change.new)) return;
      for (const key of keys) pools.queue.addAfter(key, membersSettleMs);
    });
  }
}

function poolKeyOf(object: CustomObject): string[] {
  const owner = poolOwnerOf(object);
  return owner === undefined ? [] : [keyOf({ namespace: object.metadata.namespace, name: owner.name })];
}

/** What Services depend on: statuses of VMs, and what becomes of the Services themselves. */
export function publishOnClusterChanges({ vms, pools, services, slices, publications }: Cluster): void {
  const kinds: readonly (readonly [string, Kind])[] = [...vms.kinds, [gpuPoolType.kind, pools]];
  for (const [kind, { store }] of kinds) {
    store.subscribe((change) => {
      // Also what was written by this process: the status of a VM is news to its Service.
      if (publishes(change.old) || publishes(change.new)) publications.add(qualifiedKey(kind, change.key));
      wakePublishingOwner(change);
    });
  }
  for (const store of [services, slices]) {
    store.subscribe((change: Change<KubeObject>) => {
      if (change.origin !== 'write') wakePublishingOwner(change);
    });
  }

  function wakePublishingOwner({ old, new: current }: Change<KubeObject>): void {
    const object = current ?? old;
    const owner = object && controllerOf(object);
    if (owner === undefined || !kinds.some(([kind]) => kind === owner.kind)) return;
    publications.add(qualifiedKey(owner.kind, keyOf({ namespace: object?.metadata.namespace, name: owner.name })));
  }
}

function publishes(object: CustomObject | undefined): boolean {
  return (object?.spec as { service?: unknown } | undefined)?.service !== undefined;
}

/** What a process before this one has adopted is owned from the first list on; a resource that is gone owns nothing. */
function noteAdoption(change: Change<CustomObject>, owners: VmOwners): void {
  if (change.new === undefined) {
    if (change.old !== undefined) owners.claim(change.old.metadata.uid, undefined);
    return;
  }
  const { uid } = change.new.metadata;
  const status = (change.new.status ?? {}) as VmStatus;
  // A record that was copied from another resource does not count, and must not keep that one from its VM.
  if (change.origin === 'write' || status.vm === undefined || isRecordOfAnother(status.vm, uid)) return;
  owners.claim(uid, adoptedVmIn(status));
}

/** A list of VMs that differs from the one before: wakes the resources whose VM changed, and no others. */
export function wakeOnListChange(
  cluster: Cluster,
  diff: FleetDiff,
  { installation }: { readonly installation: string },
): void {
  const { vms } = cluster;
  const wake = (id: string, name: string | undefined): void => {
    const mark = name === undefined ? undefined : markOf(name);
    const marked = mark?.installation === installation ? vms.byIndex('uid', mark.uid) : [];
    for (const object of [...vms.byIndex('vm', id), ...marked]) wakeOwner(cluster, object);
  };
  for (const vm of diff.added) wake(vm.id, vm.name);
  for (const { after } of diff.changed) wake(after.id, after.name);
  for (const { id, last } of diff.removed) wake(id, last?.name);
  for (const id of diff.unreadable) wake(id, undefined);
}
