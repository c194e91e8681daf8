import type { VmObservation } from './observation.ts';
import { isListed, known, until } from './rule.ts';
import type { Step, Verdict } from './verdict.ts';

/** Deleting is tried for ever, but not faster and faster. */
export function holdWhileDeleteBacksOff(observation: VmObservation, verdict: Verdict): Verdict {
  const { facts, now } = observation;
  const { step } = verdict;
  if (step.kind !== 'delete') return verdict;
  const call = facts.calls.get(step.vmId);
  if (call?.call !== 'delete' || call.failure === undefined || now >= call.nextTryAt) return verdict;
  const asksAt = asksAgainAt(observation, step);
  if (asksAt !== undefined && now >= asksAt) return { ...verdict, step: { kind: 'confirmGone', vmId: step.vmId } };
  return {
    ...verdict,
    step: { kind: 'wait' },
    look: { inMs: until(Math.min(asksAt ?? Infinity, call.nextTryAt), now) },
  };
}

/**
 * A call whose answer was lost may have been carried out, and a list without the VM says that it was: then the provider's word
 * about the VM ends the matter, and the distrust of the list with it. To wait for the next call would take minutes in which
 * everybody is told that the VM may be billed.
 */
function asksAgainAt(observation: VmObservation, { vmId, why }: Extract<Step, { kind: 'delete' }>): number | undefined {
  const snapshot = known(observation)?.snapshot;
  // Of others an answer would not count as a deletion.
  const isUnwanted = why === 'resourceDeleted' || why === 'retired';
  if (!isUnwanted || snapshot === undefined || isListed(snapshot, vmId)) return undefined;
  const askedAt = observation.facts.confirmations.get(vmId)?.askedAt;
  return askedAt === undefined ? observation.now : askedAt + observation.timings.retryMs;
}
