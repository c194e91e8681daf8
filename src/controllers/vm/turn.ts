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
