import type { Resize } from '../../api/vm-status.ts';
import { isKubeError } from '../../kube/contract.ts';
import { toPreciseTimestamp } from '../../lib/clock.ts';
import type { Journal, VmObservation } from '../../plan/vm/observation.ts';
import { millis } from '../../plan/vm/rule.ts';
import { isSameSize } from '../../plan/vm/size.ts';
import { statusOfVm } from '../../plan/vm/status.ts';
import type { Step, Verdict } from '../../plan/vm/verdict.ts';
import { isProviderError, type ProviderError } from '../../provider/error.ts';
import type { VmMemory } from './memory.ts';
import { carriedOn, type ActDeps, type Pass } from './pass.ts';
import { writeVmStatus } from './status-write.ts';

/**
 * A change of size is in the status before its call leaves. A process that comes after this one could not tell it from what a
 * person does at the provider: that is left as it is, whatever it costs. It is written anew for a call that is made again later,
 * so that it says since when there may be an effect.
 *
 * @returns what has yet to be written; undefined: go on. Nothing is awaited for that: what is decided has to be reserved at once.
 */
export function unwrittenResize(
  { journal: { resize }, timings }: VmObservation,
  step: Step,
  { memory, now }: { readonly memory: VmMemory; readonly now: number },
): Resize | undefined {
  if (step.kind !== 'modify') return undefined;
  const isWritten = resize?.outcome === 'Pending' && isSameSize(resize.to, step.size);
  const writtenAt = Math.max(isWritten ? millis(resize.askedAt) : 0, memory.resizeIntentRefusedAt);
  if (now - writtenAt < timings.callTimeoutMs) return undefined;
  return { to: step.size, outcome: 'Pending', askedAt: toPreciseTimestamp(now) };
}

export async function writeResizeIntent(
  deps: ActDeps,
  pass: Pass,
  { observation, verdict }: { readonly observation: VmObservation; readonly verdict: Verdict },
  resize: Resize,
): Promise<'looked' | 'conflict'> {
  const journal: Journal = { ...observation.journal, resize };
  try {
    const written = await writeVmStatus(deps, pass, statusOfVm({ ...observation, journal }, verdict));
    if (written === 'conflict') return 'conflict';
    // What it was is in the status now, too, and must not take the place of the intent.
    pass.memory.unsaved = undefined;
  } catch (error) {
    if (!isKubeError(error, 'invalid')) throw error;
    // The CRD is that of an older release. The VM is stopped for the change: without an intent it is changed as that release did.
    deps.log.warn(
      { key: pass.key },
      'the API server refuses to keep what size was asked for: apply the CRDs of this release',
    );
    pass.memory.resizeIntentRefusedAt = deps.clock.now();
  }
  return 'looked';
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
