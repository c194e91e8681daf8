import * as z from 'zod';

import { conditionsField } from './conditions.ts';
import { timeField } from './fields.ts';

/** The status of a resource that stands for one VM. Written by the operator only; its users may read it. */

/** For people; programs read the conditions. */
export const phases = [
  'Pending',
  'Launching',
  'Building',
  'Running',
  'Starting',
  'Stopping',
  'Stopped',
  'Released',
  'Resizing',
  'Outbid',
  'Lost',
  'Unknown',
  'Deleting',
] as const;
export type Phase = (typeof phases)[number];

/** Bounds of the texts: a status is cut to them before it is written (fitted.ts). */
const shortText = z.string().max(100);
const nameText = z.string().max(253);
const messageText = z.string().max(1024);

/** Far beyond what a resource can get to, and within what the name of a VM can carry. */
export const highestAttempt = 900_000_000;

const sizeFields = {
  gpuModel: shortText.describe('GPU model, as the provider spells it.'),
  gpuCount: z.int().describe('Number of GPUs.'),
  vcpus: z.int().describe('Number of vCPUs.'),
  memoryGB: z.int().describe('Memory in GB.'),
  storageGB: z.int().describe('Disk in GB.'),
};

const sizeField = z.object(sizeFields);

const preciseTime = timeField.describe('Time with milliseconds.');

/**
 * The write-ahead journal of the one call that must never be made twice. It is written under optimistic lock before the
 * call leaves, and says afterwards how the call ended.
 */
const launchDescription =
  'The last deployment: written before the provider is called, so that nothing is ever deployed twice.';
const vmDescription = 'The VM of this resource.';

const launchFields = z
  .object({
    attempt: z
      .int()
      .min(0)
      .max(highestAttempt)
      .describe(
        '1 for the first deploy call of this resource, counting up; 0 where the status was emptied, and nobody knows whether there was one.',
      ),
    name: nameText.describe("Name of the VM at the provider; it carries the resource's UID and the attempt."),
    hostnode: shortText.describe('Host that was chosen.'),
    gpuModel: shortText.describe('GPU model that was chosen.'),
    gpuCount: z.int().optional().describe('GPUs that were asked for.'),
    quotedHourlyPrice: shortText.describe('What the VM was to cost per hour by the inventory, in US dollars.'),
    instant: shortText
      .optional()
      .describe('Id of the ready-made VM that was to be taken. Absent: one was to be deployed.'),
    intentAt: preciseTime.describe('When the intent was written, just before the call.'),
    outcome: z
      .enum(['Pending', 'Launched', 'Refused', 'Uncertain', 'Absent', 'Overpriced', 'Lost'])
      .describe(
        'Pending: no answer yet; Launched: the VM exists; Refused: certainly not done; Uncertain: the answer was lost; Absent: proven not to exist; Overpriced: dearer than the cap, being deleted; Lost: it existed and is gone.',
      ),
    endedAt: preciseTime.optional().describe('When the call ended.'),
    failures: z.int().describe('Launches in a row that did not lead to a VM; the pauses between them grow.'),
    message: messageText.optional().describe('Why the last launch failed.'),
  })
  .describe(launchDescription);

const vmFields = z
  .object({
    id: shortText.describe("The provider's id of the VM."),
    name: nameText.describe("The VM's name at the provider."),
    ownerUid: shortText
      .optional()
      .describe(
        'UID of the resource that this was recorded for. A record with another one was copied from another resource, and does not count.',
      ),
    recordedAt: preciseTime.describe('When the operator recorded the VM as its own.'),
    adopted: z.boolean().optional().describe('True for a VM that existed before and was taken over.'),
    instant: z
      .boolean()
      .optional()
      .describe('True for a VM that was taken ready-made: it may be larger than the spec asks for.'),
    applied: sizeField.describe(
      'The size that the operator ordered last. If the VM has another one, somebody else changed it.',
    ),
    hostnode: shortText.optional().describe('Host that the VM is on.'),
    providerStatus: shortText.optional().describe("The provider's own word for the VM's state."),
    createdAt: timeField.optional().describe('When the provider made the VM.'),
  })
  .describe(vmDescription);

export const resizeField = z
  .object({
    to: sizeField.describe('Size that was asked for.'),
    outcome: z
      .enum(['Pending', 'Modified', 'Done', 'Refused', 'Overpriced'])
      .describe(
        'Pending: about to be asked for, or asked for without a certain answer; Modified: done, its price is not known yet; Done: done, within the cap; Refused: not done; Overpriced: done, but dearer than the cap, so the VM is released until cap or size are changed.',
      ),
    askedAt: timeField.optional().describe('Of one that is Pending: when that was written, right before the call.'),
    message: messageText.optional().describe('Why it was refused, or what it costs.'),
  })
  .describe('The last change of size.');
export type Resize = z.infer<typeof resizeField>;

/** What happens next by the clock, of a VM or a pool. */
export const nextEventField = z
  .object({
    at: timeField.describe('When.'),
    what: z.enum(['Start', 'Stop', 'Release', 'Expire']).describe('What.'),
  })
  .describe('What happens next by spec.schedule or spec.expireAfter.');
export type NextEvent = z.infer<typeof nextEventField>;

export const vmStatusFields = {
  observedGeneration: z.int().optional().describe('The metadata.generation that this status was made from.'),
  lastHandledReconcileAt: nameText
    .optional()
    .describe(
      'Value of the gpuvm.dev/reconcile-requested-at annotation that was handled last; of a longer one its first 252 characters and an ellipsis.',
    ),
  phase: z.enum(phases).optional().describe('One word for people. Programs read the conditions.'),
  conditions: conditionsField.optional(),
  vm: vmFields.optional(),
  launch: launchFields.optional(),
  resize: resizeField.optional(),
  gpu: nameText.optional().describe('GPUs of the VM, such as 1x geforcertx4090-pcie-24gb.'),
  size: sizeField.optional().describe('Size of the VM as the provider reports it.'),
  location: nameText.optional().describe('Where the VM is: city and country.'),
  address: nameText.optional().describe('IP address or host name to reach the VM at.'),
  user: shortText.optional().describe('User to log in as.'),
  ports: z
    .array(
      z.object({
        name: shortText.describe('Name from spec.ports.'),
        internal: z.int().describe('Port inside the VM.'),
        external: z.int().describe('Port at the address that leads to it.'),
      }),
    )
    .max(64)
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .optional()
    .describe('Where each port can be reached from outside.'),
  ssh: messageText.optional().describe('Command that logs in.'),
  connectionSecretName: nameText
    .optional()
    .describe('Secret in the same namespace with host, port, user, password and ssh_config.'),
  nextEvent: nextEventField.optional(),
  serviceName: nameText.optional().describe('Service in the same namespace that leads to the ports.'),
  hourlyPrice: z
    .object({
      running: shortText.describe('Per hour while the VM runs: compute and storage.'),
      storage: shortText.optional().describe('Per hour for storage alone, as billed while released.'),
      billedNow: shortText.describe('Per hour in the state it is in now.'),
    })
    .optional()
    .describe('What the VM in status.vm costs, in US dollars.'),
} as const;

/** What only a resource that may hold a spot VM has. */

export const capacities = ['Spot', 'OnDemand'] as const;
export type Capacity = (typeof capacities)[number];

const capacityField = z.enum(capacities).optional().describe('Whether the VM is held by a bid or on demand.');
const bidField = shortText.optional().describe('The bid of a spot VM, in US dollars per hour, compute only.');

const launchField = launchFields
  .extend({
    capacity: capacityField,
    bid: bidField,
    replaces: shortText
      .optional()
      .describe(
        'The VM that this one is to replace: it is in "retiring" now, and back in "vm" if this one is never made.',
      ),
  })
  .describe(launchDescription);
export type Launch = z.infer<typeof launchField>;

const vmField = vmFields
  .extend({
    capacity: capacityField,
    bid: bidField,
    outbidSince: preciseTime
      .optional()
      .describe('When the spot VM was seen to have lost its place. Absent: it has it.'),
  })
  .describe(vmDescription);
export type RecordedVm = z.infer<typeof vmField>;

/** More are not made before the oldest is gone. */
export const mostRetiring = 8;

const retiringField = vmField.extend({
  retiredAt: preciseTime.describe('When another VM was to take its place.'),
  replacedAt: preciseTime.optional().describe('When its replacement was seen running. Absent: it was not yet.'),
  keepUntil: preciseTime
    .optional()
    .describe('When it is deleted with its disk: so long after "replacedAt" as spec.outbidRetention says.'),
  billedNow: shortText.optional().describe('What it still costs per hour, in US dollars.'),
  message: messageText.optional().describe('What is in the way of its deletion.'),
});
export type RetiringVm = z.infer<typeof retiringField>;

/** Most times that are remembered, and so the most that spec.outbidLimit may count. */
export const mostOutbidTimes = 20;

const spotHistoryFields = {
  outbidCount: z.int().describe('How often the resource was outbid.'),
  outbidTimes: z
    .array(preciseTime)
    .max(mostOutbidTimes)
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('When it was outbid, the latest times only.'),
};
const spotHistoryField = z.object(spotHistoryFields);
export type SpotHistory = z.infer<typeof spotHistoryField>;

export const markets = ['Winning', 'Outbid', 'Searching', 'OnDemand'] as const;
export type Market = (typeof markets)[number];

const spotField = spotHistoryField.extend({
  market: z
    .enum(markets)
    .optional()
    .describe(
      'Winning: the VM runs by its bid; Outbid: it lost its place; Searching: no VM, a bid that wins is looked for; OnDemand: an on-demand VM has taken over.',
    ),
});

export const spotStatusFields = {
  ...vmStatusFields,
  vm: vmField.optional(),
  launch: launchField.optional(),
  retiring: z
    .array(retiringField)
    .max(mostRetiring)
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .optional()
    .describe('VMs on their way out, with what they still cost: replaced, but their disks are kept for a while.'),
  spot: spotField.optional().describe('How the resource fares on the spot market.'),
} as const;
