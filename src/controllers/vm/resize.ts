import { toPreciseTimestamp } from '../../lib/clock.ts';
import type { Journal, VmObservation } from '../../plan/vm/observation.ts';
import { isSameSize } from '../../plan/vm/size.ts';
import { statusOfVm } from '../../plan/vm/status.ts';
import type { Step, Verdict } from '../../plan/vm/verdict.ts';
import { isProviderError, type ProviderError } from '../../provider/error.ts';
import { carriedOn, type ActDeps, type Pass } from './pass.ts';
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

/** The VM is down while its size cannot be changed: after this many failures it is started again as it was. */
const mostModifyFailures = 5;

export function noteModifyFailure(
  pass: Pass,
  step: Extract<Step, { kind: 'modify' }>,
  { error, failures }: { error: ProviderError; failures: number },
): void {
  const isRefusal = isProviderError(error, 'invalid', 'refused', 'noCapacity', 'insufficientBalance');
  if (!isRefusal && failures < mostModifyFailures) return;
  noteResize(pass, { to: step.size, outcome: 'Refused', message: `The provider refused the size: ${error.message}` });
}

export function noteResize(pass: Pass, resize: NonNullable<VmObservation['journal']['resize']>): void {
  const { vm, launch } = pass.journal;
  if (vm === undefined) return;
  const applied = resize.outcome === 'Modified' ? { ...resize.to } : vm.applied;
  pass.memory.unsaved = carriedOn(pass.journal, { vm: { ...vm, applied }, launch, resize });
}
