import type { GpuPoolSpec } from '../../api/gpu-pool.ts';
import { parseDuration } from '../../lib/duration.ts';
import { isOffHours } from './clockwork.ts';
import type { MemberKind, PoolMember, PoolObservation } from './observation.ts';
import { isBroken } from './troubles.ts';

/** What there is to say about single members. */

/** Ready says so of a VM that is as its spec, or its schedule, wants it: there is nothing to wait for. */
const atRestReasons: ReadonlySet<string> = new Set(['Stopped', 'Released', 'OffHours']);

export function activeOf({ members }: Pick<PoolObservation, 'members'>): PoolMember[] {
  return members.filter((member) => !member.isDeleting);
}

/** Made from another template than this; while nobody knows by what members are made, none is. */
export function isOutdated(member: Pick<PoolMember, 'hash'>, { hash }: Pick<PoolObservation, 'hash'>): boolean {
  return hash !== '' && member.hash !== hash;
}

export function hasVm(member: PoolMember): boolean {
  return member.vmSince !== undefined;
}

export function isInTrouble({ brokenSince, marketSince }: PoolMember): boolean {
  return brokenSince !== undefined || marketSince !== undefined;
}

/**
 * It cannot have a VM for as long as a resource of the other kind has its name: the connection Secret of that name is the other
 * one's. Whoever chose the name had not been told of that one yet.
 */
export function isNamesake(member: PoolMember): boolean {
  return member.hasNamesake && lacksSecret(member);
}

/** Its connection Secret is somebody else's: it may be that of a namesake which nobody has been told of yet. */
export function lacksSecret(member: PoolMember): boolean {
  return !hasVm(member) && member.ready.reason === 'SecretConflict';
}

/** Not one that only says so: a member that is paused, or of which nothing new is known, does not run though it is to. */
export function isAtRest(
  { ready, isSynced }: Pick<PoolMember, 'ready' | 'isSynced'>,
  { spec, now }: Pick<PoolObservation, 'spec' | 'now'>,
): boolean {
  if (ready.isTrue || !isSynced || !atRestReasons.has(ready.reason)) return false;
  const { powerState } = spec.template.spec;
  return powerState !== 'Running' || isOffHours(spec, now);
}

/** Ready for minReadySeconds; or at rest as it is to be, so that a pool which is stopped can be rolled as well. */
export function isAvailable(member: PoolMember, { spec, now }: Pick<PoolObservation, 'spec' | 'now'>): boolean {
  if (isAtRest(member, { spec, now })) return true;
  return member.ready.isTrue && now - member.ready.since >= spec.minReadySeconds * 1000;
}

/** When a member that is Ready becomes available; undefined when nothing is to be waited for. */
export function availableAt(
  member: PoolMember,
  { spec, now }: Pick<PoolObservation, 'spec' | 'now'>,
): number | undefined {
  if (!member.ready.isTrue) return undefined;
  const at = member.ready.since + spec.minReadySeconds * 1000;
  return at > now ? at : undefined;
}

/** When a VM that is not Ready counts as broken; undefined when it does not, however long that lasts. */
export function brokenAt(member: PoolMember, { repair }: Pick<GpuPoolSpec, 'repair'>): number | undefined {
  const deadlineMs = parseDuration(repair.readyDeadline) ?? 0;
  const { brokenSince, vmSince, isSynced } = member;
  if (deadlineMs === 0 || vmSince === undefined || brokenSince === undefined || !isSynced) return undefined;
  return isBroken(member) ? brokenSince + deadlineMs : undefined;
}

/** How many members of each kind there are to be. */
export function wantedOf({
  replicas,
  capacity,
}: Pick<GpuPoolSpec, 'replicas' | 'capacity'>): Record<MemberKind, number> {
  if (capacity.type === 'OnDemand') return { GpuVm: replicas, SpotVm: 0 };
  const onDemand = Math.min(capacity.onDemandBase, replicas);
  return { GpuVm: onDemand, SpotVm: replicas - onDemand };
}

/** The lowest numbers that are free: a call whose answer was lost, or another process, meets the same names. */
export function freeNames({ meta, isTaken }: Pick<PoolObservation, 'meta' | 'isTaken'>, count: number): string[] {
  const names: string[] = [];
  for (let index = 0; names.length < count; index++) {
    const name = `${meta.name}-${index}`;
    if (!isTaken(name)) names.push(name);
  }
  return names;
}
