export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

/** Compact JSON with the keys of every object sorted as text: the wire form of the provider (API reference, section 1). */
export function sortedJson(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (isList(value)) return `[${value.map(sortedJson).join(',')}]`;
  return joinSorted(Object.entries(value).map(([key, member]) => [key, sortedJson(member)]));
}

/** An object of members that are JSON text already, sorted by key. */
export function joinSorted(members: readonly (readonly [key: string, json: string])[]): string {
  const sorted = [...members].sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, json]) => `${JSON.stringify(key)}:${json}`).join(',')}}`;
}

function isList(value: readonly Json[] | JsonObject): value is readonly Json[] {
  return Array.isArray(value);
}
