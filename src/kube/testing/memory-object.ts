import { isEqualJson } from '../patch.ts';
import { garbageCollectors, type Metadata } from './object-meta.ts';
import { checkObject, checkVersion } from './refusals.ts';
import { withField, type Decoded, type Kind, type Stored } from './stored-object.ts';

/** What the object is after creation. `identity` is what the server chooses. Throws a KubeError when it is refused. */
export function created(
  kind: Kind,
  object: Decoded,
  identity: { readonly name: string | undefined; readonly uid: string; readonly now: string },
): Stored {
  const { type, rules } = kind;
  const { generation, namespace, ...sent } = object.metadata;
  const metadata = withoutUndefined({
    ...sent,
    ...uniqueOwners(sent),
    name: identity.name,
    namespace: type.namespaced ? namespace : undefined,
    uid: identity.uid,
    creationTimestamp: identity.now,
    deletionTimestamp: undefined,
    deletionGracePeriodSeconds: undefined,
    generation: rules.isBuiltIn ? generation : 1,
  });
  const whole = { ...object, metadata } as Stored;
  const own = rules.isBuiltIn ? whole : withField(whole, 'status', undefined);
  const complete = rules.complete?.(own, undefined) ?? own;
  checkObject(kind, complete, undefined);
  return complete;
}

/**
 * What the object is after a write to it, or to its status: fields that the writer may not change are as they were.
 * The resourceVersion is still the old one. Throws a KubeError for a write that the API server refuses.
 */
export function updated(kind: Kind, old: Stored, wanted: Decoded, subresource: 'status' | undefined): Stored {
  const { rules } = kind;
  checkVersion(kind, old, wanted.metadata);
  const next = subresource === 'status' ? withField(old, 'status', wanted.status) : withOldMetadata(kind, old, wanted);
  const complete = rules.complete?.(next, old) ?? next;
  checkObject(kind, complete, old);
  return complete;
}

function withOldMetadata({ rules }: Kind, old: Stored, wanted: Decoded): Stored {
  const { metadata: before } = old;
  const next = rules.isBuiltIn ? (wanted as Stored) : withField(wanted as Stored, 'status', old.status);
  const isSame = rules.isBuiltIn || isEqualBody(old, next);
  const metadata = withoutUndefined({
    ...wanted.metadata,
    ...uniqueOwners(wanted.metadata),
    namespace: before.namespace,
    uid: wanted.metadata.uid ?? before.uid,
    resourceVersion: before.resourceVersion,
    creationTimestamp: before.creationTimestamp,
    deletionTimestamp: before.deletionTimestamp ?? wanted.metadata.deletionTimestamp,
    deletionGracePeriodSeconds: wanted.metadata.deletionGracePeriodSeconds ?? before.deletionGracePeriodSeconds,
    generation: isSame ? before.generation : (before.generation ?? 0) + 1,
  });
  return { ...next, metadata };
}

/** Whether everything whose change counts as a new generation is the same. */
function isEqualBody(a: Stored, b: Stored): boolean {
  const none = { metadata: undefined, status: undefined };
  return isEqualJson({ ...a, ...none }, { ...b, ...none });
}

/** An owner that is named twice in the same words is named once. */
function uniqueOwners({ ownerReferences }: Metadata): Pick<Metadata, 'ownerReferences'> {
  if (ownerReferences === undefined) return {};
  const isFirst = (one: object, position: number): boolean =>
    ownerReferences.findIndex((other) => isEqualJson(one, other)) === position;
  return { ownerReferences: ownerReferences.filter(isFirst) };
}

/**
 * What becomes of an object when it is deleted with background propagation, should it stay: it says so, and loses the
 * finalizers of the other propagations. The same object: nothing changes.
 */
export function markedDeleted({ rules }: Kind, old: Stored, now: string): Stored {
  const { finalizers = [], deletionTimestamp, generation } = old.metadata;
  const held = finalizers.filter((name) => !garbageCollectors.includes(name));
  if (deletionTimestamp !== undefined && held.length === finalizers.length) return old;
  const mark = { deletionTimestamp: now, deletionGracePeriodSeconds: 0, generation: generation && generation + 1 };
  const metadata = withoutUndefined({
    ...old.metadata,
    ...(deletionTimestamp === undefined && mark),
    finalizers: held.length === 0 ? undefined : held,
  });
  const marked = { ...old, metadata };
  return rules.marked?.(marked) ?? marked;
}

/** True once nothing holds a deleted object any more. Namespaces have finalizers of their own as well. */
export function isGone({ kind, metadata, spec }: Stored): boolean {
  const own = kind === 'Namespace' ? (spec as { finalizers?: readonly string[] }).finalizers : undefined;
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? own ?? []).length === 0;
}

function withoutUndefined(metadata: Metadata): Stored['metadata'] {
  const entries = Object.entries(metadata).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as unknown as Stored['metadata'];
}
