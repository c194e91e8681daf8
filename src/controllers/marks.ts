import { markOf } from '../api/vm-name.ts';
import type { Snapshot } from '../fleet/contract.ts';
import type { Journal } from '../plan/vm/observation.ts';
import type { CloudVm } from '../provider/contract.ts';

type MarkIndex = ReadonlyMap<string, readonly CloudVm[]>;

/** One index for all snapshots of the same VMs, made when first needed: looking through all VMs for each resource would be quadratic. */
const indexes = new WeakMap<Snapshot['byId'], Map<string, MarkIndex>>();

/** The VMs of the list that carry this resource's mark and are not over, oldest attempt first. */
export function markedVmsOf(snapshot: Snapshot, installation: string, uid: string): readonly CloudVm[] {
  return markIndex(snapshot, installation).get(uid) ?? [];
}

/** The same without those that are on their way out by the journal: what is left is to be one at most. */
export function unretired(marked: readonly CloudVm[], { retiring = [] }: Journal): readonly CloudVm[] {
  return retiring.length === 0 ? marked : marked.filter(({ id }) => !retiring.some((vm) => vm.id === id));
}

/** By UID of the owner, the VMs of this installation that are not over. */
export function markIndex(snapshot: Snapshot, installation: string): MarkIndex {
  const ofVms = indexes.get(snapshot.byId) ?? new Map<string, MarkIndex>();
  indexes.set(snapshot.byId, ofVms);
  const known = ofVms.get(installation);
  if (known !== undefined) return known;
  const index = new Map<string, CloudVm[]>();
  for (const vm of snapshot.byId.values()) {
    const mark = markOf(vm.name);
    if (mark?.installation !== installation || vm.state === 'terminated') continue;
    const owned = index.get(mark.uid);
    if (owned === undefined) index.set(mark.uid, [vm]);
    else owned.push(vm);
  }
  for (const owned of index.values()) owned.sort((a, b) => attemptOf(a) - attemptOf(b));
  ofVms.set(installation, index);
  return index;
}

function attemptOf(vm: CloudVm): number {
  return markOf(vm.name)?.attempt ?? 0;
}
