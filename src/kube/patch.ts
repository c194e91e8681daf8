import { isKubeError, type KubeApi, type KubeObject, type ObjectMeta, type ResourceType } from './contract.ts';

/** JSON as objects of the API server hold it. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

export interface MergePatch {
  readonly [key: string]: Json | undefined;
}

type JsonObject = Exclude<Json, null | boolean | number | string | readonly Json[]>;

/**
 * The smallest JSON merge patch (RFC 7386) that turns `current` into `desired`, or undefined when they are equal. The
 * order of keys does not matter; a key whose value is undefined counts as absent. Lists are replaced as a whole, as the
 * RFC has it. `desired` must hold no null below an object: a merge patch cannot say it.
 */
export function mergePatch(current: object, desired: object): MergePatch | undefined {
  return objectPatch(current as JsonObject, desired as JsonObject);
}

/**
 * The merge patch of the status subresource that makes the status `desired`; undefined when it is so already, and then
 * nothing may be written: while nothing changes, the operator does not write.
 *
 * @param lock put the resourceVersion in: the server refuses with `conflict` if the object has changed since it was read
 */
export function statusPatch(
  object: { readonly metadata: Pick<ObjectMeta, 'resourceVersion'>; readonly status?: object | undefined },
  desired: object,
  options: { readonly lock: boolean },
): MergePatch | undefined {
  const status = mergePatch(object.status ?? {}, desired);
  if (status === undefined) return undefined;
  return options.lock ? { metadata: { resourceVersion: object.metadata.resourceVersion }, status } : { status };
}

/** Writes `desired` as the status if it differs. Returns the object as it is then; rejects `conflict` when locked and stale. */
export async function writeStatus<T extends KubeObject & { readonly status?: object | undefined }>(
  api: KubeApi,
  type: ResourceType,
  object: T,
  write: { readonly desired: object; readonly lock: boolean },
): Promise<T> {
  const patch = statusPatch(object, write.desired, { lock: write.lock });
  if (patch === undefined) return object;
  return api.mergePatch<T>(type, object.metadata, patch, 'status');
}

/**
 * Patches the object with this UID. Somebody may have deleted it since it was read, and made another one under its name, which is
 * theirs: that one's UID cannot be changed, so the API server refuses.
 *
 * @returns `another`: its name is another one's by now. Rejects `notFound` when there is none.
 */
export async function patchByUid<T extends KubeObject>(
  api: KubeApi,
  type: ResourceType,
  ref: Pick<ObjectMeta, 'namespace' | 'name'> & { readonly uid: string | undefined },
  patch: { readonly metadata?: object },
): Promise<T | 'another'> {
  const { uid } = ref;
  try {
    return await api.mergePatch<T>(type, ref, { ...patch, metadata: { ...patch.metadata, uid } });
  } catch (error) {
    if (!isKubeError(error, 'invalid', 'conflict')) throw error;
    if ((await api.get(type, ref))?.metadata.uid === uid) throw error;
    return 'another';
  }
}

/** Applies a merge patch as RFC 7386 describes it. Neither argument is changed; unchanged parts are shared. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    if (value === null) Reflect.deleteProperty(result, key);
    else define(result, key, applyMergePatch(Object.hasOwn(result, key) ? result[key] : undefined, value));
  }
  return result;
}

/** Deep equality of JSON values; keys in any order, undefined counts as absent. */
export function isEqualJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, position) => isEqualJson(item, b[position]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = definedKeys(a);
  return (
    keys.length === definedKeys(b).length && keys.every((key) => Object.hasOwn(b, key) && isEqualJson(a[key], b[key]))
  );
}

function objectPatch(current: JsonObject, desired: JsonObject): MergePatch | undefined {
  const patch: Record<string, Json | undefined> = {};
  for (const key of definedKeys(current)) {
    if (own(desired, key) === undefined) define(patch, key, null);
  }
  for (const key of definedKeys(desired)) {
    const change = valuePatch(own(current, key), own(desired, key));
    if (change !== undefined) define(patch, key, change);
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function valuePatch(current: Json | undefined, desired: Json | undefined): Json | undefined {
  if (isObject(desired)) {
    if (isObject(current)) return objectPatch(current, desired);
    return withoutUndefined(desired);
  }
  return isEqualJson(current, desired) ? undefined : desired;
}

function withoutUndefined(object: JsonObject): JsonObject {
  const result: Record<string, Json> = {};
  for (const [key, value] of Object.entries(object)) {
    if (value === undefined) continue;
    define(result, key, isObject(value) ? withoutUndefined(value) : value);
  }
  return result;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function definedKeys(object: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(object).filter((key) => object[key] !== undefined);
}

/** `__proto__` is a legal JSON key: reading or assigning it plainly would reach the prototype. */
function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function define(object: Record<string, unknown>, key: string, value: unknown): void {
  // The general way is many times slower, and the model of the API server goes through here with every write.
  if (key !== '__proto__') object[key] = value;
  else Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}
