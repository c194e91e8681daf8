import { markOf } from '../../api/vm-name.ts';
import type { FleetDiff } from '../../fleet/diff.ts';
import type { CommitmentsDeps } from './commitments.ts';

/**
 * UIDs of the resources that may be committed to something else since the list is another one: those that have recorded a VM
 * of which it says something else, or whose mark such a VM carries, or carried.
 */
export function touchedBy(
  diff: FleetDiff,
  { vms, installation }: Pick<CommitmentsDeps, 'vms' | 'installation'>,
): ReadonlySet<string> {
  const uids = new Set<string>();
  const touch = (id: string, names: readonly (string | undefined)[]): void => {
    for (const { metadata } of vms.byIndex('vm', id)) uids.add(metadata.uid);
    for (const name of names) {
      const mark = name === undefined ? undefined : markOf(name);
      if (mark?.installation === installation) uids.add(mark.uid);
    }
  };
  for (const { id, name } of diff.added) touch(id, [name]);
  for (const one of diff.changed) touch(one.after.id, [one.before.name, one.after.name]);
  for (const { id, last } of diff.removed) touch(id, [last?.name]);
  for (const id of diff.unreadable) touch(id, [diff.before.get(id)?.name]);
  return uids;
}
