import { toTimestamp, type Clock } from '../../lib/clock.ts';
import {
  KubeError,
  keyOf,
  type KubeApi,
  type KubeObject,
  type ListSelector,
  type NewObject,
  type ObjectList,
  type ObjectRef,
  type ResourceType,
  type WatchEvent,
} from '../contract.ts';
import { applyMergePatch, isEqualJson } from '../patch.ts';
import { MemoryKind } from './memory-kind.ts';
import { created, isGone, markedDeleted, updated, type KindRules, type Stored } from './memory-object.ts';
import { isSelected } from './selectors.ts';

export type Verb = 'list' | 'watch' | 'get' | 'create' | 'replace' | 'mergePatch' | 'delete';

/** One call as it was made. */
export interface Call {
  readonly verb: Verb;
  readonly type: ResourceType;
  readonly ref?: ObjectRef | undefined;
  readonly subresource?: 'status' | undefined;
  readonly body?: object | undefined;
}

export interface MemoryApiOptions {
  readonly clock: Clock;
  readonly kinds: readonly (Partial<KindRules> & { readonly type: ResourceType })[];
  /** Awaited before a call takes effect: delays it, or fails it by throwing (the request is lost). */
  readonly before?: (call: Call) => Promise<void> | void;
  /** Awaited after it took effect: delays the answer, or loses it by throwing. */
  readonly after?: (call: Call) => Promise<void> | void;
}

/**
 * An API server in memory, stateful and honest: versions, conflicts, generations, finalizers, the status subresource, and
 * a watch history that can be forgotten. The contract suite beside it holds it to what a real API server does.
 * It collects no garbage by owner references, as an API server alone does not.
 */
export class MemoryApi implements KubeApi {
  readonly #options: MemoryApiOptions;
  readonly #kinds = new Map<string, MemoryKind>();
  readonly #oneShots: { readonly verb: Verb; readonly error: Error; readonly when: 'before' | 'after' }[] = [];
  #version = 1;
  #serial = 0;
  /** Every call, in the order in which they arrived. */
  readonly calls: Call[] = [];
  /** While set, nobody answers: every call fails with it. */
  down: KubeError | undefined;

  constructor(options: MemoryApiOptions) {
    this.#options = options;
    for (const { type, statusSubresource = true, validate } of options.kinds) {
      this.#kinds.set(nameOf(type), new MemoryKind(type, { statusSubresource, validate }));
    }
  }

  async list<T extends KubeObject>(type: ResourceType, selector?: ListSelector): Promise<ObjectList<T>> {
    return this.#call({ verb: 'list', type }, (kind) => ({
      items: [...kind.objects.values()].filter((object) => isSelected(object, selector)) as unknown as T[],
      resourceVersion: String(this.#version),
    }));
  }

  async *watch<T extends KubeObject>(
    type: ResourceType,
    options: { readonly resourceVersion: string; readonly selector?: ListSelector; readonly signal: AbortSignal },
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const call: Call = { verb: 'watch', type };
    await this.#arrive(call);
    const kind = this.#kind(type);
    const watcher = kind.watcherFrom(Number(options.resourceVersion), options.selector);
    kind.watchers.add(watcher);
    try {
      yield* watcher.read(options.signal) as AsyncGenerator<WatchEvent<T>, void, undefined>;
    } finally {
      kind.watchers.delete(watcher);
    }
  }

  async get<T extends KubeObject>(type: ResourceType, ref: ObjectRef): Promise<T | undefined> {
    return this.#call({ verb: 'get', type, ref }, (kind) => kind.objects.get(keyOf(ref)) as T | undefined);
  }

  async create<T extends KubeObject>(type: ResourceType, object: NewObject): Promise<T> {
    return this.#call({ verb: 'create', type, body: object }, (kind) => {
      const name = object.metadata.name ?? this.#generatedName(object.metadata.generateName);
      const key = keyOf({ namespace: object.metadata.namespace, name });
      if (kind.objects.has(key)) {
        throw new KubeError(`${type.plural} "${name}" already exists`, 'alreadyExists', 409);
      }
      this.#serial += 1;
      const uid = `00000000-0000-4000-8000-${this.#serial.toString(16).padStart(12, '0')}`;
      const version = this.#nextVersion();
      const now = toTimestamp(this.#options.clock.now());
      const stored = created(object, kind.rules, { name, uid, now, resourceVersion: String(version) });
      check(kind, stored);
      return kind.write(key, stored, version) as unknown as T;
    });
  }

  async replace<T extends KubeObject>(type: ResourceType, object: T): Promise<T> {
    return this.#call({ verb: 'replace', type, ref: object.metadata, body: object }, (kind) =>
      this.#update(kind, object.metadata, structuredClone(object) as unknown as Stored, undefined),
    ) as unknown as Promise<T>;
  }

  async mergePatch<T extends KubeObject>(
    type: ResourceType,
    ref: ObjectRef,
    patch: object,
    subresource?: 'status',
  ): Promise<T> {
    return this.#call({ verb: 'mergePatch', type, ref, subresource, body: patch }, (kind) => {
      if (subresource !== undefined && !kind.rules.statusSubresource) {
        throw new KubeError('the server could not find the requested resource', 'notFound', 404);
      }
      const wanted = applyMergePatch(kind.need(ref), structuredClone(patch)) as Stored;
      return this.#update(kind, ref, wanted, subresource);
    }) as unknown as Promise<T>;
  }

  async delete(type: ResourceType, ref: ObjectRef, preconditions?: { readonly uid?: string }): Promise<void> {
    return this.#call({ verb: 'delete', type, ref }, (kind) => {
      const old = kind.need(ref);
      if (preconditions?.uid !== undefined && preconditions.uid !== old.metadata.uid) {
        throw new KubeError('Precondition failed: UID in precondition differs', 'conflict', 409);
      }
      if ((old.metadata.finalizers ?? []).length === 0) {
        kind.write(keyOf(ref), undefined, this.#nextVersion());
        return;
      }
      const marked = markedDeleted(old, toTimestamp(this.#options.clock.now()));
      if (marked !== undefined) kind.write(keyOf(ref), marked, this.#nextVersion());
    });
  }

  // What a test does to the server.

  /** The next call of this verb fails: before it takes effect, or after it (the answer is lost). */
  failNext(verb: Verb, error: Error, when: 'before' | 'after' = 'before'): void {
    this.#oneShots.push({ verb, error, when });
  }

  /** Ends all watches: by the error, or in good order as after the server's time-out. */
  endWatches(error?: KubeError): void {
    for (const watcher of this.#watchers()) watcher.end(error);
  }

  /** Holds back watch events that are not delivered yet, and those to come, or lets them go. */
  holdWatches(held: boolean): void {
    for (const watcher of this.#watchers()) watcher.hold(held);
  }

  /** Tells all watchers how far the versions have come. */
  sendBookmarks(): void {
    for (const watcher of this.#watchers()) {
      watcher.push({ type: 'BOOKMARK', resourceVersion: String(this.#version) });
    }
  }

  /** Forgets the history: a watch from any version before now is `expired`. */
  compact(): void {
    for (const kind of this.#kinds.values()) kind.compact(this.#version);
  }

  /** Number of watches that are open. */
  get openWatches(): number {
    return this.#watchers().length;
  }

  /** An object's present state, without a call. */
  peek(type: ResourceType, key: string): Stored | undefined {
    return structuredClone(this.#kind(type).objects.get(key));
  }

  #watchers(): ReturnType<MemoryKind['watcherFrom']>[] {
    return [...this.#kinds.values()].flatMap((kind) => [...kind.watchers]);
  }

  async #call<R>(call: Call, effect: (kind: MemoryKind) => R): Promise<R> {
    await this.#arrive(call);
    const answer = structuredClone(effect(this.#kind(call.type)));
    await this.#options.after?.(call);
    this.#fireOneShot(call.verb, 'after');
    return answer;
  }

  async #arrive(call: Call): Promise<void> {
    this.calls.push(structuredClone(call));
    await this.#options.before?.(call);
    if (this.down !== undefined) throw this.down;
    this.#fireOneShot(call.verb, 'before');
  }

  #fireOneShot(verb: Verb, when: 'before' | 'after'): void {
    const position = this.#oneShots.findIndex((shot) => shot.verb === verb && shot.when === when);
    const [shot] = position < 0 ? [] : this.#oneShots.splice(position, 1);
    if (shot !== undefined) throw shot.error;
  }

  #update(kind: MemoryKind, ref: ObjectRef, wanted: Stored, subresource: 'status' | undefined): Stored {
    const old = kind.need(ref);
    const next = updated(old, wanted, kind.rules, subresource);
    check(kind, next);
    // As in the real one: a write that changes nothing is no write, and nobody is told.
    if (isEqualJson(old, next)) return old;
    const key = keyOf(ref);
    const version = this.#nextVersion();
    if (!isGone(next)) return kind.write(key, next, version);
    kind.write(key, undefined, version);
    return next;
  }

  #kind(type: ResourceType): MemoryKind {
    const kind = this.#kinds.get(nameOf(type));
    if (kind !== undefined) return kind;
    throw new KubeError('the server could not find the requested resource', 'notFound', 404);
  }

  #nextVersion(): number {
    this.#version += 1;
    return this.#version;
  }

  #generatedName(prefix: string | undefined): string {
    if (prefix === undefined) throw new KubeError('name or generateName is required', 'invalid', 422);
    return `${prefix}${(this.#version + 1).toString(36).padStart(5, '0')}`;
  }
}

function check(kind: MemoryKind, object: Stored): void {
  const reason = kind.rules.validate?.(object);
  if (reason !== undefined) {
    throw new KubeError(`${kind.type.kind} "${object.metadata.name}" is invalid: ${reason}`, 'invalid', 422);
  }
}

function nameOf(type: ResourceType): string {
  return `${type.group}/${type.version}/${type.plural}`;
}
