import type { CloudVm, VmListing } from '../provider/contract.ts';
import type { Snapshot } from './contract.ts';
import { isEmptyDiff, sameVm, type FleetDiff } from './diff.ts';

export const noVms: ReadonlyMap<string, CloudVm> = new Map();

/** Whether that the list does not have a VM means that there is none; of one that is empty see `isUnchecked` as well. */
export function provesAbsence({ distrusted, isProvisional }: Pick<Snapshot, 'distrusted' | 'isProvisional'>): boolean {
  return distrusted === undefined && isProvisional !== true;
}

export interface SnapshotFacts {
  readonly requestedAt: number;
  readonly receivedAt: number;
  readonly askedAs: string;
  readonly distrusted: string | undefined;
  readonly isUnchecked?: boolean;
  readonly isProvisional?: boolean;
}

/**
 * The snapshot that follows, and what is different in it. VM objects that say the same as before are the same objects,
 * and if nothing is different so are the indexes: with 10,000 VMs nearly all polls end there.
 */
export function nextSnapshot(
  previous: Snapshot | undefined,
  listing: VmListing,
  facts: SnapshotFacts,
): { readonly snapshot: Snapshot; readonly diff: FleetDiff } {
  const unreadable = new Set(listing.unreadable);
  const { byId, added, changed } = merge(previous, listing.vms);
  const diff: FleetDiff = {
    before: previous?.byId ?? noVms,
    added,
    changed,
    removed: removedSince(previous, byId, unreadable),
    unreadable: listing.unreadable.filter((id) => previous?.unreadable.has(id) !== true),
  };
  const indexes =
    previous !== undefined && isEmptyDiff(diff)
      ? { byId: previous.byId, byName: previous.byName, unreadable: previous.unreadable }
      : { byId, byName: indexByName(byId.values()), unreadable };
  const unreadableNames = listing.unreadableNames ?? new Map<string, string>();
  return { snapshot: { sequence: (previous?.sequence ?? 0) + 1, ...facts, ...indexes, unreadableNames }, diff };
}

function merge(
  previous: Snapshot | undefined,
  vms: readonly CloudVm[],
): { readonly byId: ReadonlyMap<string, CloudVm> } & Pick<FleetDiff, 'added' | 'changed'> {
  const byId = new Map<string, CloudVm>();
  const added: CloudVm[] = [];
  const changed: { before: CloudVm; after: CloudVm }[] = [];
  for (const vm of vms) {
    const before = previous?.byId.get(vm.id);
    if (before !== undefined && sameVm(before, vm)) {
      byId.set(vm.id, before);
      continue;
    }
    byId.set(vm.id, vm);
    if (before === undefined) added.push(vm);
    else changed.push({ before, after: vm });
  }
  return { byId, added, changed };
}

function removedSince(
  previous: Snapshot | undefined,
  byId: ReadonlyMap<string, CloudVm>,
  unreadable: ReadonlySet<string>,
): FleetDiff['removed'] {
  const removed: { id: string; last: CloudVm | undefined }[] = [];
  const isThere = (id: string): boolean => byId.has(id) || unreadable.has(id);
  for (const [id, last] of previous?.byId ?? []) {
    if (!isThere(id)) removed.push({ id, last });
  }
  for (const id of previous?.unreadable ?? []) {
    if (!isThere(id)) removed.push({ id, last: undefined });
  }
  return removed;
}

function indexByName(vms: Iterable<CloudVm>): ReadonlyMap<string, readonly CloudVm[]> {
  const byName = new Map<string, CloudVm[]>();
  for (const vm of vms) {
    const same = byName.get(vm.name);
    if (same === undefined) byName.set(vm.name, [vm]);
    else same.push(vm);
  }
  return byName;
}
