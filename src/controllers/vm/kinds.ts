import type { z } from 'zod';

import { gpuVmSpecSchema } from '../../api/gpu-vm.ts';
import { gpuVmType, spotVmType } from '../../api/group.ts';
import { spotVmSpecSchema } from '../../api/spot-vm.ts';
import type { VmSpec } from '../../api/vm.ts';
import type { ResourceType } from '../../kube/contract.ts';
import { spotTermsOf, type SpotTerms } from '../../plan/vm/spot-terms.ts';
import type { CustomObject } from '../objects.ts';

/** A kind that stands for one VM: one life cycle for all of them, and here is all in which they differ. */
export interface VmKind {
  readonly type: ResourceType;
  /** Of its controller and queue, in logs and metrics. */
  readonly name: string;
  readonly specSchema: z.ZodType<VmSpec>;
  /** What may be bid, or why that cannot be understood; undefined for a kind that does not bid. */
  termsOf(spec: VmSpec): SpotTerms | string | undefined;
}

const gpuVm: VmKind = {
  type: gpuVmType,
  name: 'gpuvm',
  specSchema: gpuVmSpecSchema,
  termsOf: () => undefined,
};

const spotVm: VmKind = {
  type: spotVmType,
  name: 'spotvm',
  specSchema: spotVmSpecSchema,
  termsOf: (spec) => spotTermsOf(spotVmSpecSchema.parse(spec)),
};

export const vmKinds: readonly VmKind[] = [gpuVm, spotVm];

/** Every object in a store says what kind it is of. */
export function vmKindOf({ kind }: CustomObject): VmKind {
  return kind === spotVm.type.kind ? spotVm : gpuVm;
}

/** "GpuVm research/trainer" */
export function resourceName(object: CustomObject): string {
  return `${vmKindOf(object).type.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}
