/** A structural schema of a CRD, as far as it says what is added and dropped. */
export interface Schema {
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The value with its defaults, without fields that the schema does not know, and without nulls that may not be: the rules
 * of apiextensions-apiserver's defaulting and pruning. A value that stays as it is is returned itself.
 */
export function normalized(value: unknown, schema: Schema): unknown {
  if (Array.isArray(value)) return normalizedList(value, schema);
  if (typeof value !== 'object' || value === null) return value;
  return normalizedObject(value as JsonObject, schema);
}

function normalizedList(list: readonly unknown[], { items }: Schema): readonly unknown[] {
  if (items === undefined) return list;
  const result = list.map((item) => (isBarredNull(item, items) ? defaultOf(items) : normalized(item, items)));
  return result.every((item, position) => item === list[position]) ? list : result;
}

function normalizedObject(object: JsonObject, schema: Schema): JsonObject {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object)) {
    const own = schemaOf(schema, key);
    if (own !== undefined && !isBarredNull(value, own)) result[key] = normalized(value, own);
  }
  for (const [key, own] of Object.entries(schema.properties ?? {})) {
    if (own.default !== undefined && !Object.hasOwn(result, key)) result[key] = defaultOf(own);
  }
  return isShallowlyEqual(object, result) ? object : result;
}

function isShallowlyEqual(a: JsonObject, b: JsonObject): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

const anything: Schema = { nullable: true, 'x-kubernetes-preserve-unknown-fields': true };

/** Undefined: the field is not known. */
function schemaOf(schema: Schema, key: string): Schema | undefined {
  const { properties = {}, additionalProperties } = schema;
  if (Object.hasOwn(properties, key)) return properties[key];
  if (typeof additionalProperties === 'object') return additionalProperties;
  const isOpen = additionalProperties === true || schema['x-kubernetes-preserve-unknown-fields'] === true;
  return isOpen ? anything : undefined;
}

/** A null in a list that has no default stays, and is refused later. */
function defaultOf(schema: Schema): unknown {
  return schema.default === undefined ? null : normalized(structuredClone(schema.default), schema);
}

function isBarredNull(value: unknown, schema: Schema): boolean {
  return value === null && schema.nullable !== true;
}
