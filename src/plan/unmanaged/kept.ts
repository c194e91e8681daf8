import { longestId, mostIdsOfKept, mostKept, type KeptVms } from '../../api/unmanaged-vms.ts';
import type { Journal } from '../vm/observation.ts';
import { recordsOf } from '../vm/ownership.ts';
import { isInDoubt } from '../vm/proof.ts';

/** What the account writes down of VMs that are to be kept, so that it never takes them for ones that nobody wants. Pure. */

/** Whether it is written down that whatever this resource leaves behind is to be kept. */
export function isNoted(stored: readonly KeptVms[], uid: string, ids: readonly string[]): boolean {
  return stored.some((one) => one.uid === uid && ids.every((id) => one.ids.includes(id)));
}

/**
 * With what is new. Where there are too many, those go first that the list shows no VM of, the oldest first; without a list that
 * can be trusted none goes. What finds no room is not in the result: its resource waits.
 *
 * @param isListed whether the list has a VM that is kept for this resource; undefined while there is no such list
 */
export function keptAfter(
  stored: readonly KeptVms[],
  added: readonly KeptVms[],
  isListed: ((kept: KeptVms) => boolean) | undefined,
): KeptVms[] {
  const after = new Map(stored.map((one) => [one.uid, one]));
  for (const one of added) {
    const before = after.get(one.uid);
    const ids = [...new Set([...(before?.ids ?? []), ...one.ids])].slice(0, mostIdsOfKept);
    // At its place, if it has one: an update is not news for the others.
    if (before !== undefined || after.size < mostKept || makeRoom(after, isListed)) {
      after.set(one.uid, { ...one, ids });
    }
  }
  return [...after.values()];
}

function makeRoom(after: Map<string, KeptVms>, isListed: ((kept: KeptVms) => boolean) | undefined): boolean {
  if (isListed === undefined) return false;
  const oldest = [...after.values()].find((one) => !isListed(one));
  return oldest !== undefined && after.delete(oldest.uid);
}

/** Ids of the VMs that a resource leaves behind when it goes in this state; undefined: there is none, and none may come. */
export function leftBehind(journal: Journal): readonly string[] | undefined {
  const records = recordsOf(journal);
  return records.length > 0 || isInDoubt(journal) ? readableIds(records.map(({ id }) => id)) : undefined;
}

/** A status that nobody has checked may have anything for an id, and one note that the API server refuses would be the last. */
export function readableIds(ids: readonly unknown[]): string[] {
  return ids
    .filter((id) => typeof id === 'string' && id !== '' && id.length <= longestId)
    .slice(0, mostIdsOfKept) as string[];
}
