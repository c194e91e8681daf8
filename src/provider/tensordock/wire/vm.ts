import * as z from 'zod';
import { id, integer, lenient, mapEntries, plainToken, portForwards, rate, text, timestamp } from './values.ts';

/**
 * One VM as `client/list` and `client/get/single` give it (API reference 5.2, 5.3). Name, status and size must be there:
 * an entry without them is unreadable, since decisions about money need them. Everything else may be missing, and fields
 * we do not know are kept.
 */
export const wireVm = z.looseObject({
  name: z.string(),
  status: text,
  type: lenient(text),
  specs: z.looseObject({
    gpu: z
      .looseObject({ amount: integer, type: lenient(text) })
      .nullish()
      .transform((gpu) => gpu ?? { amount: 0, type: undefined }),
    vcpus: integer,
    ram: integer,
    storage: integer,
  }),
  cost: lenient(rate),
  compute_price: lenient(rate),
  storage_price: lenient(rate),
  total_price: lenient(rate),
  cpu_threadscount: lenient(integer),
  hostnode: lenient(text),
  location: lenient(text),
  city: lenient(text),
  state: lenient(text),
  country: lenient(text),
  hostname: lenient(plainToken),
  ip_address: lenient(plainToken),
  dedicated_ip_address: lenient(plainToken),
  default_user: lenient(plainToken),
  operating_system: lenient(text),
  port_forwards: lenient(portForwards),
  timestamp_creation: lenient(timestamp),
});
export type WireVm = z.output<typeof wireVm>;

export interface WireListing {
  /** By id. */
  readonly vms: ReadonlyMap<string, WireVm>;
  /** Entries that cannot be understood, as they came, by id. They exist all the same. */
  readonly unreadable: ReadonlyMap<string, unknown>;
}

export type WireEntry = readonly [id: string, entry: unknown];

export function readListing(entries: readonly WireEntry[]): WireListing {
  const vms = new Map<string, WireVm>();
  const unreadable = new Map<string, unknown>();
  for (const [id, entry] of entries) {
    const vm = wireVm.safeParse(entry);
    if (vm.success) vms.set(id, vm.data);
    else unreadable.set(id, entry);
  }
  return { vms, unreadable };
}

/**
 * `client/list`: the entries by id, still unparsed, so that one bad entry does not spoil the list. A success without the
 * key means no VMs (A14), but only if the body says `success`: an empty object proves nothing.
 */
export const listAnswer = z
  .looseObject({ success: z.unknown().optional(), virtualmachines: z.unknown().optional() })
  .refine((body) => body.virtualmachines !== undefined || body.success !== undefined, {
    message: 'neither "virtualmachines" nor "success"',
  })
  .transform((body, context) => {
    const entries = mapEntries.safeParse(body.virtualmachines);
    if (entries.success) return entries.data;
    context.addIssue({ code: 'custom', message: 'not a map of VMs', path: ['virtualmachines'] });
    return z.NEVER;
  });

/**
 * `client/get/single`: the VM is under `virtualmachine`, or under `virtualmachines` where that is one VM and not a map of
 * them (A4); of a map, the entry with the id asked for is taken.
 */
export function getAnswer(id: string): z.ZodType<WireVm> {
  return z
    .looseObject({ virtualmachine: z.unknown().optional(), virtualmachines: z.unknown().optional() })
    .transform((body, context) => {
      const vm = wireVm.safeParse(pickVm(body.virtualmachine, id) ?? pickVm(body.virtualmachines, id));
      if (vm.success) return vm.data;
      for (const issue of vm.error.issues) {
        context.addIssue({ code: 'custom', message: issue.message, path: ['virtualmachine', ...issue.path] });
      }
      return z.NEVER;
    });
}

function pickVm(value: unknown, id: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  if ('status' in value && typeof value.status === 'string') return value;
  return Object.hasOwn(value, id) ? (value as Record<string, unknown>)[id] : undefined;
}

/** `client/deploy/single` (API reference 5.1). Without the new VM's id the answer is useless and counts as malformed. */
export const deployAnswer = z.looseObject({
  server: id,
  ip: lenient(plainToken),
  port_forwards: lenient(portForwards),
  cost: lenient(
    z.looseObject({ compute_price: lenient(rate), storage_price: lenient(rate), total_price: lenient(rate) }),
  ),
  execution_id: lenient(integer),
});
export type DeployAnswer = z.output<typeof deployAnswer>;

/** `client/modify/single`: the id is called `server` here (API reference 5.6). */
export const modifyAnswer = z.looseObject({ server: lenient(text) });

/** `client/deployinstant/single`: the id is called `vm` here (API reference 7.2). */
export const deployInstantAnswer = z.looseObject({ vm: id });

/** An answer of which only its success matters. */
export const bareAnswer = z.looseObject({});
