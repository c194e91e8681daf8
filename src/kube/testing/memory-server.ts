import { toTimestamp, type Clock } from '../../lib/clock.ts';
import { KubeError, type DeletePreconditions, type ObjectRef, type ResourceType } from '../contract.ts';
import { applyMergePatch, isEqualJson } from '../patch.ts';
import { namespaceType } from '../built-in-types.ts';
import { decoded, decodedPatch } from './decoding.ts';
import { nameOf, rulesOf, type KindOptions } from './kind-rules.ts';
import { MemoryKind } from './memory-kind.ts';
import { created, isGone, markedDeleted, updated } from './memory-object.ts';
import type { Watcher } from './memory-watch.ts';
import { checkName, checkPrecondition, checkVersionPrecondition, checkVersionForm } from './refusals.ts';
import type { Selection } from './selectors.ts';
import type { Decoded, Stored } from './stored-object.ts';

export interface MemoryServerOptions {
  readonly clock: Clock;
  readonly kinds: readonly KindOptions[];
  /**
   * Namespaces that exist from the start beside those of the system; needs the kind. Absent: namespaces need not exist.
   * As without the controllers of a cluster, one that is deleted stays on its way out.
   */
  readonly namespaces?: readonly string[];
}

const systemNamespaces = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

/** What the API server in memory stores, and what a write does to it. Every write takes effect at once or throws a KubeError. */
export class MemoryServer {
  readonly #clock: Clock;
  readonly #hasNamespaces: boolean;
  readonly #kinds = new Map<string, MemoryKind>();
  #version = 1;
  #serial = 0;

  constructor({ clock, kinds, namespaces }: MemoryServerOptions) {
    this.#clock = clock;
    this.#hasNamespaces = namespaces !== undefined;
    for (const kind of kinds) this.#kinds.set(nameOf(kind.type), new MemoryKind(kind.type, rulesOf(kind)));
    if (namespaces === undefined) return;
    for (const name of [...systemNamespaces, ...namespaces]) {
      this.create(this.kind(namespaceType), { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    }
  }

  get version(): number {
    return this.#version;
  }

  get kinds(): MemoryKind[] {
    return [...this.#kinds.values()];
  }

  kind(type: ResourceType): MemoryKind {
    const kind = this.#kinds.get(nameOf(type));
    if (kind !== undefined) return kind;
    throw unknownPath();
  }

  create(kind: MemoryKind, body: object): Stored {
    const object = this.#prepared(kind, decoded(kind, body));
    if (Number(object.metadata.resourceVersion) > 0) {
      throw new KubeError('resourceVersion should not be set on objects to be created', 'unavailable', 500);
    }
    return this.#add(kind, object);
  }

  replace(kind: MemoryKind, ref: ObjectRef, body: object): Stored {
    const wanted = decoded(kind, body);
    if (kind.rules.replaceCreates && kind.find(ref) === undefined) return this.#createByReplace(kind, wanted);
    const old = kind.need(ref);
    checkPrecondition(wanted.metadata.uid, old);
    return this.#update(kind, old, wanted, undefined);
  }

  patch(kind: MemoryKind, ref: ObjectRef, patch: object, subresource: 'status' | undefined): Stored {
    // None of the built-in kinds here has one that a controller would write.
    if (subresource !== undefined && kind.rules.isBuiltIn) throw unknownPath();
    const old = kind.need(ref);
    const wanted = decodedPatch(kind, applyMergePatch(old, patch) as object, old);
    checkName(kind, wanted.metadata, ref);
    return this.#update(kind, old, wanted, subresource);
  }

  delete(kind: MemoryKind, ref: ObjectRef, { uid, resourceVersion }: DeletePreconditions = {}): void {
    const old = kind.need(ref);
    checkPrecondition(uid, old);
    checkVersionPrecondition(resourceVersion, old);
    const next = markedDeleted(kind, old, this.#now());
    if (next !== old) kind.write(ref, isGone(next) ? undefined : next, this.#nextVersion());
  }

  /** From the version on; none, or "0", means to begin with what is there. */
  watch(kind: MemoryKind, resourceVersion: string, selection: Selection): Watcher {
    checkVersionForm({ resourceVersion: resourceVersion || '0' });
    const version = Number(resourceVersion);
    return version === 0 ? kind.watcherOfAll(this.#version, selection) : kind.watcherFrom(version, selection);
  }

  #createByReplace(kind: MemoryKind, wanted: Decoded): Stored {
    checkPrecondition(wanted.metadata.uid, undefined);
    this.#checkNamespace(kind, wanted);
    checkVersionForm(wanted.metadata);
    return this.#add(kind, this.#prepared(kind, wanted));
  }

  /** The object as it would be created, after it was judged. */
  #prepared(kind: MemoryKind, object: Decoded): Stored {
    this.#checkNamespace(kind, object);
    this.#serial += 1;
    const { name, generateName } = object.metadata;
    const identity = {
      name: name ?? generatedName(generateName, this.#serial),
      uid: `00000000-0000-4000-8000-${this.#serial.toString(16).padStart(12, '0')}`,
      now: this.#now(),
    };
    return created(kind, object, identity);
  }

  #add(kind: MemoryKind, object: Stored): Stored {
    if (kind.find(object.metadata) !== undefined) {
      throw new KubeError(`${kind.type.plural} "${object.metadata.name}" already exists`, 'alreadyExists', 409);
    }
    return kind.write(object.metadata, object, this.#nextVersion()) ?? object;
  }

  #update(kind: MemoryKind, old: Stored, wanted: Decoded, subresource: 'status' | undefined): Stored {
    const next = updated(kind, old, wanted, subresource);
    // As in the real one: a write that changes nothing is no write, and nobody is told.
    if (isEqualJson(old, next)) return old;
    const isLast = isGone(next);
    const stored = kind.write(old.metadata, isLast ? undefined : next, this.#nextVersion());
    return stored ?? next;
  }

  /** Nothing is created in a namespace that is not there, or that is on its way out. */
  #checkNamespace({ type }: MemoryKind, { metadata: { namespace: name = '' } }: Decoded): void {
    if (!this.#hasNamespaces || !type.namespaced) return;
    if (this.kind(namespaceType).need({ name }).metadata.deletionTimestamp === undefined) return;
    throw new KubeError(
      `unable to create new content in namespace ${name} because it is being terminated`,
      'forbidden',
      403,
    );
  }

  #nextVersion(): number {
    this.#version += 1;
    return this.#version;
  }

  #now(): string {
    return toTimestamp(this.#clock.now());
  }
}

const longestPrefix = 58;

function generatedName(prefix: string | undefined, serial: number): string | undefined {
  return prefix === undefined ? undefined : `${prefix.slice(0, longestPrefix)}${serial.toString(36).padStart(5, '0')}`;
}

function unknownPath(): KubeError {
  return new KubeError('the server could not find the requested resource', 'notFound', 404);
}
