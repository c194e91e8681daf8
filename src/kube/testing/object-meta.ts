import type { OwnerReference } from '../contract.ts';
import { always, flag, integer, listOf, mapOf, pointer, struct, text, time, type Shape } from './go-shape.ts';

/** metav1.ObjectMeta as the API server keeps it. managedFields are left out: no controller reads them. */
export const objectMeta: Shape = struct({
  name: text,
  generateName: text,
  namespace: text,
  uid: text,
  resourceVersion: text,
  generation: integer,
  creationTimestamp: time,
  deletionTimestamp: time,
  deletionGracePeriodSeconds: pointer(integer),
  labels: mapOf(text),
  annotations: mapOf(text),
  ownerReferences: listOf(
    struct({
      apiVersion: always(text),
      kind: always(text),
      name: always(text),
      uid: always(text),
      controller: pointer(flag),
      blockOwnerDeletion: pointer(flag),
    }),
  ),
  finalizers: listOf(text),
});

/** What `objectMeta` reads. */
export interface Metadata {
  readonly name?: string | undefined;
  readonly generateName?: string | undefined;
  readonly namespace?: string | undefined;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly generation?: number | undefined;
  readonly creationTimestamp?: string | undefined;
  readonly deletionTimestamp?: string | undefined;
  readonly deletionGracePeriodSeconds?: number | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly ownerReferences?: readonly OwnerReference[] | undefined;
  readonly finalizers?: readonly string[] | undefined;
}

const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const labelPart = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const mostAnnotationBytes = 256 * 1024;

export function isLabelKey(key: string): boolean {
  const [name = '', prefix, ...more] = key.split('/').reverse();
  return more.length === 0 && labelPart.test(name) && (prefix === undefined || isDnsSubdomain(prefix));
}

export function isLabelValue(value: string): boolean {
  return value === '' || labelPart.test(value);
}

function isDnsSubdomain(name: string): boolean {
  return name.length <= 253 && dnsSubdomain.test(name);
}

/** Why the API server refuses the metadata; undefined when it does not. Some kinds want finalizers with a domain. */
export function metadataFault(metadata: Metadata, wantsDomains: boolean): string | undefined {
  return (
    nameFault(metadata) ??
    labelFault(metadata) ??
    annotationFault(metadata) ??
    finalizerFault(metadata.finalizers ?? [], wantsDomains) ??
    ownerFault(metadata.ownerReferences ?? [])
  );
}

function nameFault({ name, generateName }: Metadata): string | undefined {
  if (name === undefined) return 'metadata.name: Required value: name or generateName is required';
  if (!isDnsSubdomain(name)) return `metadata.name: Invalid value: "${name}"`;
  if (generateName !== undefined && !isDnsSubdomain(generateName.replace(/-$/, 'a'))) {
    return `metadata.generateName: Invalid value: "${generateName}"`;
  }
  return undefined;
}

function labelFault({ labels = {} }: Metadata): string | undefined {
  const bad = Object.entries(labels).find(([key, value]) => !isLabelKey(key) || !isLabelValue(value));
  return bad && `metadata.labels: Invalid value: ${JSON.stringify(bad)}`;
}

function annotationFault({ annotations = {} }: Metadata): string | undefined {
  const entries = Object.entries(annotations);
  const bad = entries.find(([key]) => !isLabelKey(key.toLowerCase()));
  if (bad !== undefined) return `metadata.annotations: Invalid value: "${bad[0]}"`;
  const size = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  return size > mostAnnotationBytes ? 'metadata.annotations: Too long' : undefined;
}

/** Finalizers of the propagations other than background. */
export const garbageCollectors = ['orphan', 'foregroundDeletion'];

function finalizerFault(finalizers: readonly string[], wantsDomains: boolean): string | undefined {
  const isGood = (name: string): boolean =>
    isLabelKey(name) && (!wantsDomains || name.includes('/') || garbageCollectors.includes(name));
  const bad = finalizers.find((name) => !isGood(name));
  if (bad !== undefined) return `metadata.finalizers: Invalid value: "${bad}"`;
  const isTorn = garbageCollectors.every((name) => finalizers.includes(name));
  return isTorn ? 'metadata.finalizers: finalizer orphan and foregroundDeletion cannot be both set' : undefined;
}

function ownerFault(owners: NonNullable<Metadata['ownerReferences']>): string | undefined {
  for (const { apiVersion, kind, name, uid } of owners) {
    const required = { apiVersion, kind, name, uid };
    const missing = Object.entries(required).find(([, value]) => value === '');
    if (missing !== undefined) return `metadata.ownerReferences.${missing[0]}: must not be empty`;
    if (apiVersion === 'v1' && kind === 'Event') return 'metadata.ownerReferences: /v1, Kind=Event is disallowed';
  }
  const controllers = owners.filter(({ controller }) => controller === true);
  return controllers.length > 1 ? 'metadata.ownerReferences: Only one reference can have Controller set' : undefined;
}
