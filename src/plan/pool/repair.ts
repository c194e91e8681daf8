import type { PoolBreaker } from '../../api/gpu-pool.ts';
import { toPreciseTimestamp } from '../../lib/clock.ts';
import { printable, shortened } from '../../lib/printable.ts';
import { activeOf, brokenAt } from './members.ts';
import type { PoolMember, PoolObservation } from './observation.ts';

/**
 * Which broken members are replaced, and when that stops. Two things stop it: many that are broken at once, which is no matter
 * of single VMs; and replacements that fail one after the other, since then what they are made from is broken, and each
 * further one only costs money. What is broken while repairs are stopped is left as it is, for a person to look at.
 */
export interface Repair {
  /** Members to delete; what takes their place is made as for any that is missing. */
  readonly victims: readonly PoolMember[];
  /** As it is to be in the status, before any of them is deleted. */
  readonly breaker: PoolBreaker | undefined;
  readonly state: RepairState;
  /** All that are broken now. */
  readonly broken: readonly PoolMember[];
  /**
   * With those that are on the way to that, whenever it will be, but for replacements that are still awaited: what strikes members
   * one shortly after the other would else never find many at once, as each is replaced before the next one's time is over.
   */
  readonly unhealthy: readonly PoolMember[];
  /** Replacements of which nobody knows yet what becomes of them. */
  readonly pending: readonly PoolMember[];
  /** A replacement has become Ready after repairs had stopped. */
  readonly isClosed: boolean;
  /** When time alone changes something. */
  readonly nextAt: number | undefined;
}

export type RepairState = 'working' | 'tooManyUnhealthy' | 'open' | 'exhausted';

/** Replacements that are tried one at a time while the breaker is open, and the first of the pauses between them. */
export const mostProbes = 5;
const firstPauseMs = 10 * 60_000;

export function planRepair(observation: PoolObservation): Repair {
  const active = activeOf(observation);
  const broken = brokenOf(observation, active);
  const before = currentBreaker(observation);
  const isProven = before !== undefined && active.some((member) => isOfRow(member, before) && member.ready.isTrue);
  const row = isProven ? undefined : before;
  const pending = row === undefined ? [] : active.filter((member) => isPending(member, row, broken));
  const unhealthy = active.filter(
    (member) => brokenAt(member, observation.spec) !== undefined && !pending.includes(member),
  );
  const common = { broken, unhealthy, pending, isClosed: isProven && before.openedAt !== undefined };
  if (isHeld(observation)) return { ...common, ...heldRepair(row) };
  if (isTooMany(observation, { ...common, members: active.length })) {
    const nextAt = nextBreakAt(observation, active);
    return { ...common, victims: [], breaker: row, state: 'tooManyUnhealthy', nextAt };
  }
  const given = { row, broken, pending: pending.length };
  const repaired = row?.openedAt === undefined ? repair(observation, given) : probe(observation, { ...given, row });
  const times = [nextBreakAt(observation, active), repaired.nextAt].filter((at) => at !== undefined);
  return { ...common, ...repaired, nextAt: times.length === 0 ? undefined : Math.min(...times) };
}

/** Nothing could be made in the place of what is replaced, or nothing is to be: what is not tried must not count as tried. */
function isHeld({ blocked, meta }: PoolObservation): boolean {
  return blocked !== undefined || meta.isPaused;
}

function heldRepair(row: PoolBreaker | undefined): Outcome {
  return { victims: [], breaker: row, state: row?.openedAt === undefined ? 'working' : 'open', nextAt: undefined };
}

/** Those that have been so for longest come first. */
function brokenOf({ now, spec }: PoolObservation, active: readonly PoolMember[]): PoolMember[] {
  const since = (member: PoolMember): number => brokenAt(member, spec) ?? Infinity;
  return active
    .filter((member) => since(member) <= now)
    .sort((a, b) => since(a) - since(b) || (a.name < b.name ? -1 : 1));
}

function nextBreakAt({ now, spec }: PoolObservation, active: readonly PoolMember[]): number | undefined {
  const times = active.flatMap((member) => brokenAt(member, spec) ?? []).filter((at) => at > now);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** What failed with another template says nothing of this one; and a person may ask to begin anew. */
function currentBreaker({ status, meta, hash }: PoolObservation): PoolBreaker | undefined {
  const { breaker, lastHandledReconcileAt } = status;
  if (breaker?.templateHash !== hash) return undefined;
  const { reconcileRequestedAt } = meta;
  const isAsked = reconcileRequestedAt !== undefined && handled(reconcileRequestedAt) !== lastHandledReconcileAt;
  return isAsked ? undefined : breaker;
}

const longestHandled = 253;

/** The value of the annotation as the status holds it. */
export function handled(value: string): string {
  return shortened(printable(value), longestHandled);
}

function isTooMany(
  { spec }: PoolObservation,
  { broken, unhealthy, members }: Pick<Repair, 'broken' | 'unhealthy'> & { readonly members: number },
): boolean {
  if (broken.length === 0 || unhealthy.length <= 1) return false;
  return unhealthy.length * 100 > spec.repair.maxUnhealthyPercent * members;
}

/** Made since the first of these repairs: by what became of it is known whether they help. */
function isOfRow({ repairedSince }: PoolMember, { since }: PoolBreaker): boolean {
  return repairedSince === since;
}

/** Nobody knows yet what becomes of it. */
function isPending(member: PoolMember, row: PoolBreaker, broken: readonly PoolMember[]): boolean {
  return isOfRow(member, row) && !broken.includes(member);
}

type Outcome = Pick<Repair, 'victims' | 'breaker' | 'state' | 'nextAt'>;

function repair(
  { now, spec, hash }: PoolObservation,
  given: {
    readonly row: PoolBreaker | undefined;
    readonly broken: readonly PoolMember[];
    readonly pending: number;
  },
): Outcome {
  const { maxFailures } = spec.repair;
  const { broken } = given;
  if (broken.length === 0) return { victims: [], breaker: given.row, state: 'working', nextAt: undefined };
  const row = given.row ?? { since: toPreciseTimestamp(now), failures: 0, templateHash: hash };
  const countOfRow = (members: readonly PoolMember[]): number => members.filter((one) => isOfRow(one, row)).length;
  // Each replacement that is broken, also while others wait that have been so for longer.
  const failures = row.failures + countOfRow(broken);
  if (failures >= maxFailures) return opened({ ...row, failures }, now);
  // All that are under way may fail: together with those that have, they must not be more than are allowed.
  const victims = broken.slice(0, Math.max(0, maxFailures - failures - given.pending));
  if (victims.length === 0) return { victims, breaker: given.row, state: 'working', nextAt: undefined };
  // Those that are deleted are not seen any more.
  const breaker = { ...row, failures: row.failures + countOfRow(victims) };
  return { victims, breaker, state: 'working', nextAt: undefined };
}

function opened(row: PoolBreaker, now: number): Outcome {
  const nextAt = now + firstPauseMs;
  const times = { openedAt: toPreciseTimestamp(now), nextProbeAt: toPreciseTimestamp(nextAt) };
  return { victims: [], breaker: { ...row, ...times, probes: 0 }, state: 'open', nextAt };
}

/** One at a time, and only once it is known what became of the one before. */
function probe(
  { now }: PoolObservation,
  {
    row,
    broken,
    pending,
  }: { readonly row: PoolBreaker; readonly broken: readonly PoolMember[]; readonly pending: number },
): Outcome {
  const { probes = 0 } = row;
  const none = { victims: [], breaker: row } as const;
  if (probes >= mostProbes) return { ...none, state: pending > 0 ? 'open' : 'exhausted', nextAt: undefined };
  const dueAt = Date.parse(row.nextProbeAt ?? '');
  // The last of those that failed, so that the others can go on being looked at.
  const victim = broken.findLast((member) => isOfRow(member, row)) ?? broken[0];
  if (now < dueAt) return { ...none, state: 'open', nextAt: dueAt };
  if (pending > 0 || victim === undefined) return { ...none, state: 'open', nextAt: undefined };
  const isLast = probes + 1 >= mostProbes;
  const nextProbeAt = isLast ? undefined : toPreciseTimestamp(now + firstPauseMs * 2 ** (probes + 1));
  return { victims: [victim], breaker: { ...row, nextProbeAt, probes: probes + 1 }, state: 'open', nextAt: undefined };
}
