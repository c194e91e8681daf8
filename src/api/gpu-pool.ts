import { ageColumn } from './columns.ts';
import * as z from 'zod';

import { expireAfterField, scheduleField } from './clock-fields.ts';
import { conditionsField } from './conditions.ts';
import { containerField } from './container.ts';
import { cel, durationField, positiveMoneyField, timeField } from './fields.ts';
import { gpuPoolType } from './group.ts';
import type { KindDefinition } from './kind.ts';
import { bidField } from './spot-vm.ts';
import { serviceField } from './vm-spec.ts';
import { nextEventField } from './vm-status.ts';
import { vmTemplateField } from './vm-template.ts';

/** Most members of a pool. */
export const mostReplicas = 1000;

const count = z.int().min(0).max(mostReplicas);

const capacityField = z
  .object({
    type: z.enum(['OnDemand', 'Spot']).default('OnDemand').describe('What the members are, but for onDemandBase.'),
    bid: bidField.optional(),
    onDemandBase: count.default(0).describe('With type Spot: so many members are on demand, whatever the market does.'),
    fallbackToOnDemandAfter: durationField
      .optional()
      .describe(
        'With type Spot: a member that found no spot VM for so long takes one on demand, within template.spec.maxHourlyPrice. Absent: it waits.',
      ),
    returnToSpotAfter: durationField
      .default('15m')
      .describe('How long a bid has to have been winnable before such a member goes back to a spot VM.'),
  })
  .meta(
    cel(
      {
        rule: "self.type != 'Spot' || has(self.bid)",
        message: 'capacity.type Spot needs capacity.bid: say what may be bid',
        reason: 'FieldValueRequired',
      },
      {
        rule: "self.type == 'Spot' || (!has(self.bid) && self.onDemandBase == 0 && !has(self.fallbackToOnDemandAfter))",
        message: 'bid, onDemandBase and fallbackToOnDemandAfter are for capacity.type Spot: remove them, or set it',
      },
    ),
  )
  .describe('Whether the members are on demand, or spot VMs.');

const spreadField = z
  .object({
    by: z
      .enum(['Hostnode', 'Location'])
      .describe('What members are spread over: hosts, or locations (city and country).'),
    maxPerDomain: z.int().min(1).max(mostReplicas).describe('Most members on one of them.'),
  })
  .describe('How far apart members have to be. Used when a VM is deployed, not afterwards.');

const updateStrategyField = z
  .object({
    type: z
      .enum(['RollingUpdate', 'OnDelete'])
      .default('RollingUpdate')
      .describe('How members of an older template are replaced: by themselves, or only when somebody deletes them.'),
    maxSurge: count.default(1).describe('How many more than "replicas" there may be meanwhile.'),
    maxUnavailable: count.default(0).describe('How many fewer than "replicas" may be available meanwhile.'),
  })
  .meta(
    cel({
      rule: 'self.maxSurge > 0 || self.maxUnavailable > 0',
      message: 'maxSurge and maxUnavailable cannot both be 0: nothing could ever be replaced',
    }),
  )
  .describe('How members are replaced after the template has changed.');

const repairField = z
  .object({
    readyDeadline: durationField
      .default('20m')
      .describe('A member whose VM was not Ready for so long is replaced. 0s: never.'),
    maxUnhealthyPercent: z
      .int()
      .min(1)
      .max(100)
      .default(40)
      .describe(
        'While more than this share of the members is unhealthy nothing is repaired, but for a single one that is tried now and then: that is no matter of single VMs. One that is the only unhealthy one is repaired in any case.',
      ),
    maxFailures: z
      .int()
      .min(1)
      .max(20)
      .default(3)
      .describe(
        'After so many replacements in a row that did not become Ready, no further ones are made but for rare probes.',
      ),
  })
  .describe('How members that do not become Ready are replaced, and when that stops.');

export const gpuPoolSpecSchema = z
  .object({
    replicas: count.default(1).describe('How many members there are to be. kubectl scale and autoscalers set it.'),
    capacity: capacityField.default({ type: 'OnDemand', onDemandBase: 0, returnToSpotAfter: '15m' }),
    maxHourlyCost: positiveMoneyField
      .optional()
      .describe('Most that all members together may cost per hour, in US dollars. Further ones wait. Absent: no cap.'),
    spread: spreadField.optional(),
    template: vmTemplateField,
    container: containerField.optional(),
    service: serviceField.optional(),
    updateStrategy: updateStrategyField.default({ type: 'RollingUpdate', maxSurge: 1, maxUnavailable: 0 }),
    scaleIn: z
      .object({
        policy: z
          .enum(['MostExpensive', 'Newest', 'Oldest'])
          .default('MostExpensive')
          .describe('Which member goes first, after those that are unhealthy or annotated gpuvm.dev/delete-first.'),
      })
      .default({ policy: 'MostExpensive' })
      .describe('Which members go when the pool is made smaller.'),
    minReadySeconds: z
      .int()
      .min(0)
      .max(86_400)
      .default(0)
      .describe('How long a member has to be Ready before it counts as available.'),
    repair: repairField.default({ readyDeadline: '20m', maxUnhealthyPercent: 40, maxFailures: 3 }),
    schedule: scheduleField.optional(),
    expireAfter: expireAfterField.optional(),
  })
  .meta(
    cel(
      {
        rule: '!has(self.container) || !has(self.template.spec.cloudInit)',
        message:
          'container and template.spec.cloudInit exclude each other: start the container in the cloud-config yourself, or leave it to the pool',
      },
      {
        rule: '!has(self.container) || self.container.ports.all(c, self.template.spec.ports.exists(p, p.name == c.port))',
        message: 'each of container.ports must name one of template.spec.ports',
      },
      {
        rule: '!has(self.service) || !has(self.service.ports) || self.service.ports.all(s, self.template.spec.ports.exists(p, p.name == s.name))',
        message: 'each of service.ports must be the name of one of template.spec.ports',
      },
      {
        rule: '!has(self.capacity.fallbackToOnDemandAfter) || has(self.template.spec.maxHourlyPrice)',
        message: 'fallbackToOnDemandAfter needs template.spec.maxHourlyPrice: say what an on-demand VM may cost',
        reason: 'FieldValueRequired',
      },
    ),
  )
  .describe('The VMs that are wanted.');
export type GpuPoolSpec = z.infer<typeof gpuPoolSpecSchema>;

const shortText = z.string().max(100);

const breakerField = z
  .object({
    since: z
      .string()
      .max(64)
      .describe(
        'When the first of these repairs was made. Members made since then, by which it is known whether repairs help, carry it.',
      ),
    failures: z.int().describe('Replacements in a row that did not become Ready.'),
    openedAt: timeField.optional().describe('When so many had failed that repairs stopped.'),
    probes: z.int().optional().describe('Single replacements that were tried since repairs stopped.'),
    nextProbeAt: timeField.optional().describe('When the next one is tried.'),
    templateHash: shortText.optional().describe('Of the template that failed: another one begins anew.'),
  })
  .describe(
    'How repairs have fared. They stop after spec.repair.maxFailures failures in a row, and while too many members are unhealthy.',
  );
export type PoolBreaker = z.infer<typeof breakerField>;

export const gpuPoolStatusSchema = z
  .object({
    observedGeneration: z.int().optional().describe('The metadata.generation that this status was made from.'),
    lastHandledReconcileAt: z
      .string()
      .max(253)
      .optional()
      .describe('Value of the gpuvm.dev/reconcile-requested-at annotation that was handled last.'),
    conditions: conditionsField.optional(),
    replicas: z.int().optional().describe('Members that there are, but for those being deleted.'),
    readyReplicas: z.int().optional().describe('Members that are Ready.'),
    availableReplicas: z.int().optional().describe('Members that have been Ready for minReadySeconds.'),
    updatedReplicas: z.int().optional().describe('Members that are made from the template as it is.'),
    spotReplicas: z.int().optional().describe('Members that hold a spot VM.'),
    onDemandReplicas: z.int().optional().describe('Members that hold a VM on demand.'),
    deletingReplicas: z.int().optional().describe('Members that are being deleted; their VMs may still be billed.'),
    hourlyCost: shortText.optional().describe('What all members cost per hour now, in US dollars.'),
    selector: z.string().max(500).optional().describe('Label selector of the members, for autoscalers.'),
    templateHash: shortText.optional().describe('Hash of what cannot be changed of a VM that exists.'),
    message: z.string().max(1024).optional().describe('What the pool waits for, in a sentence.'),
    breaker: breakerField.optional(),
    nextEvent: nextEventField.optional(),
    serviceName: z
      .string()
      .max(253)
      .optional()
      .describe('Service in the same namespace that leads to the Ready members.'),
  })
  .describe('What the operator has seen. Not to be edited.');
export type GpuPoolStatus = z.infer<typeof gpuPoolStatusSchema>;

export const gpuPoolKind: KindDefinition = {
  type: gpuPoolType,
  singular: 'gpupool',
  shortNames: ['gpool'],
  description: 'So many interchangeable GPU VMs, which are replaced when they break or their template changes.',
  spec: gpuPoolSpecSchema,
  status: gpuPoolStatusSchema,
  rootRules: cel(
    {
      rule: 'self.metadata.name.size() <= 58',
      message: 'metadata.name may have at most 58 characters: it is a label of the members, whose names add a number',
    },
    {
      rule: "!has(self.spec.service) || has(self.spec.service.name) || self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
      message: 'the name of the resource is no name for a Service: give spec.service.name',
    },
  )['x-kubernetes-validations'],
  scale: {
    specReplicasPath: '.spec.replicas',
    statusReplicasPath: '.status.replicas',
    labelSelectorPath: '.status.selector',
  },
  columns: [
    { name: 'Desired', type: 'integer', jsonPath: '.spec.replicas', description: 'Members that are wanted.' },
    { name: 'Current', type: 'integer', jsonPath: '.status.replicas', description: 'Members that there are.' },
    { name: 'Ready', type: 'integer', jsonPath: '.status.readyReplicas', description: 'Members that are Ready.' },
    {
      name: 'Up-to-date',
      type: 'integer',
      jsonPath: '.status.updatedReplicas',
      description: 'Members made from the template as it is.',
    },
    {
      name: 'Available',
      type: 'integer',
      jsonPath: '.status.availableReplicas',
      description: 'Members Ready for minReadySeconds.',
    },
    { name: '$/h', type: 'string', jsonPath: '.status.hourlyCost', description: 'What all members cost per hour.' },
    {
      name: 'Spot',
      type: 'integer',
      jsonPath: '.status.spotReplicas',
      description: 'Members that hold a spot VM.',
      priority: 1,
    },
    {
      name: 'Message',
      type: 'string',
      jsonPath: '.status.message',
      description: 'What the pool waits for.',
      priority: 1,
    },
    ageColumn,
  ],
};
