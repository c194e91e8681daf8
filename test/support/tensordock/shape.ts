import { isMap, memberPath, type Json, type JsonObject } from './saved.ts';

/** A sentence for every difference in keys or JSON types between a saved response and an answer. */
export function differences(saved: Json, answered: Json, path = ''): string[] {
  if (typeOf(saved) !== typeOf(answered)) return [`${path}: ${typeOf(answered)} instead of ${typeOf(saved)}`];
  if (isList(saved) && isList(answered)) {
    const [first] = saved;
    return first === undefined ? [] : answered.flatMap((one) => differences(first, one, `${path}[]`));
  }
  return isObject(saved) && isObject(answered) ? objectDifferences(saved, answered, path) : [];
}

function objectDifferences(saved: JsonObject, answered: JsonObject, path: string): string[] {
  if (isMap(path, saved)) {
    const [first] = Object.values(saved);
    const values = first === undefined ? [] : Object.values(answered);
    return values.flatMap((one) => differences(first ?? null, one, memberPath(path, '*')));
  }
  const missing = Object.keys(saved).filter((key) => !(key in answered));
  const added = Object.keys(answered).filter((key) => !(key in saved));
  const shared = Object.entries(saved).filter(([key]) => key in answered);
  return [
    ...missing.map((key) => `${memberPath(path, key)}: missing`),
    ...added.map((key) => `${memberPath(path, key)}: added`),
    ...shared.flatMap(([key, value]) => differences(value, answered[key] ?? null, memberPath(path, key))),
  ];
}

/** The same as a JSON Schema: what has this shape, all keys included, is valid, and a map or list must not be empty. */
export function schemaOf(saved: Json, additions: readonly string[], path = ''): JsonObject {
  if (isList(saved)) {
    const [first] = saved;
    if (first === undefined) return { type: 'array' };
    return { type: 'array', minItems: 1, items: schemaOf(first, additions, `${path}[]`) };
  }
  return isObject(saved) ? objectSchema(saved, additions, path) : { type: typeOf(saved) };
}

function objectSchema(saved: JsonObject, additions: readonly string[], path: string): JsonObject {
  const [first] = Object.values(saved);
  if (isMap(path, saved) && first !== undefined) {
    return {
      type: 'object',
      minProperties: 1,
      additionalProperties: schemaOf(first, additions, memberPath(path, '*')),
    };
  }
  const added = additions.filter((addition) => memberPath(path, lastKey(addition)) === addition).map(lastKey);
  const members = Object.entries(saved).map(([key, value]): [string, JsonObject] => [
    key,
    schemaOf(value, additions, memberPath(path, key)),
  ]);
  const properties = Object.fromEntries([...added.map((key): [string, JsonObject] => [key, {}]), ...members]);
  return { type: 'object', required: Object.keys(saved), properties, additionalProperties: false };
}

function lastKey(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

function typeOf(value: Json): string {
  if (value === null) return 'null';
  return isList(value) ? 'array' : typeof value;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !isList(value);
}
