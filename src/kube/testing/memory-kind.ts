import { KubeError, keyOf, type ObjectRef, type ResourceType } from '../contract.ts';
import { notFound } from './refusals.ts';
import { withVersion, type Kind, type Stored } from './stored-object.ts';
import type { KindRules } from './kind-rules.ts';
import { Watcher, type Written } from './memory-watch.ts';
import type { Selection } from './selectors.ts';

/** One kind: its objects, the history of its writes, its watchers. */
export class MemoryKind implements Kind {
  readonly type: ResourceType;
  readonly rules: KindRules;
  readonly watchers = new Set<Watcher>();
  readonly #objects = new Map<string, Stored>();
  #history: Written[] = [];
  #compactedTo = 0;

  constructor(type: ResourceType, rules: KindRules) {
    this.type = type;
    this.rules = rules;
  }

  at(key: string): Stored | undefined {
    return this.#objects.get(key);
  }

  find(ref: ObjectRef): Stored | undefined {
    return this.at(this.#keyOf(ref));
  }

  /** The object, or a `notFound` as the API server words it. */
  need(ref: ObjectRef): Stored {
    const object = this.find(ref);
    if (object === undefined) throw notFound(this, ref);
    return object;
  }

  /** In the order of keys, as etcd has it. */
  select(selection: Selection): Stored[] {
    return [...this.#objects]
      .filter(([, object]) => selection(object))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object);
  }

  /** Stores the object's new state, or its end, under a new version and tells the watchers. Returns what was stored. */
  write(ref: ObjectRef, object: Stored | undefined, version: number): Stored | undefined {
    const key = this.#keyOf(ref);
    const old = this.#objects.get(key);
    const stored = object && withVersion(object, String(version));
    if (stored === undefined) this.#objects.delete(key);
    else this.#objects.set(key, stored);
    const written = { version, old, object: stored };
    this.#history.push(written);
    for (const watcher of this.watchers) watcher.tell(written);
    return stored;
  }

  /** Forgets how the state came about: watches from an older version have to start over with a list. */
  compact(version: number): void {
    this.#history = this.#history.filter((written) => written.version > version);
    this.#compactedTo = Math.max(this.#compactedTo, version);
  }

  /** A watcher that has everything after `version` before it. Throws `expired` when that is no longer known. */
  watcherFrom(version: number, selection: Selection): Watcher {
    if (version < this.#compactedTo) {
      throw new KubeError(
        `too old resource version: ${String(version)} (${String(this.#compactedTo)})`,
        'expired',
        410,
      );
    }
    const watcher = new Watcher(selection, version);
    for (const written of this.#history) watcher.tell(written);
    return watcher;
  }

  /** A watcher that has everything that is there before it, as if it were new, and goes on from the version. */
  watcherOfAll(version: number, selection: Selection): Watcher {
    const watcher = new Watcher(selection, version);
    for (const object of this.select(selection)) watcher.push({ type: 'ADDED', object });
    return watcher;
  }

  /** A namespace means nothing to a cluster-scoped kind, and must not be missing for another. */
  #keyOf({ name, namespace }: ObjectRef): string {
    if (!this.type.namespaced) return name;
    if (namespace === undefined) throw new Error(`${this.type.kind} ${name}: a namespace is needed`);
    return keyOf({ name, namespace });
  }
}
