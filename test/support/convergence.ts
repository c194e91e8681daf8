import type { GpuVmSpec, GpuVmStatus } from '../../src/api/gpu-vm.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';

/** Whether the status says of the latest spec that the VM is as it is wanted. A resource that is to go never is. */
export function isConverged(object: CustomObject): boolean {
  const spec = object.spec as GpuVmSpec;
  const status = object.status as GpuVmStatus | undefined;
  if (object.metadata.deletionTimestamp !== undefined) return false;
  if (status?.observedGeneration !== object.metadata.generation) return false;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  // Made bigger while the market moved, and now dearer than allowed: a person has to decide.
  if (status?.resize?.outcome === 'Overpriced' && ready?.reason === 'PriceViolation') return true;
  const wanted = spec.powerState as GpuVmSpec['powerState'] | undefined;
  if (wanted === undefined || wanted === 'Running') return ready?.status === 'True';
  // A released VM satisfies Stopped: nothing is gained by getting its GPU back to keep it idle.
  return ready?.reason === wanted || (wanted === 'Stopped' && ready?.reason === 'Released');
}
