import * as z from 'zod';

import { durationPattern } from '../lib/duration.ts';
import { cel, durationField, timeField } from './fields.ts';

/** Fields of a GpuAccount about VMs that carry this installation's mark, and whose resource is gone. */

export const longestId = 100;

const idText = z.string().max(longestId);

export const unmanagedVmsSpecFields = {
  unmanagedVms: z
    .enum(['Report', 'Delete'])
    .default('Report')
    .describe(
      'What to do with VMs that this installation made, by their names, and that no resource owns. Delete: they go once they have been seen so for unmanagedVmsGracePeriod. VMs of others, and those that were to be kept (status.keptVms, spec.keepVms), are never deleted.',
    ),
  unmanagedVmsGracePeriod: durationField
    .default('1h')
    .meta(
      cel({
        rule: `self.matches('${durationPattern}') && duration(self) >= duration('5m')`,
        message: 'must be a duration of at least five minutes, such as "1h": what is deleted comes back by nothing',
      }),
    )
    .describe(
      'How long a VM has to be seen without a resource, in every list of that time, before it is deleted. Time in which no operator runs does not count.',
    ),
  keepVms: z
    .array(idText.min(1))
    .max(100)
    .meta({ 'x-kubernetes-list-type': 'set' })
    .optional()
    .describe('Ids of VMs that are never deleted for want of a resource.'),
} as const;

export const mostUnmanagedShown = 100;

const unmanagedVmField = z.object({
  id: idText.describe("The provider's id of the VM."),
  name: z.string().max(253).describe("The VM's name at the provider; it carries the UID of the resource that is gone."),
  since: timeField.describe('When it was first seen without a resource.'),
  unownedSeconds: z
    .int()
    .min(0)
    .optional()
    .describe(
      'With unmanagedVms Delete: for how long it has been seen without a resource, by the clocks of the processes that have seen it. Written now and then.',
    ),
  deletingSince: timeField
    .optional()
    .describe('When the grace period was over. Written before the VM is deleted; absent: nothing is done about it.'),
  confirmed: z
    .boolean()
    .optional()
    .describe('Somebody has said of this VM, by the annotation gpuvm.dev/confirm-unmanaged, that it is to go.'),
  kept: z.string().max(700).optional().describe('Why it is never deleted: by whom it was to be kept.'),
  message: z.string().max(1024).optional().describe('What is in the way of its deletion.'),
});
export type UnmanagedVm = z.infer<typeof unmanagedVmField>;

const unmanagedHoldField = z.object({
  why: z
    .enum(['Restored', 'NoneOwned', 'TooMany'])
    .describe(
      "Restored: the API server has gone back in time. NoneOwned: no resource owns any VM with this installation's mark. TooMany: more than five VMs, and more than a fifth of those with the mark, have no resource.",
    ),
  confirm: z
    .string()
    .max(64)
    .describe('Value of the annotation gpuvm.dev/confirm-unmanaged that says of these very VMs that they are to go.'),
});
export type UnmanagedHold = z.infer<typeof unmanagedHoldField>;

/** A resource that was let go has one VM, and at most so many that it had replaced. */
export const mostIdsOfKept = 9;

/** More are held back until there is room: of those that no list shows any more the oldest are forgotten. */
export const mostKept = 500;

const keptVmsField = z.object({
  uid: z.string().max(100).describe('UID of the resource. All VMs whose names carry it are kept.'),
  resource: z.string().max(600).describe('Kind, namespace and name of the resource.'),
  why: z
    .enum(['Retained', 'Abandoned'])
    .describe('Retained: by its deletionPolicy; Abandoned: by the annotation gpuvm.dev/abandon.'),
  ids: z
    .array(idText)
    .max(mostIdsOfKept)
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('Ids of the VMs that it had recorded.'),
});
export type KeptVms = z.infer<typeof keptVmsField>;

export const unmanagedVmsStatusFields = {
  installation: z
    .string()
    .max(8)
    .optional()
    .describe('Id of this installation, which the names of its VMs carry: gpuvm-INSTALLATION-UID-ATTEMPT.'),
  vms: z
    .object({
      total: z.int().describe('All VMs of the organization, whoever made them.'),
      managed: z.int().describe('VMs that resources of this cluster own.'),
      unmanaged: z
        .int()
        .describe(
          'VMs that this installation made, by their names, and that no resource owns. They cost money for nothing.',
        ),
      kept: z
        .int()
        .optional()
        .describe('VMs that this installation made, whose resource is gone, and that were to be kept.'),
      foreign: z.int().optional().describe('VMs of others, which are never touched.'),
    })
    .optional()
    .describe('What the last list had.'),
  unmanagedVms: z
    .array(unmanagedVmField)
    .max(mostUnmanagedShown)
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .optional()
    .describe(
      `Up to ${mostUnmanagedShown} VMs that this installation made and that no resource owns. The others wait until there is room.`,
    ),
  unmanagedHold: unmanagedHoldField
    .optional()
    .describe(
      'Why none of them is deleted though the account says Delete, until somebody confirms it or none is left: it looks as if resources were missing rather than VMs forgotten.',
    ),
  keptVms: z
    .array(keptVmsField)
    .max(mostKept)
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .optional()
    .describe(
      'Resources that have left their VMs behind as somebody wanted. Written before such a resource goes, so that nobody takes its VMs for ones that nobody wants.',
    ),
} as const;

/** What a status says of such VMs. An entry that nobody can read, as another release may have written it, is none. */
export function unmanagedIn(status: unknown): UnmanagedVm[] {
  return readable(unmanagedVmField, (status as { unmanagedVms?: unknown } | undefined)?.unmanagedVms);
}

/** What a status says of VMs that are to be kept, as far as it can be read. */
export function keptIn(status: unknown): KeptVms[] {
  return readable(keptVmsField, (status as { keptVms?: unknown } | undefined)?.keptVms);
}

function readable<T>(field: z.ZodType<T>, entries: unknown): T[] {
  if (!Array.isArray(entries)) return [];
  return entries.flatMap((entry) => field.safeParse(entry).data ?? []);
}
