import * as z from 'zod';

import { ageColumn } from './columns.ts';
import { cel, durationField, positiveMoneyField } from './fields.ts';
import { spotVmType } from './group.ts';
import type { KindDefinition, PrinterColumn } from './kind.ts';
import { vmColumns, vmRootRules, vmWideColumns } from './vm-columns.ts';
import { vmSpecFields, vmSpecRules } from './vm-spec.ts';
import { mostOutbidTimes, spotStatusFields } from './vm-status.ts';

export const bidField = z
  .object({
    price: positiveMoneyField.describe(
      'What is bid first, in US dollars per VM and hour, such as "0.20". A bid covers GPUs, vCPUs and memory; storage comes on top.',
    ),
    maxPrice: positiveMoneyField
      .optional()
      .describe(
        'How far the operator may raise the bid when "price" does not win. The lowest bid that wins is taken. Absent: not at all.',
      ),
  })
  .meta(
    cel({
      rule: '!has(self.maxPrice) || quantity(self.price).compareTo(quantity(self.maxPrice)) <= 0',
      message: 'bid.price must not be above bid.maxPrice: lower the one, or raise the other',
    }),
  )
  .describe(
    'What may be bid. Used when a VM is deployed: the provider has no way to change the bid of one that exists.',
  );

const returnToSpotField = z
  .object({
    after: durationField
      .default('15m')
      .describe('How long a bid within the limits has to have been winnable before the on-demand VM is given up.'),
  })
  .describe('With onOutbid OnDemand: go back to a spot VM, once that can be had again. Absent: stay on demand.');

const outbidLimitField = z
  .object({
    count: z.int().min(1).max(mostOutbidTimes).default(5).describe('So many times outbid are too often.'),
    window: durationField.default('1h').describe('Within this time.'),
  })
  .describe(
    'When the resource was outbid so often, no bid is made until the oldest of these times is longer ago than "window".',
  );

const spotFields = {
  bid: bidField,
  onOutbid: z
    .enum(['Wait', 'Replace', 'OnDemand'])
    .default('Wait')
    .describe(
      'What happens when the VM is outbid. Wait: the same VM, with its disk, is started once its own bid wins again. Replace: another VM takes its place, on another host or with a higher bid within maxPrice, unless the old one can be started first. OnDemand: an on-demand VM within maxHourlyPrice takes its place, and where there is none, as Replace; also when no bid wins at first.',
    ),
  outbidRetention: durationField
    .default('1h')
    .describe(
      'How long the disk of a VM that was replaced is kept, and billed, after its replacement runs. Then that VM is deleted. 0s: at once.',
    ),
  returnToSpot: returnToSpotField.optional(),
  outbidLimit: outbidLimitField.default({ count: 5, window: '1h' }),
};

const spotRules = cel(
  ...vmSpecRules,
  {
    rule: "self.onOutbid != 'OnDemand' || has(self.maxHourlyPrice)",
    message: 'onOutbid OnDemand needs maxHourlyPrice: say what an on-demand VM may cost',
    reason: 'FieldValueRequired',
  },
  {
    rule: "!has(self.returnToSpot) || self.onOutbid == 'OnDemand'",
    message: 'returnToSpot needs onOutbid OnDemand: otherwise there is no on-demand VM to return from',
  },
);

export const spotVmSpecSchema = z
  .object({ ...vmSpecFields, ...spotFields })
  .meta(spotRules)
  .describe('The VM that is wanted, and what may be bid for it.');
export type SpotVmSpec = z.infer<typeof spotVmSpecSchema>;

export const spotVmStatusSchema = z.object(spotStatusFields).describe('What the operator has seen. Not to be edited.');
export type SpotVmStatus = z.infer<typeof spotVmStatusSchema>;

const spotColumns: readonly PrinterColumn[] = [
  { name: 'Bid', type: 'string', jsonPath: '.status.vm.bid', description: 'Bid of the VM per hour, compute only.' },
  { name: 'Market', type: 'string', jsonPath: '.status.spot.market', description: 'How the bid stands.' },
  {
    name: 'Outbid',
    type: 'integer',
    jsonPath: '.status.spot.outbidCount',
    description: 'How often the resource was outbid.',
  },
];

export const spotVmKind: KindDefinition = {
  type: spotVmType,
  singular: 'spotvm',
  shortNames: ['svm'],
  description: 'One GPU VM at a bid price, which can be outbid.',
  spec: spotVmSpecSchema,
  status: spotVmStatusSchema,
  rootRules: vmRootRules,
  columns: [...vmColumns, ...spotColumns, ...vmWideColumns, ageColumn],
};
