import { toPreciseTimestamp } from '../../lib/clock.ts';
import type { Journal, VmObservation } from '../../plan/vm/observation.ts';
import { isSameSize } from '../../plan/vm/size.ts';
import { statusOfVm } from '../../plan/vm/status.ts';
import type { Step, Verdict } from '../../plan/vm/verdict.ts';
import type { ActDeps, Pass } from './pass.ts';
import { writeVmStatus } from './status-write.ts';

/**
 * A change of size is in the status before its call leaves. A process that comes after this one could not tell it from what a
 * person does at the provider: that is left as it is, whatever it costs.
 */
export async function beforeResizing(
  deps: ActDeps,
  pass: Pass,
  decided: { readonly observation: VmObservation; readonly verdict: Verdict; readonly step: Step },
): Promise<'goOn' | 'looked' | 'conflict'> {
  const { observation, verdict, step } = decided;
  if (step.kind !== 'modify' || isIntended(observation.journal, step.size)) return 'goOn';
  const resize = { to: step.size, outcome: 'Pending', askedAt: toPreciseTimestamp(deps.clock.now()) } as const;
  const journal: Journal = { ...observation.journal, resize };
  const written = await writeVmStatus(deps, pass, statusOfVm({ ...observation, journal }, verdict));
  if (written === 'conflict') return 'conflict';
  // What it was is in the status now, too, and must not take the place of the intent.
  pass.memory.unsaved = undefined;
  return 'looked';
}

function isIntended({ resize }: Journal, size: Extract<Step, { kind: 'modify' }>['size']): boolean {
  return resize?.outcome === 'Pending' && isSameSize(resize.to, size);
}
