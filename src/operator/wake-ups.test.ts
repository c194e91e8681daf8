import { expect, it } from 'vitest';

import { VmOwners } from '../controllers/vm-owners.ts';
import type { CustomObject, EndpointSliceObject, SecretObject, ServiceObject } from '../controllers/objects.ts';
import type { KubeObject } from '../kube/contract.ts';
import { WorkQueue } from '../kube/queue.ts';
import { Store } from '../kube/store.ts';
import { silentLogger } from '../lib/logger.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { VmsOfCluster, type Cluster, type Kind } from './cluster.ts';
import { wakeOnClusterChanges } from './wake-ups.ts';

const log = silentLogger;

function kind(): Kind {
  const queue = new WorkQueue({ clock: new VirtualClock(), random: () => 0 });
  return { store: new Store<CustomObject>({ log, indexes: { account: () => undefined } }), queue };
}

/** The stores and queues of a process, kept up but not worked on, as a follower has them. */
function follower(): Cluster & { owners: VmOwners; gpuVms: Store<CustomObject> } {
  const gpuVms = kind();
  const cluster = {
    vms: new VmsOfCluster(new Map([['GpuVm', gpuVms]])),
    accounts: kind(),
    pools: kind(),
    budgets: kind(),
    namespaces: new Store<KubeObject>({ log }),
    secrets: new Store<SecretObject>({ log }),
    services: new Store<ServiceObject>({ log }),
    slices: new Store<EndpointSliceObject>({ log }),
    publications: new WorkQueue({ clock: new VirtualClock(), random: () => 0 }),
    sweeps: new WorkQueue({ clock: new VirtualClock(), random: () => 0 }),
    start: () => undefined,
    synced: () => Promise.resolve(),
    unsynced: () => undefined,
    stop: () => Promise.resolve(),
  };
  const owners = new VmOwners();
  wakeOnClusterChanges(cluster, owners);
  return { ...cluster, owners, gpuVms: gpuVms.store };
}

function vm(resourceVersion: string, uid: string, id?: string): CustomObject {
  const status = id === undefined ? {} : { status: { vm: { id, name: 'by-hand', adopted: true } } };
  return { metadata: { namespace: 'research', name: 'trainer', uid, resourceVersion }, spec: {}, ...status };
}

it('a VM that a status says was adopted is owned from the first list on', () => {
  const { gpuVms, owners } = follower();
  gpuVms.replaceAll([vm('1', 'first', 'vm-1')], '1');
  expect(owners.ownersOf('vm-1')).toEqual(['first']);
});

it('a VM is nobody’s once its resource is gone, though this process never reconciled it', () => {
  const { gpuVms, owners } = follower();
  gpuVms.replaceAll([vm('1', 'first', 'vm-1')], '1');
  gpuVms.applyEvent('DELETED', vm('2', 'first', 'vm-1'));
  expect(owners.ownersOf('vm-1')).toEqual([]);
});

it('a VM of a resource that was made anew under its name is nobody’s', () => {
  const { gpuVms, owners } = follower();
  gpuVms.replaceAll([vm('1', 'first', 'vm-1')], '1');
  gpuVms.replaceAll([vm('5', 'second')], '5');
  expect(owners.ownersOf('vm-1')).toEqual([]);
});
