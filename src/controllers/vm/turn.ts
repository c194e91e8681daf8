import { clockLook } from '../../plan/vm/clockwork.ts';
import type { VmObservation } from '../../plan/vm/observation.ts';
import { waiting, type Verdict } from '../../plan/vm/verdict.ts';
import type { Pass } from './pass.ts';

/** Of a turn that comes sooner nothing is said: in a crowd that would be one more write of the status for each VM. */
const patienceMs = 1_000;

/** What is said of a call that waits for its turn. The gate wakes it; what happens by the clock meanwhile does not wait for that. */
export function queued(observation: VmObservation, verdict: Verdict): Verdict {
  const { step } = verdict;
  // No call to the provider is waited for.
  if (step.kind === 'noteKept') return verdict;
  const look = clockLook(observation);
  // What is said of a VM that is to be replaced is still the news.
  if (verdict.ready === 'keep' || !isFirstLaunch(verdict)) return { ...verdict, look };
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

function isFirstLaunch({ step }: Verdict): boolean {
  return step.kind === 'launch' && step.plan.replaces === undefined;
}

/** Milliseconds for which nothing is said yet of the wait for a turn; 0: it is said. */
export function quietFor(
  { memory, stopping }: Pick<Pass, 'memory' | 'stopping'>,
  verdict: Verdict,
  now: number,
): number {
  // The next process has to prove that there is no VM, unless a status says that none was deployed.
  if (stopping.aborted) return 0;
  // What has become of a call is written down whatever comes next.
  if (!isFirstLaunch(verdict) || memory.unsaved !== undefined || memory.announcements.length > 0) return 0;
  // A clock that was set back must not keep it quiet for long.
  if (memory.inLineSince === undefined || memory.inLineSince > now) memory.inLineSince = now;
  return Math.max(0, memory.inLineSince + patienceMs - now);
}
