import { createHash } from 'node:crypto';

import type { UnmanagedHold, UnmanagedVm } from '../../api/unmanaged-vms.ts';

/**
 * A VM that somebody forgot is one of a few. Where many lose their resources at once, or all do, it is the resources that are
 * missing: in a clone of the cluster, after a restore, after the CRDs were made anew. Their VMs may be another's, or be wanted
 * back. So none of them is deleted until a person has said of these very VMs that they are to go. Pure.
 */
export interface BreakerFacts {
  /** As stored. */
  readonly before: readonly UnmanagedVm[];
  readonly stored: UnmanagedHold | undefined;
  /** Ids of VMs that would be deleted sooner or later, also of those that find no room in the status. */
  readonly pending: readonly string[];
  /** VMs with this installation's mark: all, and those that a resource owns. */
  readonly marked: number;
  readonly owned: number;
  /** False: list or stores may lack what is there, so the numbers say nothing. */
  readonly isCertain: boolean;
  /** The API server has gone back in time. */
  readonly isRestored: boolean;
  /** Value of the annotation that confirms a set of VMs. */
  readonly annotation: string | undefined;
}

export interface Judged {
  /** It lasts until it is confirmed, or none is left: a resource that is made meanwhile says nothing of the other VMs. */
  readonly hold: UnmanagedHold | undefined;
  readonly isConfirmed: (id: string) => boolean;
}

export function judgeSweep(facts: BreakerFacts): Judged {
  const confirmed = new Set(facts.before.flatMap((entry) => (entry.confirmed === true ? [entry.id] : [])));
  const open = facts.pending.filter((id) => !confirmed.has(id));
  const confirm = fingerprintOf(open);
  if (open.length > 0 && facts.annotation === confirm) {
    const all = new Set([...confirmed, ...open]);
    return { hold: undefined, isConfirmed: (id) => all.has(id) };
  }
  const why = facts.isCertain ? whyHeld(facts, open.length) : facts.stored?.why;
  return { hold: why === undefined ? undefined : { why, confirm }, isConfirmed: (id) => confirmed.has(id) };
}

function whyHeld({ stored, isRestored, marked, owned }: BreakerFacts, open: number): UnmanagedHold['why'] | undefined {
  if (open === 0) return undefined;
  if (stored !== undefined) return stored.why;
  if (isRestored) return 'Restored';
  if (owned === 0) return 'NoneOwned';
  return open > mostAtOnce(marked) ? 'TooMany' : undefined;
}

/** Of so many VMs that carry the mark. */
export function mostAtOnce(marked: number): number {
  return Math.max(5, Math.floor(marked / 5));
}

/** Says whether it is the same set: what was confirmed in one cluster confirms nothing in its clone. */
function fingerprintOf(ids: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(ids.toSorted())).digest('hex').slice(0, 12);
}
