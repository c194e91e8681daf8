import { ageColumn, conditionColumn } from './columns.ts';
import * as z from 'zod';

import { conditionsField } from './conditions.ts';
import { cel, moneyField, timeField } from './fields.ts';
import { gpuBudgetType } from './group.ts';
import type { KindDefinition } from './kind.ts';

const hardFields = {
  vms: z.int().min(0).optional().describe('Most VMs at a time, whether they run or not.'),
  gpus: z.int().min(0).optional().describe('Most GPUs at a time, of VMs that have not given them back.'),
  hourlyCost: moneyField.optional().describe('Most that all VMs together may cost per hour, in US dollars.'),
  dailyCost: moneyField.optional().describe('Most that may be spent per day (UTC), in US dollars.'),
  monthlyCost: moneyField.optional().describe('Most that may be spent per calendar month (UTC), in US dollars.'),
};

export const gpuBudgetSpecSchema = z
  .object({
    hard: z
      .object(hardFields)
      .meta(
        cel({
          rule: 'has(self.vms) || has(self.gpus) || has(self.hourlyCost) || has(self.dailyCost) || has(self.monthlyCost)',
          message: 'hard needs at least one limit: vms, gpus, hourlyCost, dailyCost or monthlyCost',
          reason: 'FieldValueRequired',
        }),
      )
      .describe('What may not be exceeded. Absent fields are not limited.'),
    warnAtPercent: z
      .int()
      .min(1)
      .max(100)
      .default(80)
      .describe('From this share of any limit on there is an Event, a condition and a metric.'),
    onExceeded: z
      .enum(['BlockCreate', 'StopByPriority'])
      .default('BlockCreate')
      .describe(
        'BlockCreate: no further VM is deployed or started. StopByPriority: VMs are released as well, those with the lowest spec.priority first, and started again when there is room.',
      ),
    allowRetain: z
      .boolean()
      .default(false)
      .describe(
        'Whether resources may leave their VM behind when they are deleted (deletionPolicy Retain): it goes on billing, and counts no more.',
      ),
  })
  .describe('What may be spent in the namespace.');
export type GpuBudgetSpec = z.infer<typeof gpuBudgetSpecSchema>;

const amount = z.string().max(40);

const usedField = z
  .object({
    vms: z.int().describe('VMs, with those being deployed.'),
    gpus: z.int().describe('Their GPUs, but for those that were given back.'),
    hourlyCost: amount.describe('What they cost per hour, in US dollars.'),
    dailyCost: amount.describe('What was spent today (UTC), in US dollars, up to "at".'),
    monthlyCost: amount.describe('What was spent this month (UTC), in US dollars, up to "at".'),
    at: timeField.describe('When this was reckoned.'),
  })
  .describe('What is used of it.');

export const gpuBudgetStatusSchema = z
  .object({
    observedGeneration: z.int().optional().describe('The metadata.generation that this status was made from.'),
    conditions: conditionsField.optional(),
    hard: z.object(hardFields).optional().describe('The limits that "used" was last compared with.'),
    used: usedField.optional(),
    waiting: z.int().optional().describe('Resources that wait for room.'),
    stopped: z
      .array(
        z.object({
          kind: z.string().max(63).describe('GpuVm or SpotVm.'),
          name: z.string().max(253).describe('Name of the resource.'),
          uid: z.string().max(100).describe('UID of the resource.'),
        }),
      )
      .max(1000)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .optional()
      .describe(
        'Resources whose VMs are kept released by this budget (onExceeded StopByPriority), in the order of release: the lowest spec.priority first, then the youngest. They are started in the opposite order.',
      ),
  })
  .describe('What the operator has seen. Not to be edited.');
export type GpuBudgetStatus = z.infer<typeof gpuBudgetStatusSchema>;

export const gpuBudgetKind: KindDefinition = {
  type: gpuBudgetType,
  singular: 'gpubudget',
  shortNames: ['gbud'],
  description: 'What one team may spend: a limit of the GPU VMs of a namespace.',
  spec: gpuBudgetSpecSchema,
  status: gpuBudgetStatusSchema,
  rootRules: [],
  columns: [
    conditionColumn('Ready', 'status', { name: 'Ready', description: 'Whether there is room.' }),
    conditionColumn('Ready', 'reason', { name: 'Status', description: 'What is going on, in one word.' }),
    { name: 'VMs', type: 'integer', jsonPath: '.status.used.vms', description: 'VMs now.' },
    { name: 'Max', type: 'integer', jsonPath: '.spec.hard.vms', description: 'VMs at most.' },
    { name: '$/h', type: 'string', jsonPath: '.status.used.hourlyCost', description: 'Cost per hour now.' },
    { name: 'Today', type: 'string', jsonPath: '.status.used.dailyCost', description: 'Spent today.' },
    { name: 'Month', type: 'string', jsonPath: '.status.used.monthlyCost', description: 'Spent this month.' },
    { name: 'Waiting', type: 'integer', jsonPath: '.status.waiting', description: 'Resources that wait for room.' },
    conditionColumn('Ready', 'message', { name: 'Message', description: 'The same in a sentence.', priority: 1 }),
    ageColumn,
  ],
};
