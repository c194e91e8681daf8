import { z } from 'zod';

import { ageColumn } from './columns.ts';
import { cel } from './fields.ts';
import { gpuVmType } from './group.ts';
import type { KindDefinition } from './kind.ts';
import { vmColumns, vmRootRules, vmWideColumns } from './vm-columns.ts';
import { vmSpecFields, vmSpecRules } from './vm-spec.ts';
import { vmStatusFields } from './vm-status.ts';

export const gpuVmSpecSchema = z
  .object(vmSpecFields)
  .meta(cel(...vmSpecRules))
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
