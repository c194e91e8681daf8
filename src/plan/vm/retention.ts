import type { VmObservation } from './observation.ts';
import { recordsOf } from './ownership.ts';
import { isInDoubt } from './proof.ts';
import { waiting, type Verdict } from './verdict.ts';

/**
 * A VM that is left behind goes on costing money, and counts no more: under a GpuBudget that does not allow it the deletion
 * waits. Nothing is lost by that, and the VM goes on counting.
 */
export function retainHold({ spend, journal, marked }: VmObservation): Omit<Verdict, 'rule'> | undefined {
  const mayLeave = recordsOf(journal).length > 0 || marked.length > 0 || isInDoubt(journal);
  if (!mayLeave || spend.mayRetain) return undefined;
  return {
    step: { kind: 'wait' },
    phase: 'Deleting',
    ready: waiting(
      'RetainNotAllowed',
      'spec.deletionPolicy is Retain, but a GpuBudget of the namespace does not allow that VMs are left behind. Set spec.deletionPolicy to Delete, or ask the platform team for allowRetain: until then the VM stays, and counts.',
    ),
    stalled: true,
  };
}
