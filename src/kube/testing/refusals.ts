import { KubeError, type ObjectMeta, type ObjectRef, type ResourceType } from '../contract.ts';
import type { KindRules } from './kind-rules.ts';
import { metadataFault, type Metadata } from './object-meta.ts';
import type { Kind, Stored } from './stored-object.ts';

/** What the API server refuses, in its order and with its statuses. */

export function notFound({ type }: Kind, { name }: ObjectRef): KubeError {
  const qualified = type.group === '' ? type.plural : `${type.plural}.${type.group}`;
  return new KubeError(`${qualified} "${name}" not found`, 'notFound', 404);
}

/** The name in a body has to be that of the URL; the namespace may be left out, and a cluster-scoped kind has none. */
export function checkName({ type }: Kind, { name, namespace }: Metadata, ref: ObjectRef): void {
  if (name === ref.name && (namespace === undefined || namespace === ref.namespace || !type.namespaced)) return;
  throw new KubeError('the name of the object does not match the name on the URL', 'invalid', 400);
}

/** A uid that a deletion or a replacement names has to be that of the object. */
export function checkPrecondition(uid: string | undefined, object: Stored | undefined): void {
  if (uid === undefined || uid === object?.metadata.uid) return;
  throw new KubeError('Precondition failed: UID in precondition differs', 'conflict', 409);
}

/** As text: no form of it is refused here. */
export function checkVersionPrecondition(version: string | undefined, { metadata }: Stored): void {
  if (version === undefined || version === metadata.resourceVersion) return;
  throw new KubeError('Precondition failed: ResourceVersion in precondition differs', 'conflict', 409);
}

/** A version that is no number: the status blames the server. */
export function checkVersionForm({ resourceVersion = '0' }: Metadata): void {
  if (/^\d+$/.test(resourceVersion)) return;
  throw new KubeError(`strconv.ParseUint: parsing "${resourceVersion}": invalid syntax`, 'unavailable', 500);
}

/** The optimistic lock. */
export function checkVersion({ type, rules }: Kind, old: Stored, metadata: Metadata): void {
  const { name = '', resourceVersion = '0' } = metadata;
  checkVersionForm(metadata);
  if (resourceVersion === old.metadata.resourceVersion) return;
  if (resourceVersion === '0') {
    if (!rules.needsVersion) return;
    throw invalid(type, name, 'metadata.resourceVersion: Invalid value: 0: must be specified for an update');
  }
  throw new KubeError(
    `Operation cannot be fulfilled on ${type.plural} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
    'conflict',
    409,
  );
}

/** What is wrong in itself, or may not have changed. */
export function checkObject({ type, rules }: Kind, object: Stored, old: Stored | undefined): void {
  const fault =
    identityFault(type, object) ??
    (object.metadata === old?.metadata ? undefined : metadataFaults(rules, object.metadata, old?.metadata)) ??
    rules.schema?.fault(object, old) ??
    rules.fault?.(object, old);
  if (fault !== undefined) throw invalid(type, object.metadata.name, fault);
}

function identityFault({ kind }: ResourceType, object: Stored): string | undefined {
  return object.kind === kind ? undefined : `kind: Invalid value: "${String(object.kind)}": must be ${kind}`;
}

function metadataFaults(
  { wantsDomains }: KindRules,
  metadata: Stored['metadata'],
  old: Stored['metadata'] | undefined,
): string | undefined {
  return metadataFault(metadata, wantsDomains) ?? (old === undefined ? undefined : changeFault(old, metadata));
}

const immutables = ['name', 'namespace', 'uid', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const;

function changeFault(old: Stored['metadata'], metadata: Stored['metadata']): string | undefined {
  const changed = immutables.find((field) => metadata[field] !== old[field]);
  if (changed !== undefined) {
    return `metadata.${changed}: Invalid value: ${JSON.stringify(metadata[changed])}: field is immutable`;
  }
  return newFinalizerFault(old, metadata);
}

function newFinalizerFault(old: ObjectMeta, { finalizers = [] }: ObjectMeta): string | undefined {
  if (old.deletionTimestamp === undefined) return undefined;
  const added = finalizers.filter((name) => !old.finalizers?.includes(name));
  if (added.length === 0) return undefined;
  return `metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`;
}

function invalid(type: ResourceType, name: string, fault: string): KubeError {
  return new KubeError(`${type.kind} "${name}" is invalid: ${fault}`, 'invalid', 422);
}
