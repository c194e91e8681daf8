/**
 * `copy`, but for parts that are equal to the same part of `original`: of these the original is used, so that only one of the two is
 * kept in memory. JSON values; neither may be changed afterwards.
 */
export function sharedWith<T>(copy: T, original: unknown): T {
  if (Array.isArray(copy) && Array.isArray(original)) return sharedList(copy, original) as T;
  if (isObject(copy) && isObject(original)) return sharedObject(copy, original) as T;
  return copy;
}

function sharedList(copy: readonly unknown[], original: readonly unknown[]): readonly unknown[] {
  const items = copy.map((item, index) => sharedWith(item, original[index]));
  const isSame = items.length === original.length && items.every((item, index) => item === original[index]);
  return isSame ? original : items;
}

type JsonObject = Readonly<Record<string, unknown>>;

function sharedObject(copy: JsonObject, original: JsonObject): JsonObject {
  const entries = Object.entries(copy).map(([key, value]) => {
    return [key, Object.hasOwn(original, key) ? sharedWith(value, original[key]) : value] as const;
  });
  const isSame =
    entries.length === Object.keys(original).length &&
    entries.every(([key, value]) => Object.hasOwn(original, key) && value === original[key]);
  return isSame ? original : Object.fromEntries(entries);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
