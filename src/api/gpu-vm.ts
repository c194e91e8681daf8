import { z } from 'zod';

import { cel } from './fields.ts';
import { gpuVmType } from './group.ts';
import type { KindDefinition } from './kind.ts';
import { vmSpecFields, vmSpecRules } from './vm-spec.ts';
import { vmStatusFields } from './vm-status.ts';

export const gpuVmSpecSchema = z.object(vmSpecFields).meta(vmSpecRules).describe('The VM that is wanted.');
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
  rootRules: cel({
    rule: 'self.metadata.name.size() <= 200',
    message: 'metadata.name may have at most 200 characters: the connection Secret adds a suffix',
  })['x-kubernetes-validations'],
  columns: [
    {
      name: 'Ready',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].status',
      description: 'Whether the VM works.',
    },
    {
      name: 'Status',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
      description: 'What is going on, in one word.',
    },
    { name: 'GPU', type: 'string', jsonPath: '.status.gpu', description: 'Number and model.' },
    { name: 'Location', type: 'string', jsonPath: '.status.location', description: 'Where it is.' },
    {
      name: '$/h',
      type: 'string',
      jsonPath: '.status.hourlyPrice.billedNow',
      description: 'What is billed now per hour.',
    },
    { name: 'Address', type: 'string', jsonPath: '.status.address', description: 'How to reach it.' },
    { name: 'SSH', type: 'string', jsonPath: '.status.ssh', description: 'Command that logs in.', priority: 1 },
    { name: 'VM', type: 'string', jsonPath: '.status.vm.id', description: "The provider's id.", priority: 1 },
    { name: 'Host', type: 'string', jsonPath: '.status.vm.hostnode', description: 'The host it is on.', priority: 1 },
    {
      name: 'Synced',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Synced")].status',
      description: 'Whether the last reconcile went through.',
      priority: 1,
    },
    {
      name: 'Message',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].message',
      description: 'The same in a sentence.',
      priority: 1,
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Age of the resource.' },
  ],
};
