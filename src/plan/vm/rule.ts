import type { Snapshot } from '../../fleet/contract.ts';
import { provesAbsence } from '../../fleet/snapshot.ts';
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
  // There may be one that was got with another key, and does not count: it is younger than the deletion, and would not be waited for.
  if (snapshot === undefined) return { snapshotAfter: Math.max(deletedAt, observation.now) };
  const isProof = snapshot.requestedAt >= deletedAt && provesAbsence(snapshot);
  if (isProof && !isListed(snapshot, vmId)) return undefined;
  return { snapshotAfter: Math.max(deletedAt, snapshot.requestedAt + 1) };
}

/**
 * Whether the provider has to be asked about a VM whose deletion was confirmed at `deletedAt`. A list that is distrusted
 * may lack it for a reason of its own, and perhaps it is distrusted for this very VM: then only the provider's word about
 * it ends the distrust. Asked until it has said once that the VM is gone.
 */
export function mustAskAboutDeleted(observation: VmObservation, vmId: string, deletedAt: number): boolean {
  const snapshot = known(observation)?.snapshot;
  if (snapshot?.distrusted === undefined || snapshot.requestedAt < deletedAt || isListed(snapshot, vmId)) return false;
  return !isAnswered(observation, vmId);
}

/** Whether the list has the VM and does not say that it is over; be it in an entry that cannot be read. */
export function isListed({ byId, unreadable }: Snapshot, vmId: string): boolean {
  const listed = byId.get(vmId);
  return (listed !== undefined && listed.state !== 'terminated') || unreadable.has(vmId);
}

/** The provider has just said what there is to say about the VM, or that it is gone, which does not change any more. */
function isAnswered({ facts, now, timings }: VmObservation, vmId: string): boolean {
  const confirmation = facts.confirmations.get(vmId);
  if (confirmation === undefined) return false;
  return confirmation.answer === 'gone' || now - confirmation.askedAt < timings.retryMs;
}
