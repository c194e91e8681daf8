import type { VmObservation } from './observation.ts';
import { known } from './rule.ts';
import type { Look } from './verdict.ts';

/**
 * A start whose answer was lost, or that takes its time, may make the VM run after it was given up: until then no other VM may
 * take its place, or two would run. The same holds for a start of a process that was killed, which nobody has written down.
 */

/** What to wait for before the VM certainly runs by no start any more; undefined: it does not. */
export function lateStartLook(observation: VmObservation): Look | undefined {
  const until = mayRunUntil(observation);
  const requestedAt = known(observation)?.snapshot.requestedAt ?? 0;
  if (requestedAt >= until) return undefined;
  return observation.now < until ? { inMs: until - observation.now } : { snapshotAfter: until };
}

function mayRunUntil(observation: VmObservation): number {
  const { facts, account } = observation;
  const lateEffectMs = account.kind === 'ready' ? account.capabilities.lateEffectMs : 0;
  const ownUntil = (facts.startFiledAt ?? -Infinity) + lateEffectMs;
  return Math.max(ownUntil, othersMayRunItUntil(observation, lateEffectMs));
}

/** By a start of the process before this one. */
function othersMayRunItUntil({ facts, timings, now, journal }: VmObservation, lateEffectMs: number): number {
  const until = (facts.vmSeenAt ?? now) + timings.callTimeoutMs + lateEffectMs;
  // This process has made it, or has seen it run after all that: so nobody has. That it was seen running before says nothing: a start
  // that is on its way makes it run once more.
  const isOurs = journal.vm !== undefined && facts.deployed.has(journal.vm.id);
  const hasRun = facts.vmRanAt !== undefined && (isOurs || facts.vmRanAt >= until);
  return hasRun ? -Infinity : until;
}
