import type { KubeObject, ObjectMeta, ResourceType } from '../contract.ts';
import type { Metadata } from './object-meta.ts';
import type { KindRules } from './kind-rules.ts';

/** An object as the API server stores it: metadata and any other fields. Frozen, and so are all of its parts. */
export interface Stored extends KubeObject {
  readonly metadata: ObjectMeta & Pick<Metadata, 'generateName' | 'deletionGracePeriodSeconds'>;
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly [field: string]: unknown;
}

/** An object as a client wrote it, read by the rules of its kind, but not judged yet. */
export type Decoded = Omit<Stored, 'metadata'> & { readonly metadata: Metadata };

/** A kind and its rules. */
export interface Kind {
  readonly type: ResourceType;
  readonly rules: KindRules;
}

/** The object under this version, with all of its parts frozen: it may be handed out as it is. */
export function withVersion(object: Stored, resourceVersion: string): Stored {
  return frozen({ ...object, metadata: { ...object.metadata, resourceVersion } });
}

/** Parts that were stored before are frozen already, and not looked into again. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}

/** The object with another value of one field; undefined: without the field. */
export function withField(object: Stored, field: string, value: unknown): Stored {
  if (object[field] === value) return object;
  const result: Record<string, unknown> = { ...object, [field]: value };
  if (value === undefined) Reflect.deleteProperty(result, field);
  return result as unknown as Stored;
}
