import { conditionOf } from '../../api/conditions.ts';
import { gpuVmSpecSchema } from '../../api/gpu-vm.ts';
import { spotVmStatusSchema } from '../../api/spot-vm.ts';
import type { VmStatus } from '../../api/vm.ts';
import type { CustomObject } from '../../controllers/objects.ts';

/** One GpuVm or SpotVm as the demo shows it. Empty text: not known yet. */
export interface VmRow {
  readonly name: string;
  /** "True", "False" or "Unknown". */
  readonly ready: string;
  /** Reason of Ready. */
  readonly status: string;
  readonly gpu: string;
  readonly location: string;
  /** US dollars per hour in the state it is in now. */
  readonly price: string;
  /** What of that is a bid. */
  readonly bid: string;
  readonly address: string;
  /** Message of Ready. */
  readonly message: string;
  /** The operator has seen this very spec, and the VM is in the power state that it asks for. */
  readonly settled: boolean;
}

/** What `kubectl get` shows, and whether nothing is left to do. */
export function rowOf(object: CustomObject): VmRow {
  const status = spotVmStatusSchema.safeParse(object.status ?? {}).data ?? {};
  const ready = conditionOf(status.conditions, 'Ready') ?? unseen;
  return {
    name: object.metadata.name,
    ready: ready.status,
    status: ready.reason,
    message: ready.message,
    ...placeOf(status),
    settled: isCurrent(object, status) && (ready.status === 'True' || isOffAsAsked(object.spec, ready.reason)),
  };
}

const unseen = { status: 'Unknown', reason: 'Pending', message: 'The operator has not seen the resource yet.' };

function placeOf({ gpu, location, hourlyPrice, vm, address }: VmStatus): Omit<VmRow, 'name' | 'settled' | ReadyField> {
  const [price, bid] = [hourlyPrice?.billedNow, vm?.bid];
  return { gpu: gpu ?? '', location: location ?? '', price: price ?? '', bid: bid ?? '', address: address ?? '' };
}

type ReadyField = 'ready' | 'status' | 'message';

function isCurrent({ metadata }: CustomObject, { observedGeneration }: VmStatus): boolean {
  return observedGeneration === metadata.generation && metadata.deletionTimestamp === undefined;
}

/** A VM that is switched off by its spec, or by the schedule in it, is never Ready, and yet all is well with it. */
function isOffAsAsked(spec: unknown, reason: string): boolean {
  if (reason === 'OffHours') return true;
  const powerState = gpuVmSpecSchema.safeParse(spec).data?.powerState;
  return powerState !== undefined && powerState !== 'Running' && (reason === 'Stopped' || reason === 'Released');
}

/** "trainer: NoOffer (No host fits. …)". */
export function describeRow({ name, status, message }: VmRow): string {
  return `${name}: ${status} (${message})`;
}
