import { lateStartLook } from '../../plan/vm/late-start.ts';
import type { VmObservation } from '../../plan/vm/observation.ts';
import { liveVm } from '../../plan/vm/ownership.ts';
import { isReturningToSpot } from '../../plan/vm/return-to-spot.ts';
import { assessSize } from '../../plan/vm/size.ts';
import type { StepKind, Verdict } from '../../plan/vm/verdict.ts';
import type { Reservation } from './commitments.ts';

/** How long what was reserved, or is waited for, stands: by what is seen of the resource. */

/** Whether the store, or the list, shows by now what came of it, or nothing can come of it any more. */
export function isOver(kind: Reservation['kind'], observation: VmObservation): boolean {
  switch (kind) {
    case 'launch':
      // Whoever launches releases it.
      return false;
    case 'start':
      return liveVm(observation)?.state === 'running' || lateStartLook(observation) === undefined;
    case 'resize':
      return isResizeOver(observation);
    case 'return':
      return !isToKeepItsPlace(observation);
  }
}

function isResizeOver(observation: VmObservation): boolean {
  const { facts, account } = observation;
  const size = assessSize(observation).kind;
  if (size === 'resizable' || size === 'needsHosts') return false;
  const { lastCall } = facts;
  const listedAt = account.kind === 'ready' ? (account.snapshot?.requestedAt ?? 0) : 0;
  return lastCall?.call !== 'modify' || listedAt >= lastCall.endedAt;
}

/** An on-demand VM was released for a spot VM: the room is its own until that runs, or it does itself again. */
export function isToKeepItsPlace(observation: VmObservation): boolean {
  return !observation.meta.deleting && isReturningToSpot(observation);
}

/** On the way to a launch, which has been waited for: who is asked for something meanwhile does not lose their place. */
const preparing: ReadonlySet<StepKind> = new Set(['readInputs', 'writeSecret', 'askBid', 'noteMarket']);

export function keepsClaim({ meta }: VmObservation, { step, look }: Verdict): boolean {
  if (meta.deleting || meta.paused) return false;
  return preparing.has(step.kind) || look?.hosts === true || look?.instants === true || look?.bids !== undefined;
}
