import { clockLook } from '../../plan/vm/clockwork.ts';
import type { VmObservation } from '../../plan/vm/observation.ts';
import { waiting, type Verdict } from '../../plan/vm/verdict.ts';

/** What is said while a call waits for its turn. The gate wakes it; what happens by the clock meanwhile does not wait for that. */
export function queued(observation: VmObservation, verdict: Verdict): Verdict {
  const { step } = verdict;
  // No call to the provider is waited for.
  if (step.kind === 'noteKept') return verdict;
  const look = clockLook(observation);
  // What is said of a VM that is to be replaced is still the news.
  const isFirst = step.kind === 'launch' && step.plan.replaces === undefined;
  if (verdict.ready === 'keep' || !isFirst) return { ...verdict, look };
  return {
    ...verdict,
    phase: 'Pending',
    ready: waiting(
      'WaitingForTurn',
      'Waiting for its turn to call the provider, which is asked only as often as the account allows.',
    ),
    look,
  };
}

/** A turn that comes sooner is not waited for aloud. */
const quietMs = 1_000;

/**
 * For how long nothing is said yet of a wait for a turn. Of a new resource that has no finalizer: whoever finds it so knows all there is
 * to know, and with its turn the intent says more. Of any other one it is said at once.
 *
 * @param since when it was first seen to wait
 */
export function quietAboutTurn({ meta, status, now }: VmObservation, since: number): number {
  const isUnknown = !meta.hasFinalizer && !meta.deleting && status.conditions === undefined;
  return isUnknown ? since + quietMs - now : 0;
}
