import { KubeError, type KubeObject, type NewObject, type ObjectMeta } from '../contract.ts';
import { isEqualJson } from '../patch.ts';

/** An object as the API server stores it: metadata and any other fields. */
export interface Stored extends KubeObject {
  readonly metadata: ObjectMeta & { readonly deletionGracePeriodSeconds?: number };
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly [field: string]: unknown;
}

/** How the API server treats a kind. */
export interface KindRules {
  /** Status is written through its subresource only, and everything else through the object only. */
  readonly statusSubresource: boolean;
  /** Refuses an object by returning the reason, as validation of a CRD does. */
  readonly validate?: ((object: Stored) => string | undefined) | undefined;
}

/** What the object is after creation. `identity` is what the server chooses. */
export function created(
  object: NewObject,
  rules: KindRules,
  identity: { readonly name: string; readonly uid: string; readonly resourceVersion: string; readonly now: string },
): Stored {
  const metadata = without(structuredClone(object.metadata), 'generateName');
  const stored: Record<string, unknown> = {
    ...structuredClone(object),
    metadata: {
      ...metadata,
      name: identity.name,
      uid: identity.uid,
      resourceVersion: identity.resourceVersion,
      creationTimestamp: identity.now,
      ...(rules.statusSubresource ? { generation: 1 } : {}),
    },
  };
  if (rules.statusSubresource) delete stored['status'];
  return withoutUndefined(stored) as Stored;
}

/**
 * What the object is after a write to it, or to its status: fields that the writer may not change are as they were.
 * The resourceVersion is still the old one. Throws a KubeError for a write that the API server refuses.
 */
export function updated(old: Stored, wanted: Stored, rules: KindRules, subresource: 'status' | undefined): Stored {
  checkVersion(old, wanted);
  if (subresource === 'status') return withField(old, 'status', wanted.status);
  const next = rules.statusSubresource ? withField(wanted, 'status', old.status) : wanted;
  const metadata = {
    ...next.metadata,
    name: old.metadata.name,
    namespace: old.metadata.namespace,
    uid: old.metadata.uid,
    resourceVersion: old.metadata.resourceVersion,
    creationTimestamp: old.metadata.creationTimestamp,
    deletionTimestamp: old.metadata.deletionTimestamp,
    deletionGracePeriodSeconds: old.metadata.deletionGracePeriodSeconds,
    generation: old.metadata.generation,
  };
  checkFinalizers(old, metadata);
  const result = withoutUndefined({ ...next, metadata: withoutEmptyLists(metadata) }) as Stored;
  if (!rules.statusSubresource || isEqualJson(body(old), body(result))) return result;
  return { ...result, metadata: { ...result.metadata, generation: (old.metadata.generation ?? 0) + 1 } };
}

/** What becomes of an object with finalizers when it is deleted: it stays, and says so. Undefined: it is marked already. */
export function markedDeleted(old: Stored, now: string): Stored | undefined {
  if (old.metadata.deletionTimestamp !== undefined) return undefined;
  const generation = old.metadata.generation === undefined ? {} : { generation: old.metadata.generation + 1 };
  return {
    ...old,
    metadata: { ...old.metadata, ...generation, deletionTimestamp: now, deletionGracePeriodSeconds: 0 },
  };
}

/** True once nothing holds a deleted object any more. */
export function isGone(object: Stored): boolean {
  return object.metadata.deletionTimestamp !== undefined && (object.metadata.finalizers ?? []).length === 0;
}

export function withVersion(object: Stored, resourceVersion: string): Stored {
  return { ...object, metadata: { ...object.metadata, resourceVersion } };
}

function checkVersion(old: Stored, wanted: Stored): void {
  const { name, uid, resourceVersion } = wanted.metadata;
  if (resourceVersion !== old.metadata.resourceVersion) {
    throw new KubeError(
      `Operation cannot be fulfilled on "${name}": the object has been modified; please apply your changes to the latest version and try again`,
      'conflict',
      409,
    );
  }
  if (uid !== old.metadata.uid) {
    throw new KubeError(`metadata.uid: Invalid value: "${uid}": field is immutable`, 'invalid', 422);
  }
}

function checkFinalizers(old: Stored, metadata: ObjectMeta): void {
  if (old.metadata.deletionTimestamp === undefined) return;
  const added = (metadata.finalizers ?? []).filter((name) => !old.metadata.finalizers?.includes(name));
  if (added.length === 0) return;
  throw new KubeError(
    `metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`,
    'invalid',
    422,
  );
}

/** Everything whose change counts as a new generation. */
function body(object: Stored): object {
  return without(object, 'metadata', 'status');
}

function withField(object: Stored, field: string, value: unknown): Stored {
  return { ...without(object, field), ...(value === undefined ? {} : { [field]: value }) } as Stored;
}

function without(object: object, ...fields: string[]): object {
  return Object.fromEntries(Object.entries(object).filter(([field]) => !fields.includes(field)));
}

function withoutEmptyLists(metadata: ObjectMeta): ObjectMeta {
  const entries = Object.entries(metadata).filter(([, value]) => !(Array.isArray(value) && value.length === 0));
  return Object.fromEntries(entries) as unknown as ObjectMeta;
}

function withoutUndefined(object: object): object {
  return JSON.parse(JSON.stringify(object)) as object;
}
