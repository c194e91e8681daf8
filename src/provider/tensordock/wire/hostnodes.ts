import * as z from 'zod';
import {
  flag,
  idPattern,
  integer,
  lenient,
  listOf,
  mapEntries,
  plainNumber,
  portNumber,
  rate,
  stock,
  text,
} from './values.ts';

const priced = z.looseObject({ amount: stock, price: rate });

const range = z.looseObject({ min: integer, max: integer });

const gpuOffer = z.looseObject({
  amount: stock,
  price: rate,
  vram: lenient(plainNumber),
  pcie: lenient(flag),
  rtx: lenient(flag),
  gtx: lenient(flag),
});

const restriction = z.looseObject({ cpu: lenient(range), ram: lenient(range), storage: lenient(range) });

/** One hostnode (API reference 4.1, 14.3). Stock and prices must be there; the rest may be missing (A43). */
export const wireHostnode = z.looseObject({
  location: lenient(
    z.looseObject({
      id: lenient(text),
      city: lenient(text),
      region: lenient(text),
      country: lenient(text),
      dc: lenient(z.looseObject({ name: lenient(text), tier: lenient(integer) })),
    }),
  ),
  networking: lenient(
    z.looseObject({
      ports: listOf(portNumber),
      receive: lenient(plainNumber),
      send: lenient(plainNumber),
      dedicated_ip: lenient(flag),
    }),
  ),
  specs: z.looseObject({
    cpu: z.looseObject({ amount: stock, price: rate, type: lenient(text) }),
    gpu: mapEntries.transform((entries) => readable(entries, gpuOffer)),
    ram: priced,
    storage: priced,
    restrictions: lenient(mapEntries.transform((entries) => readable(entries, restriction))),
  }),
  status: lenient(
    z.looseObject({
      listed: lenient(flag),
      online: lenient(flag),
      reserved: lenient(flag),
      report: lenient(text),
      uptime: lenient(plainNumber),
    }),
  ),
});
export type WireHostnode = z.output<typeof wireHostnode>;

/** `client/deploy/hostnodes`: hosts by UUID. A host that cannot be read is left out: not using it costs nothing. */
export const hostnodesAnswer = z
  .looseObject({ hostnodes: mapEntries })
  .transform((body) => readable(body.hostnodes, wireHostnode));

/**
 * `client/deploy/hostnodes/<uuid>`: under `hostnode`, else under the UUID asked for, else under the only key whose value
 * has `specs` (A5).
 */
export function hostnodeAnswer(uuid: string): z.ZodType<WireHostnode> {
  return z.record(z.string(), z.unknown()).transform((body, context) => {
    const withSpecs = Object.values(body).filter(hasSpecs);
    const candidates = [body.hostnode, Object.hasOwn(body, uuid) ? body[uuid] : undefined];
    const found = candidates.find(hasSpecs) ?? (withSpecs.length === 1 ? withSpecs[0] : undefined);
    const host = wireHostnode.safeParse(found);
    if (host.success) return host.data;
    context.addIssue({ code: 'custom', message: 'no readable hostnode' });
    return z.NEVER;
  });
}

function hasSpecs(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'specs' in value;
}

function readable<T extends z.ZodType>(entries: readonly [string, unknown][], schema: T): Map<string, z.output<T>> {
  const read = new Map<string, z.output<T>>();
  for (const [key, value] of entries) {
    // UUIDs, GPU models and numbers: what is none of these could not be asked for.
    if (!idPattern.test(key)) continue;
    const parsed = schema.safeParse(value);
    if (parsed.success) read.set(key, parsed.data);
  }
  return read;
}

const instantPrice = z.looseObject({
  compute_price: lenient(rate),
  gpu_price: lenient(rate),
  vcpus_price: lenient(rate),
  ram_price: lenient(rate),
  storage_price: lenient(rate),
  price: lenient(rate),
});

const instantSize = {
  cpu_count: integer,
  ram: integer,
  storage: integer,
  gpu_count: listOf(integer),
  gpu_model: listOf(text),
};

/** `client/deploy/instantvms` (API reference 7.1): kinds on offer, and ready VMs by UUID. */
export const instantVmsAnswer = z.looseObject({
  preconfig_options: listOf(z.looseObject({ ...instantSize, uuid: text, operating_system: lenient(text) })),
  virtual_machines: mapEntries.transform((entries) =>
    readable(
      entries,
      z.looseObject({
        ...instantSize,
        uuid: lenient(text),
        preconfig_id: lenient(text),
        hostnode: lenient(text),
        location: lenient(text),
        city: lenient(text),
        stateprovince: lenient(text),
        country: lenient(text),
        cpu_model: lenient(text),
        dc_name: lenient(text),
        dc_tier: lenient(integer),
        price: lenient(instantPrice),
        uptime: lenient(plainNumber),
      }),
    ),
  ),
});
export type InstantVms = z.output<typeof instantVmsAnswer>;
