import { gpuVmType } from '../api/group.ts';
import { markOf } from '../api/vm-name.ts';
import { accountOf } from '../controllers/gpu-vm/controller.ts';
import { qualifiedKey, type CustomObject } from '../controllers/objects.ts';
import type { VmOwners } from '../controllers/vm-owners.ts';
import type { FleetDiff } from '../fleet/diff.ts';
import { keyOf } from '../kube/contract.ts';
import type { Cluster } from './cluster.ts';

/** What wakes whom. Everything that a status may depend on, and that can change by itself, is here. */

/** A key among all kinds has to be looked at: "GpuVm/research/trainer". */
export function wakeVm({ vms }: Cluster, qualified: string): void {
  vms.queue.add(qualified.slice(qualified.indexOf('/') + 1));
}

export function wakeVmsOf({ vms }: Cluster, account: string): void {
  for (const object of vms.store.byIndex('account', account)) vms.queue.add(keyOf(object.metadata));
}

/** Changes of the cluster. Our own writes wake nobody: their writer has seen them. */
export function wakeOnClusterChanges(cluster: Cluster, owners: VmOwners): void {
  const { vms, accounts, secrets } = cluster;
  vms.store.subscribe((change) => {
    const recorded = recordedVmOf(change.new);
    const isGone = change.new === undefined;
    // What a process before this one has recorded is owned from the first list on, and by nobody once its resource is gone:
    // also in a process that never reconciled it.
    if (isGone || (change.origin !== 'write' && recorded !== undefined)) {
      owners.claim(qualifiedKey(gpuVmType.kind, change.key), recorded);
    }
    if (change.origin !== 'write' || isGone) vms.queue.add(change.key);
    if (change.new === undefined && change.old !== undefined) accounts.queue.add(accountOf(change.old));
  });
  accounts.store.subscribe((change) => {
    if (change.origin === 'write') return;
    accounts.queue.add(change.key);
    wakeVmsOf(cluster, change.key);
  });
  secrets.subscribe((change) => {
    const metadata = (change.new ?? change.old)?.metadata;
    if (change.origin === 'write' || metadata === undefined) return;
    for (const owner of metadata.ownerReferences ?? []) {
      if (owner.kind === gpuVmType.kind) vms.queue.add(keyOf({ namespace: metadata.namespace, name: owner.name }));
    }
  });
}

function recordedVmOf(object: CustomObject | undefined): string | undefined {
  return (object?.status as { vm?: { id?: string } } | undefined)?.vm?.id;
}

/** A list of VMs that differs from the one before: wakes the resources whose VM changed, and no others. */
export function wakeOnListChange(
  { vms }: Cluster,
  diff: FleetDiff,
  { owners, installation }: { readonly owners: VmOwners; readonly installation: string },
): void {
  const wake = (id: string, name: string | undefined): void => {
    const owner = owners.ownerOf(id);
    if (owner !== undefined) vms.queue.add(owner.slice(owner.indexOf('/') + 1));
    const mark = name === undefined ? undefined : markOf(name);
    if (mark?.installation !== installation) return;
    for (const object of vms.store.byIndex('uid', mark.uid)) vms.queue.add(keyOf(object.metadata));
  };
  for (const vm of diff.added) wake(vm.id, vm.name);
  for (const { after } of diff.changed) wake(after.id, after.name);
  for (const { id, last } of diff.removed) wake(id, last?.name);
  for (const id of diff.unreadable) wake(id, undefined);
}
