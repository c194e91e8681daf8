import type { GpuAccountStatus } from '../api/gpu-account.ts';
import { annotations } from '../api/group.ts';
import type { AccountRegistry } from '../controllers/accounts.ts';
import type { CustomObject } from '../controllers/objects.ts';
import { mayRetain } from '../controllers/spending/ban.ts';
import { resourceName } from '../controllers/unmanaged/census.ts';
import { Keepers } from '../controllers/unmanaged/keepers.ts';
import { SweepMemory } from '../controllers/unmanaged/memory.ts';
import { isConcerned, UnmanagedSweeper } from '../controllers/unmanaged/sweeper.ts';
import { accountOf } from '../controllers/vm/controller.ts';
import { parseVm } from '../controllers/vm/parse.ts';
import type { VmOwners } from '../controllers/vm-owners.ts';
import { claims } from '../plan/unmanaged/standing.ts';
import { isNoted, leftBehind } from '../plan/unmanaged/kept.ts';
import type { Cluster } from './cluster.ts';
import type { OperatorDeps } from './deps.ts';

/** What is known of VMs without a resource, and what leads to another look at them. */
export interface Unmanaged {
  readonly keepers: Keepers;
  readonly sweep: SweepMemory;
}

export function createUnmanaged(cluster: Cluster): Unmanaged {
  const keepers = new Keepers((account) => {
    cluster.accounts.queue.add(account);
  });
  return { keepers, sweep: new SweepMemory() };
}

export function unmanagedSweeper(
  { kube, clock, random, log, leadership, metrics, options }: OperatorDeps,
  parts: Unmanaged & {
    readonly cluster: Cluster;
    readonly installation: string;
    readonly accounts: AccountRegistry;
    readonly owners: VmOwners;
  },
): UnmanagedSweeper {
  const { cluster, installation, accounts, owners, keepers, sweep } = parts;
  return new UnmanagedSweeper({
    ...{ kube, clock, random, log, leadership, installation, accounts, owners, keepers, sweep },
    vms: cluster.vms,
    store: cluster.accounts.store,
    retryMs: options.retryMs,
    deleted: (account) => {
      metrics.unmanagedDeleted.inc({ account });
    },
    wakeAccount: (account) => {
      cluster.accounts.queue.add(account);
    },
  });
}

export function wakeSweeper(cluster: Cluster, unmanaged: Unmanaged): void {
  // Also what this process has written itself: that VMs go is decided in one loop and done in another.
  cluster.accounts.store.subscribe(({ key, new: account }) => {
    if (account !== undefined && isConcerned(account)) cluster.sweeps.add(key);
  });
  for (const { store } of [...cluster.vms.kinds.values(), cluster.accounts]) {
    store.onRestored(() => {
      unmanaged.sweep.noteRestored();
    });
  }
  for (const { store } of cluster.vms.kinds.values()) {
    store.subscribe(({ old, new: current }) => {
      if (old !== undefined && current === undefined) noteGone(cluster, unmanaged, old);
    });
  }
}

/** A resource went, as it should or by force; this was its last state. */
function noteGone(cluster: Cluster, { keepers, sweep }: Unmanaged, last: CustomObject): void {
  const name = accountOf(last);
  for (const account of cluster.accounts.store.list()) {
    const { unmanagedVms = [] } = (account.status ?? {}) as GpuAccountStatus;
    sweep.of(account.metadata.name).times.ownerWent((vm) => claims(last, vm), unmanagedVms);
  }
  const why = wishOf(cluster, last);
  const ids = leftBehind(parseVm(last).status);
  if (why === undefined || ids === undefined) return;
  const { keptVms = [] } = (cluster.accounts.store.get(name)?.status ?? {}) as GpuAccountStatus;
  const { uid } = last.metadata;
  if (!isNoted(keptVms, uid, ids))
    keepers.note(name, { uid, resource: resourceName(last), why, ids: [...ids] }, undefined);
}

/** Whoever takes the finalizer off by hand wants the VM kept no less, if that is allowed. */
function wishOf({ budgets }: Cluster, last: CustomObject): 'Retained' | 'Abandoned' | undefined {
  const { namespace = '', annotations: given, deletionTimestamp } = last.metadata;
  if (!mayRetain({ budgets: budgets.store }, namespace)) return undefined;
  if (parseVm(last).spec.deletionPolicy === 'Retain') return 'Retained';
  const isAbandoned = deletionTimestamp !== undefined && given?.[annotations.abandon] === 'true';
  return isAbandoned ? 'Abandoned' : undefined;
}
