import { gpuPoolSpecSchema, type GpuPoolStatus } from '../../src/api/gpu-pool.ts';
import type { GpuVmSpec, GpuVmStatus } from '../../src/api/gpu-vm.ts';
import type { SpotVmSpec } from '../../src/api/spot-vm.ts';
import type { VmStatus } from '../../src/api/vm.ts';
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

/** As it is wanted, and nothing of it is on its way out any more. */
export function isAtRest(object: CustomObject): boolean {
  // What it has replaced is kept until its VM runs, which only its owner can bring about.
  return isAboveLimit(object) || (isConverged(object) && !keepsReplaced(object) && !isToReturn(object));
}

/** A disk is kept until the replacement has run, however long that is not asked for. */
function keepsReplaced({ spec, status }: CustomObject): boolean {
  const { powerState = 'Running' } = spec as Partial<SpotVmSpec>;
  const { retiring = [] } = (status ?? {}) as VmStatus;
  return retiring.some(({ replacedAt }) => powerState === 'Running' || replacedAt !== undefined);
}

/** A bid wins, so that it goes back to a spot VM; but for one that is held back by its price, which waits for its owner. */
function isToReturn({ spec, status }: CustomObject): boolean {
  const { returnToSpot, powerState = 'Running' } = spec as Partial<SpotVmSpec>;
  const { vm, resize } = (status ?? {}) as VmStatus;
  if (returnToSpot === undefined || powerState !== 'Running' || resize?.outcome === 'Overpriced') return false;
  return vm?.capacity === 'OnDemand' && vm.adopted !== true;
}

/** Its limit was lowered below the bid of its VM, which nobody can change: it waits for its owner. */
function isAboveLimit({ metadata, spec, status }: CustomObject): boolean {
  const { vm, conditions } = (status ?? {}) as VmStatus;
  const { bid, onOutbid, powerState } = spec as Partial<SpotVmSpec>;
  const isHeld = onOutbid === 'Wait' || onOutbid === undefined || vm?.adopted === true;
  const isAbove = bid !== undefined && Number(vm?.bid ?? 0) > Number(bid.maxPrice ?? bid.price);
  const isSaid = conditions?.some(({ type, reason }) => type === 'Ready' && reason === 'Outbid') === true;
  return metadata.deletionTimestamp === undefined && powerState !== 'Stopped' && isHeld && isAbove && isSaid;
}

/** It has the members that it is to have, and nothing is under way. Some, which wait for a person, may be less than available. */
export function isPoolConverged({ metadata, spec, status }: CustomObject, waiting = 0): boolean {
  const { replicas, updateStrategy } = gpuPoolSpecSchema.parse(spec);
  const said = (status ?? {}) as GpuPoolStatus;
  if (metadata.deletionTimestamp !== undefined || said.observedGeneration !== metadata.generation) return false;
  if ((said.deletingReplicas ?? 0) > 0 || said.replicas !== replicas) return false;
  if ((said.availableReplicas ?? 0) + waiting !== replicas) return false;
  return updateStrategy.type === 'OnDelete' || said.updatedReplicas === replicas;
}
