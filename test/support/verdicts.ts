import { decideVm } from '../../src/plan/vm/decide.ts';
import type { VmObservation } from '../../src/plan/vm/observation.ts';
import { statusOfVm } from '../../src/plan/vm/status.ts';
import type { Verdict } from '../../src/plan/vm/verdict.ts';
import { lacksSynced, problemsOfVmStatus } from './status-check.ts';

/** What tables compare: a verdict in a few words. */
export interface Brief {
  readonly rule: string;
  readonly step: string;
  readonly phase: string;
  /** "False NoOffer", or "keep". */
  readonly ready: string;
}

/** Decides, and holds the status that follows to the conventions: no test makes a status that is not checked. */
export function decided(observation: VmObservation): Verdict {
  const verdict = decideVm(observation);
  const status = statusOfVm(observation, verdict);
  const problems = problemsOfVmStatus(status, {
    before: observation.status,
    generation: observation.meta.generation,
    now: observation.now,
  });
  if (lacksSynced(status)) problems.push('Synced is missing');
  if (problems.length > 0) throw new Error(`${verdict.rule}: ${problems.join('; ')}`);
  return verdict;
}

export function briefOf(observation: VmObservation): Brief {
  const { rule, step, phase, ready } = decided(observation);
  return { rule, step: step.kind, phase, ready: ready === 'keep' ? 'keep' : `${ready.status} ${ready.reason}` };
}
