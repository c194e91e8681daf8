import {
  KubeError,
  type DeletePreconditions,
  type KubeApi,
  type KubeObject,
  type ListSelector,
  type NewObject,
  type ObjectList,
  type ObjectRef,
  type ResourceType,
  type WatchEvent,
} from '../contract.ts';
import type { MemoryKind } from './memory-kind.ts';
import { MemoryServer, type MemoryServerOptions } from './memory-server.ts';
import type { Watcher } from './memory-watch.ts';
import { selectionOf } from './selectors.ts';
import type { Stored } from './stored-object.ts';

export type Verb = 'list' | 'watch' | 'get' | 'create' | 'replace' | 'mergePatch' | 'delete';

/** One call as it was made. */
export interface Call {
  readonly verb: Verb;
  readonly type: ResourceType;
  readonly ref?: ObjectRef | undefined;
  readonly subresource?: 'status' | undefined;
  readonly body?: object | undefined;
}

export interface MemoryApiOptions extends MemoryServerOptions {
  /** Awaited before a call takes effect: delays it, or fails it by throwing (the request is lost). */
  readonly before?: (call: Call) => Promise<void> | void;
  /** Awaited after it took effect: delays the answer, or loses it by throwing. */
  readonly after?: (call: Call) => Promise<void> | void;
}

/**
 * An API server in memory, stateful and honest: versions, conflicts, generations, finalizers, the status subresource,
 * schemas, namespaces, and a watch history that can be forgotten. The contract suite beside it holds it to what a real API
 * server does, and so does test/e2e/kube-differential.test.ts, which plays random requests on both.
 * It collects no garbage by owner references, as an API server alone does not. What it hands out is what it stores, frozen.
 */
export class MemoryApi implements KubeApi {
  readonly #options: MemoryApiOptions;
  readonly #server: MemoryServer;
  readonly #oneShots: { readonly verb: Verb; readonly error: Error; readonly when: 'before' | 'after' }[] = [];
  /** Every call, in the order in which they arrived. */
  readonly calls: Call[] = [];
  /** While set, nobody answers: every call fails with it. */
  down: KubeError | undefined;

  constructor(options: MemoryApiOptions) {
    this.#options = options;
    this.#server = new MemoryServer(options);
  }

  async list<T extends KubeObject>(type: ResourceType, selector?: ListSelector): Promise<ObjectList<T>> {
    return this.#call({ verb: 'list', type }, (kind) => ({
      items: kind.select(selectionOf(type, selector)) as unknown as T[],
      resourceVersion: String(this.#server.version),
    }));
  }

  async *watch<T extends KubeObject>(
    type: ResourceType,
    options: { readonly resourceVersion: string; readonly selector?: ListSelector; readonly signal: AbortSignal },
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const call: Call = { verb: 'watch', type };
    await this.#arrive(call);
    const kind = this.#server.kind(type);
    const watcher = this.#server.watch(kind, options.resourceVersion, selectionOf(type, options.selector));
    kind.watchers.add(watcher);
    try {
      yield* watcher.read(options.signal) as AsyncGenerator<WatchEvent<T>, void, undefined>;
    } finally {
      kind.watchers.delete(watcher);
    }
  }

  async get<T extends KubeObject>(type: ResourceType, ref: ObjectRef): Promise<T | undefined> {
    return this.#call({ verb: 'get', type, ref }, (kind) => kind.find(ref) as T | undefined);
  }

  async create<T extends KubeObject>(type: ResourceType, object: NewObject): Promise<T> {
    const body = asSent(object);
    return this.#write<T>({ verb: 'create', type, body }, (kind) => this.#server.create(kind, body));
  }

  async replace<T extends KubeObject>(type: ResourceType, object: T): Promise<T> {
    const body = asSent(object);
    const { name, namespace } = object.metadata;
    const ref = { name, namespace };
    return this.#write<T>({ verb: 'replace', type, ref, body }, (kind) => this.#server.replace(kind, ref, body));
  }

  async mergePatch<T extends KubeObject>(
    type: ResourceType,
    ref: ObjectRef,
    patch: object,
    subresource?: 'status',
  ): Promise<T> {
    const body = asSent(patch);
    return this.#write<T>({ verb: 'mergePatch', type, ref, subresource, body }, (kind) =>
      this.#server.patch(kind, ref, body, subresource),
    );
  }

  async delete(type: ResourceType, ref: ObjectRef, preconditions?: DeletePreconditions): Promise<void> {
    return this.#call({ verb: 'delete', type, ref }, (kind) => {
      this.#server.delete(kind, ref, preconditions);
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

  /** Holds back watch events that are not delivered yet, and those to come, or lets them go: of one kind or of all. */
  holdWatches(held: boolean, type?: ResourceType): void {
    const watchers = type === undefined ? this.#watchers() : this.#server.kind(type).watchers;
    for (const watcher of watchers) watcher.hold(held);
  }

  /** Tells all watchers how far the versions have come. */
  sendBookmarks(): void {
    for (const watcher of this.#watchers()) {
      watcher.push({ type: 'BOOKMARK', resourceVersion: String(this.#server.version) });
    }
  }

  /** Forgets the history, of one kind or of all: a watch from any version before now is `expired`. */
  compact(type?: ResourceType): void {
    const kinds = type === undefined ? this.#server.kinds : [this.#server.kind(type)];
    for (const kind of kinds) kind.compact(this.#server.version);
  }

  /** Number of watches that are open. */
  get openWatches(): number {
    return this.#watchers().length;
  }

  /** An object's present state, without a call. */
  peek(type: ResourceType, key: string): Stored | undefined {
    return this.#server.kind(type).at(key);
  }

  #watchers(): Watcher[] {
    return this.#server.kinds.flatMap((kind) => [...kind.watchers]);
  }

  #write<T>(call: Call, effect: (kind: MemoryKind) => Stored): Promise<T> {
    return this.#call(call, effect) as Promise<unknown> as Promise<T>;
  }

  async #call<R>(call: Call, effect: (kind: MemoryKind) => R): Promise<R> {
    await this.#arrive(call);
    const answer = effect(this.#server.kind(call.type));
    await this.#options.after?.(call);
    this.#fireOneShot(call.verb, 'after');
    return answer;
  }

  async #arrive(call: Call): Promise<void> {
    this.calls.push(call);
    await this.#options.before?.(call);
    if (this.down !== undefined) throw this.down;
    this.#fireOneShot(call.verb, 'before');
  }

  #fireOneShot(verb: Verb, when: 'before' | 'after'): void {
    const position = this.#oneShots.findIndex((shot) => shot.verb === verb && shot.when === when);
    const [shot] = position < 0 ? [] : this.#oneShots.splice(position, 1);
    if (shot !== undefined) throw shot.error;
  }
}

const longestBody = 3 * 1024 * 1024;

/** The body as it arrives: JSON, without anything undefined, and a copy of what the caller may go on to change. */
function asSent(body: object): object {
  const text = JSON.stringify(body);
  if (text.length <= longestBody) return JSON.parse(text) as object;
  throw new KubeError(`Request entity too large: limit is ${String(longestBody)}`, 'invalid', 413);
}
