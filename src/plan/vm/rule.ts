import type { Snapshot } from '../../fleet/contract.ts';
import type { ReadyAccount, VmObservation } from './observation.ts';
import type { Look, Verdict } from './verdict.ts';

/** One fact and what follows from it; undefined when the fact is not the case. Its function name is its name. */
export type Rule = (observation: VmObservation) => Omit<Verdict, 'rule'> | undefined;

/** The account and its list, once the guards have made sure of them. */
export interface Known {
  readonly account: ReadyAccount;
  readonly snapshot: Snapshot;
}

export function known({ account }: VmObservation): Known | undefined {
  if (account.kind !== 'ready' || account.snapshot === undefined) return undefined;
  return { account, snapshot: account.snapshot };
}

/** A call that was accepted is given this long to show in the list before it is made again; repeating it does no harm. */
export const callPatienceMs = 60_000;

/** RFC 3339 to milliseconds; a missing or broken time counts as the beginning of time. */
export function millis(timestamp: string | undefined): number {
  const ms = timestamp === undefined ? NaN : Date.parse(timestamp);
  return Number.isNaN(ms) ? 0 : ms;
}

/** Milliseconds until `time`, at least 1. */
export function until(time: number, now: number): number {
  return Math.max(1, time - now);
}

/**
 * What is still needed before a VM whose deletion was confirmed at `deletedAt` may be forgotten: a trusted list, requested
 * after that, which does not have it. Undefined when that list is here.
 */
export function listingNeededToForget(observation: VmObservation, vmId: string, deletedAt: number): Look | undefined {
  const snapshot = known(observation)?.snapshot;
  if (snapshot === undefined) return { snapshotAfter: deletedAt };
  const listed = snapshot.byId.get(vmId);
  const isListed = (listed !== undefined && listed.state !== 'terminated') || snapshot.unreadable.has(vmId);
  const isProof = snapshot.requestedAt >= deletedAt && snapshot.distrusted === undefined;
  if (isProof && !isListed) return undefined;
  return { snapshotAfter: Math.max(deletedAt, snapshot.requestedAt + 1) };
}
