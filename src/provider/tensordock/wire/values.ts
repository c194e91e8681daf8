import * as z from 'zod';
import { money, type Money } from '../../../lib/money.ts';

/**
 * The values of the wire, liberal in what they accept (API reference, Ambiguities A6, A14): a number may be a string,
 * an empty collection may be `{}`, `[]`, null or absent.
 */

/** Of thousands of VMs and hosts most ask one of a few dozen prices: each is made once. Bounded, as the texts are the provider's. */
const amounts = new Map<string | number, Money>();
const mostAmounts = 1000;

const decimal = /^[+-]?\d{1,15}(\.\d{1,20})?$/;
const mostDecimals = 20;

/** An amount of money or a rate as a decimal, from a number or a string. */
export const amount = z.union([z.number(), z.string()]).transform((value, context): Money => {
  const known = amounts.get(value);
  if (known !== undefined) return known;
  const text = typeof value === 'string' ? value.trim() : value;
  const usable = typeof text === 'number' ? Math.abs(text) < 1e15 : decimal.test(text);
  if (!usable) {
    context.addIssue({ code: 'custom', message: 'not a decimal amount' });
    return z.NEVER;
  }
  // A number may have hundreds of decimals, a price of a VM has few.
  const made = money(text).round(mostDecimals);
  if (amounts.size >= mostAmounts) amounts.clear();
  amounts.set(value, made);
  return made;
});

/** A price or a rate: a negative one would look like the cheapest offer of all, and is none. */
export const rate = amount.refine((value) => value.gte(0), { message: 'a negative price' });

/** An integer from a number or a string of digits. */
export const integer = z
  .union([z.number(), z.string().regex(/^\s*-?\d{1,15}(\.0+)?\s*$/)])
  .transform((value, context) => {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) {
      context.addIssue({ code: 'custom', message: 'not an integer' });
      return z.NEVER;
    }
    return number;
  });

/** What is left of something: never negative, never a fraction more than there is. */
export const stock = z
  .union([z.number(), z.string().regex(/^\s*-?\d{1,15}(\.\d+)?\s*$/)])
  .transform((value) => Math.max(0, Math.floor(Number(value))));

/** A fraction or another plain number, from a number or a string. */
export const plainNumber = z
  .union([z.number(), z.string().regex(/^\s*-?\d{1,15}(\.\d+)?\s*$/)])
  .transform((value) => Number(value));

/** A flag, from a boolean or the words of one. */
export const flag = z.union([z.boolean(), z.stringbool({ truthy: ['true'], falsy: ['false'] })]);

/** Longer texts are none that anybody could read: what decorates is then missing, what is needed makes its entry unreadable. */
const longestText = 1000;

/** A text that says something. */
export const text = z.string().min(1).max(longestText);

/** An id that can be recorded, sent back and shown. */
export const idPattern = /^[\w.:-]{1,100}$/;
export const id = z.string().regex(idPattern);

/** A host, or the user to log in there as: nothing that would end a line of an ssh_config, or begin an option. */
export const plainToken = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,252}$/);

/** A field that may be missing, null, or something nobody can use: then it is undefined. For what only decorates. */
export function lenient<T extends z.ZodType>(schema: T): z.ZodType<z.output<T> | undefined> {
  return z
    .unknown()
    .optional()
    .transform((value) => {
      if (value === undefined || value === null) return undefined;
      const parsed = schema.safeParse(value);
      return parsed.success ? parsed.data : undefined;
    });
}

/**
 * The entries of a map keyed by id; `{}`, `[]`, null and absence all mean none (A14). Values are parsed by the caller.
 * Begins with an optional unknown, since zod demands a key whose schema is not optional.
 */
export const mapEntries = z
  .unknown()
  .optional()
  .transform((value, context): [string, unknown][] => {
    if (value === null || value === undefined) return [];
    if (typeof value === 'object' && !Array.isArray(value)) return Object.entries(value);
    if (Array.isArray(value) && value.length === 0) return [];
    context.addIssue({ code: 'custom', message: 'not a map' });
    return z.NEVER;
  });

/** A list whose elements are parsed one by one; one that cannot be read is left out. Empty in all the ways of a map. */
export function listOf<T extends z.ZodType>(schema: T): z.ZodType<z.output<T>[]> {
  return z
    .unknown()
    .optional()
    .transform((value, context): z.output<T>[] => {
      if (Array.isArray(value)) {
        return value.flatMap((item) => {
          const parsed = schema.safeParse(item);
          return parsed.success ? [parsed.data] : [];
        });
      }
      if (value === null || value === undefined) return [];
      if (typeof value === 'object' && Object.keys(value).length === 0) return [];
      context.addIssue({ code: 'custom', message: 'not a list' });
      return z.NEVER;
    });
}

export const portNumber = integer.refine((value) => value >= 1 && value <= 65_535);

/** External to internal port; keys are strings, values strings or numbers (A6). Pairs that are no ports are left out. */
export const portForwards = mapEntries.transform((entries) =>
  entries.flatMap(([external, internal]) => {
    const pair = z.tuple([portNumber, portNumber]).safeParse([external, internal]);
    return pair.success ? [{ external: pair.data[0], internal: pair.data[1] }] : [];
  }),
);

const latestTimestamp = Date.UTC(9999, 0);

/**
 * A moment, from an HTTP date ("Thu, 06 Jun 2024 19:45:29 GMT", VMs) or from
 * "2022-12-04 02:26:01.898472" (authorizations; taken as UTC, A37).
 */
export const timestamp = text.transform((value, context) => {
  const plain = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,3})?)\d*$/.exec(value.trim());
  const ms = Date.parse(plain === null ? value : `${plain[1] ?? ''}T${plain[2] ?? ''}Z`);
  // A year beyond these has no RFC 3339 form that the API server takes.
  if (Number.isNaN(ms) || ms < 0 || ms > latestTimestamp) {
    context.addIssue({ code: 'custom', message: 'not a timestamp' });
    return z.NEVER;
  }
  return new Date(ms);
});
