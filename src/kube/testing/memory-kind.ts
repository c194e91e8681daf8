import { KubeError, type ListSelector, type ObjectRef, type ResourceType, keyOf } from '../contract.ts';
import { withVersion, type KindRules, type Stored } from './memory-object.ts';
import { eventFor, Watcher, type Written } from './memory-watch.ts';

/** One kind: its objects, the history of its writes, its watchers. */
export class MemoryKind {
  readonly type: ResourceType;
  readonly rules: KindRules;
  readonly objects = new Map<string, Stored>();
  readonly watchers = new Set<Watcher>();
  #history: Written[] = [];
  #compactedTo = 0;

  constructor(type: ResourceType, rules: KindRules) {
    this.type = type;
    this.rules = rules;
  }

  /** The object, or a `notFound` as the API server words it. */
  need(ref: ObjectRef): Stored {
    const object = this.objects.get(keyOf(ref));
    if (object !== undefined) return object;
    throw new KubeError(`${this.type.plural}.${this.type.group} "${ref.name}" not found`, 'notFound', 404);
  }

  /** Stores the object's new state, or its end, under a new version and tells the watchers. Returns what was stored. */
  write(key: string, object: Stored | undefined, version: number): Stored {
    const old = this.objects.get(key);
    const last = object ?? old;
    if (last === undefined) throw new Error(`nothing to delete: ${key}`);
    const stored = withVersion(last, String(version));
    if (object === undefined) this.objects.delete(key);
    else this.objects.set(key, stored);
    const written = { version, old, object: object === undefined ? undefined : stored, last: stored };
    this.#history.push(written);
    for (const watcher of this.watchers) {
      const event = eventFor(written, watcher.selector);
      if (event !== undefined) watcher.push(event);
    }
    return stored;
  }

  /** Forgets how the state came about: watches from an older version have to start over with a list. */
  compact(version: number): void {
    this.#history = this.#history.filter((written) => written.version > version);
    this.#compactedTo = Math.max(this.#compactedTo, version);
  }

  /** A watcher that has everything after `version` before it. Throws `expired` when that is no longer known. */
  watcherFrom(version: number, selector: ListSelector | undefined): Watcher {
    if (version < this.#compactedTo) {
      throw new KubeError(
        `too old resource version: ${String(version)} (${String(this.#compactedTo)})`,
        'expired',
        410,
      );
    }
    const watcher = new Watcher(selector);
    for (const written of this.#history) {
      const event = written.version > version ? eventFor(written, selector) : undefined;
      if (event !== undefined) watcher.push(event);
    }
    return watcher;
  }
}
