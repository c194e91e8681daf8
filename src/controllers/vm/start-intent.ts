import type { VmStatus } from '../../api/vm.ts';
import type { VmObservation } from '../../plan/vm/observation.ts';
import { statusOfVm } from '../../plan/vm/status.ts';
import type { Step, Verdict } from '../../plan/vm/verdict.ts';
import type { ProviderError } from '../../provider/error.ts';
import type { ActDeps, Pass } from './pass.ts';
import { writeVmStatus } from './status-write.ts';

/**
 * Calls that make a VM dearer: a start, a change of its size. Under a limit their room is reserved in the moment of the
 * decision; and of a start the status says `Starting` before the call leaves, so that a process that comes after this one
 * counts the VM in full.
 */
export async function beforeSpending(
  deps: ActDeps,
  pass: Pass,
  decided: { readonly observation: VmObservation; readonly verdict: Verdict; readonly step: Step },
): Promise<'goOn' | 'looked' | 'conflict'> {
  const { verdict, step, observation } = decided;
  // A VM that was replaced is deleted also beside a launch that waits for room, whose need the verdict has then.
  if (!isSpending(step) || verdict.need === undefined || observation.spend.limits.length === 0) return 'goOn';
  deps.ledger.reserve(pass.object, step.kind === 'start' ? 'start' : 'resize', verdict.need.after);
  const { phase } = (pass.object.status ?? {}) as VmStatus;
  if (step.kind !== 'start' || phase === 'Starting') return 'goOn';
  const desired = statusOfVm(observation, { ...verdict, phase: 'Starting' });
  let isReserved = false;
  try {
    const written = await writeVmStatus(deps, pass, desired);
    isReserved = written !== 'conflict';
    return isReserved ? 'looked' : 'conflict';
  } finally {
    if (!isReserved) deps.ledger.release(pass.object.metadata.uid);
  }
}

/** What was certainly not done is not paid for. */
export function noteUnspent({ ledger }: ActDeps, { object }: Pass, step: Step, { outcome }: ProviderError): void {
  if (isSpending(step) && outcome === 'notDone') ledger.release(object.metadata.uid);
}

function isSpending({ kind }: Step): boolean {
  return kind === 'start' || kind === 'modify';
}
