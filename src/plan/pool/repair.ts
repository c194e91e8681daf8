import type { PoolBreaker } from '../../api/gpu-pool.ts';
import { toPreciseTimestamp } from '../../lib/clock.ts';
import { printable, shortened } from '../../lib/printable.ts';
import { activeOf, brokenAt, hasVm } from './members.ts';
import type { PoolMember, PoolObservation } from './observation.ts';

/**
 * Which broken members are replaced, and when that stops. Two things stop it: many that are broken at once, which is no matter
 * of single VMs; and replacements that fail one after the other, since then what they are made from is broken, and each
 * further one only costs money. What is broken while repairs are stopped is left as it is, for a person to look at, but for one
 * at a time that is tried anew after growing pauses: what has passed by itself, or was mended elsewhere, would else be noticed
 * by nobody.
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
   * one shortly after the other would else never find many at once, as each is replaced before the next one's time is over. Nor
   * those for which their host has no room: however many these are, it is a matter of single hosts, and others may have room.
   */
  readonly unhealthy: readonly PoolMember[];
  /**
   * Those of which the unhealthy ones must not be too many. Once they were, one that has no VM yet is none that is well: else a
   * pool had but to become larger for several to be replaced at once, though nothing has passed.
   */
  readonly counted: readonly PoolMember[];
  /** Replacements of which nobody knows yet what becomes of them. */
  readonly pending: readonly PoolMember[];
  /** A replacement has become Ready after repairs had stopped. */
  readonly isClosed: boolean;
  /** When time alone changes something. */
  readonly nextAt: number | undefined;
}

export type RepairState = 'working' | 'tooManyUnhealthy' | 'open' | 'exhausted';

/** Replacements that are tried one at a time while repairs are stopped, and the first of the pauses between them. */
export const mostProbes = 5;
const firstPauseMs = 10 * 60_000;

export function planRepair(observation: PoolObservation): Repair {
  const active = activeOf(observation);
  const broken = brokenOf(observation, active);
  const before = currentBreaker(observation);
  const isProven = before !== undefined && active.some((member) => isOfRow(member, before) && member.ready.isTrue);
  const row = isProven ? undefined : before;
  const pending = row === undefined ? [] : active.filter((member) => isPending(member, row, broken));
  const unhealthy = active.filter((member) => isUnhealthy(member, observation) && !pending.includes(member));
  const counted = isProbed(row) ? active.filter((member) => hasVm(member) || pending.includes(member)) : active;
  const common = { broken, unhealthy, pending, counted };
  if (isHeld(observation)) return { ...common, ...heldRepair(row), isClosed: isProven && isOpen(before) };
  const outcome = outcomeOf(observation, { ...common, row, active });
  const times = [nextBreakAt(observation, active), outcome.nextAt].filter((at) => at !== undefined);
  return {
    ...common,
    ...outcome,
    isClosed: isProven && isOpen(before) && outcome.state === 'working',
    nextAt: times.length === 0 ? undefined : Math.min(...times),
  };
}

interface Given extends Pick<Repair, 'broken' | 'unhealthy' | 'pending' | 'counted'> {
  readonly row: PoolBreaker | undefined;
  readonly active: readonly PoolMember[];
}

function outcomeOf(observation: PoolObservation, given: Given): Outcome {
  const { row } = given;
  if (isOpen(row)) return probe(observation, { ...given, row });
  if (!isTooMany(observation, given)) return repair(observation, { ...given, row: withoutProbes(given) });
  if (!isProbed(row)) return held(observation, row);
  const probed = probe(observation, { ...given, row });
  return probed.state === 'exhausted' ? probed : { ...probed, state: 'tooManyUnhealthy' };
}

/** Repairs have stopped as too many of them failed. */
function isOpen(row: PoolBreaker | undefined): row is PoolBreaker {
  return row?.openedAt !== undefined;
}

/** Repairs have stopped, and single ones are tried: also where it is only as too many are broken. */
function isProbed(row: PoolBreaker | undefined): row is PoolBreaker {
  return row?.probes !== undefined;
}

/** What is being said of repairs that have stopped; undefined while they go on. */
export function stopReasonOf({ state, breaker }: Repair): 'BreakerOpen' | 'TooManyUnhealthy' | undefined {
  if (state === 'working') return undefined;
  return state === 'tooManyUnhealthy' || !isOpen(breaker) ? 'TooManyUnhealthy' : 'BreakerOpen';
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

/** The market is in the way of one that its host has no room for, also while that is asked once more. */
function isUnhealthy(member: PoolMember, { spec }: PoolObservation): boolean {
  return brokenAt(member, spec) !== undefined && member.marketSince === undefined;
}

function isTooMany({ spec }: PoolObservation, { broken, unhealthy, pending, row, counted }: Given): boolean {
  // One that is tried in the place of another is none that is well: else all others were replaced as soon as it is made.
  const count = unhealthy.length + (isProbed(row) ? pending.length : 0);
  if (broken.length === 0 || count <= 1) return false;
  return count * 100 > spec.repair.maxUnhealthyPercent * counted.length;
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

function repair({ now, spec, hash }: PoolObservation, given: Pick<Given, 'row' | 'broken' | 'pending'>): Outcome {
  const { maxFailures } = spec.repair;
  const { broken } = given;
  if (broken.length === 0) return { victims: [], breaker: given.row, state: 'working', nextAt: undefined };
  const row = given.row ?? { since: toPreciseTimestamp(now), failures: 0, templateHash: hash };
  const countOfRow = (members: readonly PoolMember[]): number => members.filter((one) => isOfRow(one, row)).length;
  // Each replacement that is broken, also while others wait that have been so for longer.
  const failures = row.failures + countOfRow(broken);
  if (failures >= maxFailures) return opened({ ...row, failures }, now);
  // All that are under way may fail: together with those that have, they must not be more than are allowed.
  const victims = broken.slice(0, Math.max(0, maxFailures - failures - given.pending.length));
  if (victims.length === 0) return { victims, breaker: given.row, state: 'working', nextAt: undefined };
  // Those that are deleted are not seen any more.
  const breaker = { ...row, failures: row.failures + countOfRow(victims) };
  return { victims, breaker, state: 'working', nextAt: undefined };
}

function opened(row: PoolBreaker, now: number): Outcome {
  return { ...probing({ ...row, openedAt: toPreciseTimestamp(now) }, now), state: 'open' };
}

/** Too many are broken: from now on single ones are tried. Failures that came before are still those of a row. */
function held({ now, hash }: PoolObservation, row: PoolBreaker | undefined): Outcome {
  const begun = row ?? { since: toPreciseTimestamp(now), failures: 0, templateHash: hash };
  return { ...probing(begun, now), state: 'tooManyUnhealthy' };
}

function probing(row: PoolBreaker, now: number): Omit<Outcome, 'state'> {
  const nextAt = now + firstPauseMs;
  return { victims: [], breaker: { ...row, nextProbeAt: toPreciseTimestamp(nextAt), probes: 0 }, nextAt };
}

/** As it was before too many were broken. */
function withoutProbes({ row, active }: Pick<Given, 'row' | 'active'>): PoolBreaker | undefined {
  if (row === undefined || !isProbed(row)) return row;
  const { since, failures, templateHash } = row;
  return isUsed(row, active) ? { since, failures, templateHash } : undefined;
}

/** Something has been replaced: where too many are broken a row begins before that. */
function isUsed(row: PoolBreaker, active: readonly PoolMember[]): boolean {
  return row.failures > 0 || row.probes !== 0 || active.some((member) => isOfRow(member, row));
}

/**
 * How many of those that are made now are of the row, at most. While too many are broken it is no more than the single one that
 * is tried: those that are made besides, as the pool becomes larger, replace nothing. Were they awaited, a market without offers
 * would stop repairs also once the fault has passed; and were it enough that one of them is Ready, an autoscaler would put the
 * next try off again and again.
 */
export function mostOfRow({ breaker, pending }: Repair, active: readonly PoolMember[]): number {
  if (breaker === undefined) return 0;
  if (isOpen(breaker) || !isProbed(breaker)) return Infinity;
  return isUsed(breaker, active) ? Math.max(0, 1 - pending.length) : 0;
}

/** One at a time, and only once it is known what became of the one before. */
function probe(
  { now }: PoolObservation,
  { row, broken, pending }: Pick<Given, 'broken' | 'pending'> & { readonly row: PoolBreaker },
): Outcome {
  const { probes = 0 } = row;
  const none = { victims: [], breaker: row } as const;
  if (probes >= mostProbes) return { ...none, state: pending.length > 0 ? 'open' : 'exhausted', nextAt: undefined };
  const dueAt = Date.parse(row.nextProbeAt ?? '');
  // The last of those that failed, so that the others can go on being looked at.
  const victim = broken.findLast((member) => isOfRow(member, row)) ?? broken[0];
  if (now < dueAt) return { ...none, state: 'open', nextAt: dueAt };
  if (pending.length > 0 || victim === undefined) return { ...none, state: 'open', nextAt: undefined };
  const isLast = probes + 1 >= mostProbes;
  const nextProbeAt = isLast ? undefined : toPreciseTimestamp(now + firstPauseMs * 2 ** (probes + 1));
  return { victims: [victim], breaker: { ...row, nextProbeAt, probes: probes + 1 }, state: 'open', nextAt: undefined };
}
