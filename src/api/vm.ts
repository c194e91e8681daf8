import type { GpuVmSpec } from './gpu-vm.ts';
import type { SpotVmStatus } from './spot-vm.ts';

/** What the kinds that stand for one VM have in common: one life cycle reads and writes them all. */

export type VmSpec = GpuVmSpec;

/** The status of any of them; what only a spot VM has is absent from the others. */
export type VmStatus = SpotVmStatus;
