import { z } from 'zod';

/** The shapes that values of the chart are made of. A value has a default and a sentence; a group has a sentence and values. */

export function text(fallback: string, description: string): z.ZodType {
  return z.string().default(fallback).describe(description);
}

export function flag(fallback: boolean, description: string): z.ZodType {
  return z.boolean().default(fallback).describe(description);
}

export function count(fallback: number, bounds: { min: number; max: number }, description: string): z.ZodType {
  return z.int().min(bounds.min).max(bounds.max).default(fallback).describe(description);
}

export function oneOf(choices: readonly [string, ...string[]], description: string): z.ZodType {
  return z.enum(choices).default(choices[0]).describe(description);
}

/** Labels, annotations: texts by name. */
export function texts(description: string): z.ZodType {
  return z.record(z.string(), z.string()).default({}).describe(description);
}

/** Of a type of Kubernetes, which the API server checks. */
export function object(fallback: Readonly<Record<string, unknown>>, description: string): z.ZodType {
  return z.record(z.string(), z.unknown()).default(fallback).describe(description);
}

/** A list of such objects. */
export function objects(description: string): z.ZodType {
  return z.array(z.record(z.string(), z.unknown())).default([]).describe(description);
}

export function numbers(fallback: readonly number[], description: string): z.ZodType {
  return z
    .array(z.int().min(1).max(65_535))
    .default([...fallback])
    .describe(description);
}

export function words(fallback: readonly string[], description: string): z.ZodType {
  return z
    .array(z.string())
    .default([...fallback])
    .describe(description);
}

/** Nothing but these: a misspelt value is refused. */
export function group(description: string, values: Readonly<Record<string, z.ZodType>>): z.ZodType {
  return z.strictObject(values).describe(description);
}
