import * as z from 'zod';
import { Refusal } from './answers.ts';
import { mostPrice, nanosOf, parseNanos, type Nanos } from './nanos.ts';

/** The bodies of the control surface. Unknown members are refused: a misspelt one would silently do nothing. */

/** "0.25" or 0.25. */
const amount = z.union([z.string(), z.number().nonnegative()]).transform((value, context): Nanos => {
  const parsed = typeof value === 'number' ? nanosOf(value) : parseNanos(value);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: 'is not an amount of dollars' });
  return z.NEVER;
});

const price = amount.refine((value) => value <= mostPrice, 'is more than 10,000 dollars');

const pool = z.strictObject({ amount: z.int().nonnegative().optional(), price: price.optional() });

export type PoolChange = z.infer<typeof pool>;

export const marketBody = z
  .strictObject({
    gpuModel: z.string().optional(),
    hostnode: z.string().optional(),
    /** The lowest winning bid per VM and hour; null goes back to the share of the on-demand price. */
    price: price.nullable().optional(),
    /** Outbids so many of the lowest bids, whatever the price. */
    outbid: z.int().positive().optional(),
  })
  .refine(({ price, outbid }) => price !== undefined || outbid !== undefined, {
    path: ['price'],
    message: 'is required',
  });

export const vmBody = z.strictObject({
  status: z.string().min(1).max(100).optional(),
  remove: z.literal(true).optional(),
  bid: price.optional(),
  networkStorage: z.boolean().optional(),
});

export const clockBody = z.strictObject({
  advance: z
    .number()
    .nonnegative()
    .max(10 * 366 * 86_400),
});

export const hostBody = z.strictObject({
  listed: z.boolean().optional(),
  online: z.boolean().optional(),
  reserved: z.boolean().optional(),
  uptime: z.number().min(0).max(1).optional(),
  cpu: pool.optional(),
  ram: pool.optional(),
  storage: pool.optional(),
  gpu: z.record(z.string().min(1), pool).optional(),
  /** The ports that are free from now on; those that VMs hold come back when the VMs go. */
  ports: z.array(z.int().min(1).max(65_535)).optional(),
});

export const instantsBody = z.strictObject({
  gpuModel: z.string().min(1),
  gpuCount: z.int().min(1).max(64).default(1),
  vcpus: z.int().min(1),
  ram: z.int().min(1),
  storage: z.int().min(1),
  operatingSystem: z.string().min(1).default('Ubuntu 22.04 LTS'),
  hostnode: z.string().optional(),
  count: z.int().min(1).max(100).default(1),
  /** What the list says that each costs, where that is not what it then costs. */
  listedPrice: price.optional(),
});

export const balanceBody = z.strictObject({ balance: amount });

export const credentialsBody = z.strictObject({ apiKey: z.string().min(1), apiToken: z.string().min(1) });

/** The parsed body, or a Refusal with a sentence that names the member. */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const member = issue === undefined || issue.path.length === 0 ? 'The body' : issue.path.join('.');
  throw new Refusal('invalid', `${member}: ${issue?.message ?? 'is not valid'}`);
}
