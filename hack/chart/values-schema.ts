import { z } from 'zod';

import { chartValues } from './values.ts';

/** A value, or a group of them, as JSON Schema has it. */
export interface ValueSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly items?: ValueSchema;
  readonly anyOf?: readonly ValueSchema[];
  readonly properties?: Readonly<Record<string, ValueSchema>>;
  readonly [keyword: string]: unknown;
}

/** All values of the chart, in their order. */
export function valuesOfChart(): ValueSchema {
  return z.toJSONSchema(chartValues, { target: 'draft-7', io: 'input' }) as ValueSchema;
}

/** Whether it has values of its own, with defaults of their own. */
export function isGroup(schema: ValueSchema): boolean {
  return schema.properties !== undefined && schema.default === undefined;
}

/** values.schema.json, by which helm refuses what the chart does not know. */
export function valuesSchemaFile(): string {
  const { properties, ...rest } = valuesOfChart();
  // A chart that has this one as a part passes its own global values on.
  const global = { type: 'object', description: 'Values that all charts of a release share. None is used.' };
  return `${JSON.stringify({ ...rest, properties: { ...properties, global } }, undefined, 2)}\n`;
}
