import { conditionOf, type Condition, type ConditionType } from '../../api/conditions.ts';
import { gpuVmSpecSchema, type GpuVmSpec } from '../../api/gpu-vm.ts';
import { spotVmKind, spotVmSpecSchema, spotVmStatusSchema, type SpotVmSpec } from '../../api/spot-vm.ts';
import type { VmStatus } from '../../api/vm.ts';
import type { CustomObject } from '../../controllers/objects.ts';
import type { ObjectMeta } from '../../kube/contract.ts';

/** A resource that stands for one VM, as far as this release can read it. */
export interface VmView {
  /** "GpuVm" or "SpotVm". */
  readonly kind: string;
  readonly meta: ObjectMeta;
  /** Undefined: it is of another release, and cannot be understood. */
  readonly spec: GpuVmSpec | undefined;
  /** Only of a SpotVm. */
  readonly bid: SpotVmSpec['bid'] | undefined;
  readonly status: VmStatus;
  /** There is a status, and this release does not understand it. */
  readonly isUnreadable: boolean;
}

export function vmViewOf(kind: string, object: CustomObject): VmView {
  const isSpot = kind === spotVmKind.type.kind;
  const spot = isSpot ? spotVmSpecSchema.safeParse(object.spec).data : undefined;
  const status = spotVmStatusSchema.safeParse(object.status ?? {});
  return {
    kind,
    meta: object.metadata,
    spec: isSpot ? spot : gpuVmSpecSchema.safeParse(object.spec).data,
    bid: spot?.bid,
    status: status.data ?? {},
    isUnreadable: !status.success,
  };
}

/** "gpuvm/trainer": as the command line takes it back. */
export function shortNameOf({ kind, meta }: Pick<VmView, 'kind' | 'meta'>): string {
  return `${kind.toLowerCase()}/${meta.name}`;
}

export function conditionIn({ status }: Pick<VmView, 'status'>, type: ConditionType): Condition | undefined {
  return conditionOf(status.conditions, type);
}

/** The status tells of the spec as it is now. */
export function isCurrent({ meta, status }: Pick<VmView, 'meta' | 'status'>): boolean {
  return status.observedGeneration === meta.generation;
}

/** A VM that is switched off by its spec is never Ready, and yet all is well with it. */
export function isOffAsAsked(view: VmView): boolean {
  const reason = conditionIn(view, 'Ready')?.reason;
  const isOff = view.spec !== undefined && view.spec.powerState !== 'Running';
  return (isOff && reason === view.spec.powerState) || reason === 'OffHours';
}

export function isReady(view: VmView): boolean {
  return conditionIn(view, 'Ready')?.status === 'True';
}

/** The pool that makes and deletes this VM, if one does. */
export function poolOf({ meta }: Pick<VmView, 'meta'>): string | undefined {
  return meta.ownerReferences?.find(({ kind, controller }) => kind === 'GpuPool' && controller === true)?.name;
}
