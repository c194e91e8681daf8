import { ageColumn, conditionColumn } from './columns.ts';
import * as z from 'zod';

import { durationPattern } from '../lib/duration.ts';
import { conditionsField } from './conditions.ts';
import { endpointRules } from './endpoint-rules.ts';
import {
  cel,
  immutable,
  namespaceField,
  objectNameField,
  positiveMoneyField,
  durationField,
  timeField,
} from './fields.ts';
import { gpuAccountType } from './group.ts';
import type { KindDefinition } from './kind.ts';
import { unmanagedVmsSpecFields, unmanagedVmsStatusFields } from './unmanaged-vms.ts';

/** Where the provider's API v0 is (API reference, section 1). */
export const defaultEndpoint = 'https://dashboard.tensordock.com/api/v0';

const labelSelectorField = z
  .object({
    matchLabels: z
      .record(z.string().max(317), z.string().max(63))
      .meta({ maxProperties: 64 })
      .optional()
      .describe('Labels that the namespace must have.'),
  })
  .describe('Namespaces that may use the account, by their labels. Absent: all.');

const runwayField = durationField.meta(
  cel({
    rule: `self.matches('${durationPattern}') && duration(self) > duration('0s')`,
    message: 'must be a duration of more than nothing, such as "6h" or "90m"',
  }),
);

const limitsField = z
  .object({
    maxVms: z.int().min(0).optional().describe('Most VMs of this cluster at a time.'),
    maxHourlyCost: positiveMoneyField
      .optional()
      .describe('Most that all VMs of this cluster may cost per hour, in US dollars.'),
    minRunway: runwayField
      .optional()
      .describe(
        'How long the balance has to last, such as "6h". A VM with which it would not is neither deployed nor started nor made bigger.',
      ),
    releaseBelowRunway: runwayField
      .optional()
      .describe(
        'When the balance lasts for less than this, VMs are released, those with the lowest spec.priority first, until it does. Shorter than minRunway, for which there has to be room before they are started again.',
      ),
  })
  .meta(
    cel({
      rule: '!has(self.releaseBelowRunway) || (has(self.minRunway) && duration(self.releaseBelowRunway) < duration(self.minRunway))',
      message:
        'limits.releaseBelowRunway needs limits.minRunway, and has to be shorter: VMs that were released are started again once the balance lasts for minRunway with them',
    }),
  )
  .describe('Safety limits of the whole account, whatever the budgets of namespaces allow.');

const reportKindField = z.enum(['Summary', 'Revenue']);
export type ReportKind = z.infer<typeof reportKindField>;

const reportsField = z
  .object({
    kinds: z
      .array(reportKindField)
      .min(1)
      .max(2)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe(
        "Summary: expenses, payouts and balances of the month (billing/summary). Revenue: what the organization's hosts have earned, and how many of their GPUs are rented (billing/revenue).",
      ),
    interval: durationField
      .default('1h')
      .meta(cel({ rule: "duration(self) >= duration('1m')", message: 'interval must be at least "1m"' }))
      .describe('How often they are read.'),
  })
  .describe(
    'Reports for those who rent out hosts at the provider, as metrics. Absent: none is read. One that cannot be read is shown in the status, and keeps nobody from anything.',
  );

export const gpuAccountSpecSchema = z
  .object({
    endpoint: z
      .url()
      .max(500)
      .default(defaultEndpoint)
      .meta(cel(immutable('endpoint'), ...endpointRules))
      .describe("Base URL of the provider's API. Cannot be changed."),
    credentialsSecretRef: z
      .object({
        namespace: namespaceField.describe('Namespace of the Secret.'),
        name: objectNameField.describe('Name of the Secret.'),
      })
      .describe('Secret with the keys api_key and api_token of the organization.'),
    requestsPerSecond: z
      .number()
      .min(0.01)
      .max(1000)
      .default(1)
      // The API server compares a whole number with the minimum cut to a whole one: 0 would pass for more than 0.01.
      .meta(cel({ rule: 'self >= 0.01', message: 'requestsPerSecond must be at least 0.01' }))
      .describe('Most calls to the provider per second. The provider asks for about one per organization.'),
    allowedNamespaces: labelSelectorField.optional(),
    limits: limitsField.optional(),
    ...unmanagedVmsSpecFields,
    reports: reportsField.optional(),
  })
  .describe('One organization at the provider.');
export type GpuAccountSpec = z.infer<typeof gpuAccountSpecSchema>;

const fingerprintField = z.string().max(64);

/** A balance may be below zero. */
const amountField = z.string().max(40);

/**
 * Nothing in the provider's answers names the organization. So that other credentials are not taken for the same
 * organization's without a sign of it, the key that was proven last is remembered, by its fingerprint.
 */
export const organizationField = z
  .object({
    keyFingerprint: fingerprintField
      .optional()
      .describe('Fingerprint of the api_key whose lists are believed: of the organization that the VMs here are in.'),
    unprovenKeyFingerprint: fingerprintField
      .optional()
      .describe(
        'Fingerprint of the api_key that the Secret holds, while nothing shows that it is of the same organization.',
      ),
    confirmation: fingerprintField
      .optional()
      .describe('Value of the annotation gpuvm.dev/confirm-organization that was acted on: it counts once.'),
  })
  .describe(
    'How the operator knows that the credentials are still those of the same organization. A fingerprint says whether two keys are the same, and neither is a key nor leads to one.',
  );
export type Organization = z.infer<typeof organizationField>;

const reportStatusField = z.object({
  kind: reportKindField.describe('Which report.'),
  readAt: timeField.optional().describe('When the last one was asked for that could be read.'),
  failure: z.string().max(1024).optional().describe('Why there is no newer one, in the words of the provider.'),
});
export type ReportStatus = z.infer<typeof reportStatusField>;

export const gpuAccountStatusSchema = z
  .object({
    observedGeneration: z.int().optional().describe('The metadata.generation that this status was made from.'),
    conditions: conditionsField.optional(),
    ...unmanagedVmsStatusFields,
    reports: z
      .array(reportStatusField)
      .max(2)
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['kind'] })
      .optional()
      .describe('The reports of spec.reports. What is in them is in the metrics.'),
    balance: amountField
      .optional()
      .describe('What is left at the provider, in US dollars. Written anew when it has changed by a hundredth.'),
    balanceReadAt: timeField
      .optional()
      .describe(
        'When the provider said so. Written with the balance only: one that is old has changed by less than a hundredth since.',
      ),
    burnRate: amountField
      .optional()
      .describe(
        'What all VMs of the organization cost per hour now, whoever made them, by the last list; with what the provider bills beside them.',
      ),
    runway: z
      .string()
      .max(30)
      .optional()
      .describe('How long the balance lasts at this rate. Absent: nothing is spent.'),
    stopped: z
      .array(
        z.object({
          kind: z.string().max(63).describe('GpuVm or SpotVm.'),
          namespace: z.string().max(63).describe('Namespace of the resource.'),
          name: z.string().max(253).describe('Name of the resource.'),
          uid: z.string().max(100).describe('UID of the resource.'),
        }),
      )
      .max(2000)
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .optional()
      .describe(
        'Resources whose VMs are kept released for want of balance (limits.releaseBelowRunway), in the order of release: the lowest spec.priority first, then the youngest. They are started in the opposite order.',
      ),
    organization: organizationField.optional(),
  })
  .describe('What the operator has seen. Not to be edited.');
export type GpuAccountStatus = z.infer<typeof gpuAccountStatusSchema>;

export const gpuAccountKind: KindDefinition = {
  type: gpuAccountType,
  singular: 'gpuaccount',
  shortNames: ['gacct'],
  description: 'One organization at the provider: where its API is, how to log in, and how often it may be called.',
  spec: gpuAccountSpecSchema,
  status: gpuAccountStatusSchema,
  rootRules: [],
  columns: [
    conditionColumn('Ready', 'status', { name: 'Ready', description: 'Whether the account can be used.' }),
    conditionColumn('Ready', 'reason', { name: 'Status', description: 'What is going on, in one word.' }),
    { name: 'VMs', type: 'integer', jsonPath: '.status.vms.total', description: 'All VMs of the organization.' },
    { name: 'Managed', type: 'integer', jsonPath: '.status.vms.managed', description: 'VMs that resources own.' },
    {
      name: 'Unmanaged',
      type: 'integer',
      jsonPath: '.status.vms.unmanaged',
      description: 'VMs of this installation that no resource owns.',
    },
    { name: 'Balance', type: 'string', jsonPath: '.status.balance', description: 'US dollars that are left.' },
    { name: 'Runway', type: 'string', jsonPath: '.status.runway', description: 'How long they last.' },
    { name: 'Endpoint', type: 'string', jsonPath: '.spec.endpoint', description: 'Where the API is.', priority: 1 },
    conditionColumn('Ready', 'message', { name: 'Message', description: 'The same in a sentence.', priority: 1 }),
    ageColumn,
  ],
};
