/**
 * The API server as the operator needs it, generic over kinds. Everything the operator does to the cluster goes
 * through this interface, so that an in-process model can stand in for a real API server in the deterministic simulation.
 */

/** Metadata of any object, as far as controllers read it. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number | undefined;
  readonly creationTimestamp?: string | undefined;
  readonly deletionTimestamp?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly finalizers?: readonly string[] | undefined;
  readonly ownerReferences?: readonly OwnerReference[] | undefined;
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface KubeObject {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly metadata: ObjectMeta;
}

/** Which resource: `{ group: 'gpuvm.dev', version: 'v1alpha1', plural: 'gpuvms', kind: 'GpuVm' }`; core has group ''. */
export interface ResourceType {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

export interface ObjectRef {
  /** Absent for cluster-scoped kinds. */
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface ListSelector {
  readonly namespace?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

export interface ObjectList<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface KubeApi {
  list<T extends KubeObject>(type: ResourceType, selector?: ListSelector, signal?: AbortSignal): Promise<ObjectList<T>>;
  /**
   * Events after `resourceVersion`, in order. Returns when the server ends the watch (its time-out); throws a KubeError
   * when it breaks, kind `expired` when the version is too old and the caller has to list again.
   */
  watch<T extends KubeObject>(
    type: ResourceType,
    options: { readonly resourceVersion: string; readonly selector?: ListSelector; readonly signal: AbortSignal },
  ): AsyncIterable<WatchEvent<T>>;
  /** Undefined when there is none with that name. */
  get<T extends KubeObject>(type: ResourceType, ref: ObjectRef): Promise<T | undefined>;
  create<T extends KubeObject>(type: ResourceType, object: NewObject): Promise<T>;
  /** Replaces the whole object; a stale resourceVersion is a `conflict`. */
  replace<T extends KubeObject>(type: ResourceType, object: T): Promise<T>;
  /**
   * JSON merge patch of the object, or of its status subresource. Put `metadata.resourceVersion` into the patch for an
   * optimistic lock: the server answers `conflict` when the object has changed since.
   */
  mergePatch<T extends KubeObject>(
    type: ResourceType,
    ref: ObjectRef,
    patch: object,
    subresource?: 'status',
  ): Promise<T>;
  delete(type: ResourceType, ref: ObjectRef, preconditions?: DeletePreconditions): Promise<void>;
}

/** What has to be so when the object is deleted; otherwise `conflict`. */
export interface DeletePreconditions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

export interface NewObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string | undefined;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly OwnerReference[];
  };
  readonly [field: string]: unknown;
}

export type KubeErrorKind =
  'notFound' | 'conflict' | 'alreadyExists' | 'expired' | 'forbidden' | 'invalid' | 'unavailable' | 'unknown';

export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly kind: KubeErrorKind;
  readonly httpStatus: number | undefined;

  constructor(message: string, kind: KubeErrorKind, httpStatus?: number) {
    super(message);
    this.kind = kind;
    this.httpStatus = httpStatus;
  }
}

export function isKubeError(error: unknown, ...kinds: KubeErrorKind[]): error is KubeError {
  return error instanceof KubeError && (kinds.length === 0 || kinds.includes(error.kind));
}

/** Nothing new is made in a namespace that is being deleted. Its resources are deleted as well, some seconds later. */
export function isOfEndingNamespace(error: unknown): boolean {
  return isKubeError(error, 'forbidden') && error.message.includes('because it is being terminated');
}

/** What a reconcile ends with; only the runner turns it into queue action, metric and log. */
export type Outcome =
  /** Nothing more to do until something changes. */
  | { readonly kind: 'done' }
  /** Look again after this long, even if nothing changes. */
  | { readonly kind: 'requeueAfter'; readonly delayMs: number }
  /** Look again at once, behind the others. No error: something expected came in between, such as a write conflict. */
  | { readonly kind: 'requeue' };

/** One kind's controller as the runner sees it: it is given a key, reads the world itself, and says how it ended. */
export interface Reconciler {
  readonly name: string;
  /** Throwing means: count an error, log it, come back with back-off. */
  reconcile(key: string, context: ReconcileContext): Promise<Outcome>;
}

export interface ReconcileContext {
  /** Appears in every log line of this reconcile. */
  readonly reconcileId: string;
  /** Aborted as soon as the process is told to stop or has lost the lease: what has not begun yet is left to the next one. */
  readonly stopping: AbortSignal;
  /** Aborted when there is no more time for what has begun either: after the grace, or at once without the lease. */
  readonly signal: AbortSignal;
}

/** `namespace/name`, or `name` for cluster-scoped kinds. */
export function keyOf(ref: ObjectRef): string {
  return ref.namespace === undefined ? ref.name : `${ref.namespace}/${ref.name}`;
}
