import * as z from 'zod';

import { printable, shortened } from '../lib/printable.ts';

/**
 * A status as the API server takes it and a terminal may show it: every text on one line and within the length that its
 * schema allows, every list within its number of items. Texts of the provider and of users end up in statuses, and one that
 * the API server refused would be a status that can never be written again. What fits is returned as it is.
 */
export function fitted<T>(schema: z.ZodType, value: T): T {
  return fit(schema, value) as T;
}

function fit(schema: z.ZodType, value: unknown): unknown {
  if (schema instanceof z.ZodOptional) return fit(schema.unwrap() as z.ZodType, value);
  if (typeof value === 'string') return schema instanceof z.ZodString ? fitText(schema, value) : value;
  if (Array.isArray(value)) return schema instanceof z.ZodArray ? fitList(schema, value) : value;
  if (schema instanceof z.ZodObject && typeof value === 'object' && value !== null) return fitObject(schema, value);
  return value;
}

function fitText(schema: z.ZodString, text: string): string {
  const clean = printable(text);
  return schema.maxLength === null ? clean : shortened(clean, schema.maxLength);
}

function fitList(schema: z.ZodArray, items: readonly unknown[]): unknown[] {
  const element = schema.element as z.ZodType;
  return items.slice(0, mostItemsOf(schema)).map((item) => fit(element, item));
}

function mostItemsOf(schema: z.ZodArray): number {
  for (const check of schema.def.checks ?? []) {
    const { def } = check._zod;
    if (def.check === 'max_length' && 'maximum' in def) return Number(def.maximum);
  }
  return Infinity;
}

function fitObject(schema: z.ZodObject, object: object): object {
  const shape = schema.shape as Readonly<Record<string, z.ZodType | undefined>>;
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => {
      const field = Object.hasOwn(shape, key) ? shape[key] : undefined;
      return [key, field === undefined ? value : fit(field, value)];
    }),
  );
}
