import { annotations } from '../api/group.ts';
import { keptIn, unmanagedIn } from '../api/unmanaged-vms.ts';
import type { AccountRegistry } from '../controllers/accounts.ts';
import type { CustomObject } from '../controllers/objects.ts';
import { mayRetain } from '../controllers/spending/books.ts';
import { resourceName } from '../controllers/vm/kinds.ts';
import { Keepers } from '../controllers/unmanaged/keepers.ts';
import { SweepMemory } from '../controllers/unmanaged/memory.ts';
import { isConcerned, UnmanagedSweeper } from '../controllers/unmanaged/sweeper.ts';
import { accountOf } from '../controllers/vm/controller.ts';
import { parseVm } from '../controllers/vm/parse.ts';
import { recordedIn, type VmOwners } from '../controllers/vm-owners.ts';
import { claims, type Named } from '../plan/unmanaged/standing.ts';
import { isNoted, leftBehind, readableIds } from '../plan/unmanaged/kept.ts';
import type { Cluster } from './cluster.ts';
import type { OperatorDeps } from './deps.ts';

/** What is known of VMs without a resource, and what leads to another look at them. */
export interface Unmanaged {
  readonly keepers: Keepers;
  readonly sweep: SweepMemory;
}

/** Of a few lists one may fail; where more do, nobody knows what was meanwhile. */
const mostListsMissed = 3;

export function createUnmanaged(cluster: Cluster, { options }: Pick<OperatorDeps, 'options'>): Unmanaged {
  const keepers = new Keepers((account) => {
    cluster.accounts.queue.add(account);
  });
  const longestGapMs = mostListsMissed * Math.max(options.pollIdleMs, options.retryMs);
  return { keepers, sweep: new SweepMemory({ longestGapMs }) };
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
      if (old === undefined) return;
      if (current === undefined) noteGone(cluster, unmanaged, old);
      else noteLeft(cluster, unmanaged, old, current);
    });
  }
}

/** VMs that a resource had, or wanted, and does not any more: also for a moment between two looks at the account. */
function noteLeft(cluster: Cluster, unmanaged: Unmanaged, old: CustomObject, current: CustomObject): void {
  const still = new Set(namedIn(current));
  const left = new Set(namedIn(old).filter((id) => !still.has(id)));
  if (left.size > 0) beginAnew(cluster, unmanaged, ({ id }) => left.has(id));
}

function namedIn(object: CustomObject): string[] {
  const wanted = object.metadata.annotations?.[annotations.adopt];
  return wanted === undefined ? recordedIn(object) : [...recordedIn(object), wanted];
}

function beginAnew({ accounts }: Cluster, { sweep }: Unmanaged, isIts: (vm: Named) => boolean): void {
  for (const { metadata, status } of accounts.store.list()) {
    sweep.of(metadata.name).times.ownerWent(isIts, unmanagedIn(status));
  }
}

/** A resource went, as it should or by force; this was its last state. */
function noteGone(cluster: Cluster, unmanaged: Unmanaged, last: CustomObject): void {
  const name = accountOf(last);
  beginAnew(cluster, unmanaged, (vm) => claims(last, vm));
  const why = wishOf(cluster, last);
  const ids = idsLeftBy(last);
  if (why === undefined || ids === undefined) return;
  const { uid } = last.metadata;
  if (!isNoted(keptIn(cluster.accounts.store.get(name)?.status), uid, ids))
    unmanaged.keepers.note(name, { uid, resource: resourceName(last), why, ids: [...ids] }, undefined);
}

/** A status that is damaged, or names no launch, may have been edited, and there be a VM: then its mark is noted all the same. */
function idsLeftBy(last: CustomObject): readonly string[] | undefined {
  const { status, isStatusDamaged } = parseVm(last);
  const isUnknown = isStatusDamaged || status.launch === undefined;
  return isUnknown ? readableIds(recordedIn(last)) : leftBehind(status);
}

/** Whoever takes the finalizer off by hand wants the VM kept no less, if that is allowed. */
function wishOf({ budgets }: Cluster, last: CustomObject): 'Retained' | 'Abandoned' | undefined {
  const { namespace = '', annotations: given, deletionTimestamp } = last.metadata;
  if (!mayRetain({ budgets: budgets.store }, namespace)) return undefined;
  if (parseVm(last).spec.deletionPolicy === 'Retain') return 'Retained';
  const isAbandoned = deletionTimestamp !== undefined && given?.[annotations.abandon] === 'true';
  return isAbandoned ? 'Abandoned' : undefined;
}
