import { expect, it } from 'vitest';

import { VmOwners } from '../controllers/vm-owners.ts';
import type { CustomObject, SecretObject } from '../controllers/objects.ts';
import { WorkQueue } from '../kube/queue.ts';
import { Store } from '../kube/store.ts';
import { silentLogger } from '../lib/logger.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import type { Cluster, Kind } from './cluster.ts';
import { wakeOnClusterChanges } from './wake-ups.ts';

const log = silentLogger;

function kind(): Kind {
  const queue = new WorkQueue({ clock: new VirtualClock(), random: () => 0 });
  return { store: new Store<CustomObject>({ log, indexes: { account: () => undefined } }), queue };
}

/** The stores and queues of a process, kept up but not worked on, as a follower has them. */
function follower(): Cluster & { owners: VmOwners } {
  const cluster = {
    vms: kind(),
    accounts: kind(),
    secrets: new Store<SecretObject>({ log }),
    start: () => undefined,
    synced: () => Promise.resolve(),
    unsynced: () => undefined,
    stop: () => Promise.resolve(),
  };
  const owners = new VmOwners();
  wakeOnClusterChanges(cluster, owners);
  return { ...cluster, owners };
}

function vm(resourceVersion: string, uid: string, id?: string): CustomObject {
  const status = id === undefined ? {} : { status: { vm: { id, name: 'by-hand', adopted: true } } };
  return { metadata: { namespace: 'research', name: 'trainer', uid, resourceVersion }, spec: {}, ...status };
}

it('a VM that a status says was adopted is owned from the first list on', () => {
  const { vms, owners } = follower();
  vms.store.replaceAll([vm('1', 'first', 'vm-1')], '1');
  expect(owners.ownersOf('vm-1')).toEqual(['first']);
});

it('a VM is nobody’s once its resource is gone, though this process never reconciled it', () => {
  const { vms, owners } = follower();
  vms.store.replaceAll([vm('1', 'first', 'vm-1')], '1');
  vms.store.applyEvent('DELETED', vm('2', 'first', 'vm-1'));
  expect(owners.ownersOf('vm-1')).toEqual([]);
});

it('a VM of a resource that was made anew under its name is nobody’s', () => {
  const { vms, owners } = follower();
  vms.store.replaceAll([vm('1', 'first', 'vm-1')], '1');
  vms.store.replaceAll([vm('5', 'second')], '5');
  expect(owners.ownersOf('vm-1')).toEqual([]);
});
