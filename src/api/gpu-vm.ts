import * as z from 'zod';

import { ageColumn } from './columns.ts';
import { cel, type CelRule } from './fields.ts';
import { gpuVmType } from './group.ts';
import type { KindDefinition } from './kind.ts';
import { vmColumns, vmRootRules, vmWideColumns } from './vm-columns.ts';
import { vmSpecFields, vmSpecRules } from './vm-spec.ts';
import { vmStatusFields } from './vm-status.ts';

const instantField = z
  .enum(['Never', 'Prefer'])
  .describe(
    'Prefer: takes one of the VMs that the provider keeps ready, where one is there that fits, and deploys one otherwise. A ready-made VM has the GPUs and the operating system that are asked for, and may be larger in everything else; it is not made smaller. Used when a VM is made, not afterwards. Never, or absent: a VM is always deployed.',
  );

const instantRules: readonly CelRule[] = [
  {
    rule: "!has(self.instant) || self.instant != 'Prefer' || has(self.maxHourlyPrice)",
    message:
      'instant Prefer needs maxHourlyPrice: a ready-made VM may be larger than what is asked for, so say what it may cost',
    reason: 'FieldValueRequired',
  },
  {
    rule: "!has(self.instant) || self.instant != 'Prefer' || self.ports.all(p, p.internal == 22)",
    message:
      'instant Prefer goes with port 22 alone: which other ports of a ready-made VM can be reached nobody chooses',
  },
];

export const gpuVmSpecSchema = z
  .object({ ...vmSpecFields, instant: instantField.optional() })
  .meta(cel(...vmSpecRules, ...instantRules))
  .describe('The VM that is wanted.');
export type GpuVmSpec = z.infer<typeof gpuVmSpecSchema>;

export const gpuVmStatusSchema = z.object(vmStatusFields).describe('What the operator has seen. Not to be edited.');
export type GpuVmStatus = z.infer<typeof gpuVmStatusSchema>;

export const gpuVmKind: KindDefinition = {
  type: gpuVmType,
  singular: 'gpuvm',
  shortNames: ['gvm'],
  description: 'One on-demand GPU VM at the provider.',
  spec: gpuVmSpecSchema,
  status: gpuVmStatusSchema,
  rootRules: vmRootRules,
  columns: [...vmColumns, ...vmWideColumns, ageColumn],
};
