import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { keyOf, type KubeObject } from './contract.ts';
import { withoutManagedFields } from './managed-fields.ts';
import { compareResourceVersions, isNewer } from './resource-version.ts';
import { StoreIndex, type IndexFunction } from './store-index.ts';

/** What happened to one object. A key that is deleted and made anew gives two changes, never one. */
export interface Change<T> {
  readonly key: string;
  /** Undefined for an object that is new to the store. */
  readonly old: T | undefined;
  /** Undefined for one that is gone; `old` is then its last state. */
  readonly new: T | undefined;
  /** `write`: our own write, which its writer has seen already. */
  readonly origin: 'list' | 'watch' | 'write';
}

export type ChangeListener<T> = (change: Change<T>) => void;

/** Objects by what they have, of one kind or of several. */
export interface Indexed<T extends KubeObject> {
  list(): T[];
  /** Objects whose index function gave `value`, in no particular order. Throws for an index that was not declared. */
  byIndex(index: string, value: string): T[];
}

/** The store as controllers see it. Objects are shared: nobody changes them. */
export interface ReadStore<T extends KubeObject> extends Indexed<T> {
  get(key: string): T | undefined;
  readonly size: number;
  /** Returns the function that ends the subscription. A listener that throws is logged and harms nobody else. */
  subscribe(listener: ChangeListener<T>): () => void;
}

export interface StoreOptions<T> {
  readonly log: Logger;
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Whether an object belongs here, for stores that list with a selector. Own writes of others are not taken in. */
  readonly selects?: (object: T) => boolean;
  /** What of an object is kept. managedFields never are. */
  readonly keeps?: (object: T) => T;
}

/**
 * Read-only cache of one kind, fed by a list and watch, and by the answers to our own writes: a reconcile that starts
 * after a write has returned sees at least that write. Nothing ever goes back in time: what is older than what is
 * here is ignored, be it a late watch event or a late answer.
 */
export class Store<T extends KubeObject> implements ReadStore<T> {
  readonly #options: StoreOptions<T>;
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, StoreIndex<T>>();
  readonly #listeners = new Set<ChangeListener<T>>();
  readonly #restoreListeners = new Set<() => void>();
  /** By key, the uid of what we know to be deleted though the watch has not said so yet. */
  readonly #deleted = new Map<string, string>();
  /** How far list and watch have come. */
  #resourceVersion = '0';

  constructor(options: StoreOptions<T>) {
    this.#options = options;
    for (const [name, index] of Object.entries(options.indexes ?? {})) {
      this.#indexes.set(name, new StoreIndex(index));
    }
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  byIndex(index: string, value: string): T[] {
    const found = this.#indexes.get(index);
    if (found === undefined) throw new Error(`the store has no index ${index}`);
    const objects: T[] = [];
    for (const key of found.keys(value)) {
      const object = this.#objects.get(key);
      if (object !== undefined) objects.push(object);
    }
    return objects;
  }

  get size(): number {
    return this.#objects.size;
  }

  get resourceVersion(): string {
    return this.#resourceVersion;
  }

  subscribe(listener: ChangeListener<T>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Told, before anything else is, when the server has gone back in time, as by a restore from a backup. */
  onRestored(listener: () => void): void {
    this.#restoreListeners.add(listener);
  }

  /** The whole collection as a list at `resourceVersion` gave it. What is missing from it was deleted. */
  replaceAll(items: readonly T[], resourceVersion: string): void {
    // A list older than what was seen means that the server's data was restored from a backup. Then its word is
    // all there is, and keeping the "newer" state would keep it for ever.
    const restored = isNewer(this.#resourceVersion, resourceVersion);
    this.#resourceVersion = resourceVersion;
    if (restored) this.#tellRestored();
    // Up to its own version a list is right, even about what is here in a later state: a restore with a bumped revision
    // brings objects back with their versions from before. Only a write of ours from after the list is newer.
    const isOverruled = (object: T): boolean => restored || !isNewer(object.metadata.resourceVersion, resourceVersion);
    const listed = new Map(items.map((item) => [keyOf(item.metadata), item]));
    for (const [key, uid] of [...this.#deleted]) {
      if (listed.get(key)?.metadata.uid !== uid) this.#deleted.delete(key);
    }
    for (const [key, object] of [...this.#objects]) {
      if (!listed.has(key) && isOverruled(object)) this.#remove(key, 'list');
    }
    for (const [key, item] of listed) {
      const present = this.#objects.get(key);
      this.#accept(key, item, { origin: 'list', force: present === undefined || isOverruled(present) });
    }
  }

  #tellRestored(): void {
    for (const listener of this.#restoreListeners) listener();
  }

  /**
   * What a list of the whole collection lacks is gone, also where the watch is behind and has not said so. What it still says of
   * that is no news.
   */
  forgetUnlisted(items: readonly T[], resourceVersion: string): void {
    const listed = new Set(items.map(({ metadata }) => metadata.uid));
    for (const [key, { metadata }] of [...this.#objects]) {
      // Made or written after the list, as far as anybody can tell.
      const lead = compareResourceVersions(metadata.resourceVersion, resourceVersion) ?? 1;
      if (listed.has(metadata.uid) || lead > 0) continue;
      this.#deleted.set(key, metadata.uid);
      this.#remove(key, 'list');
    }
  }

  /** One watch event. */
  applyEvent(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void {
    const key = keyOf(object.metadata);
    this.progress(object.metadata.resourceVersion);
    if (type !== 'DELETED') {
      this.#accept(key, object, { origin: 'watch', force: false });
      return;
    }
    if (this.#deleted.get(key) === object.metadata.uid) this.#deleted.delete(key);
    const present = this.#objects.get(key);
    if (present === undefined) return;
    // Our own write has made a new object of this name already: the deletion that the watch tells of is the old one's.
    if (isNewer(present.metadata.resourceVersion, object.metadata.resourceVersion)) return;
    this.#remove(key, 'watch', object);
  }

  /** A bookmark, or any other sign of how far the watch has come. */
  progress(resourceVersion: string): void {
    if (!isNewer(this.#resourceVersion, resourceVersion)) this.#resourceVersion = resourceVersion;
  }

  /**
   * The API server's answer to our own write. Ignored where the store knows something newer, deletion included. An object
   * that is being deleted and has no finalizer left is gone, though the answer still shows it.
   */
  applyWrite(object: T): void {
    const key = keyOf(object.metadata);
    if (this.#options.selects?.(object) === false) return;
    const present = this.#objects.get(key);
    if (present === undefined && this.#isPast(object)) return;
    if (isGone(object)) {
      this.#deleted.set(key, object.metadata.uid);
      if (present?.metadata.uid === object.metadata.uid) this.#remove(key, 'write', object);
      return;
    }
    this.#accept(key, object, { origin: 'write', force: false });
  }

  /** True when the watch is past this write already: what is not in the store then was deleted since. */
  #isPast(object: T): boolean {
    const lead = compareResourceVersions(object.metadata.resourceVersion, this.#resourceVersion);
    return lead !== undefined && lead <= 0;
  }

  #accept(key: string, object: T, how: { readonly origin: Change<T>['origin']; readonly force: boolean }): void {
    if (this.#deleted.get(key) === object.metadata.uid) return;
    const old = this.#objects.get(key);
    if (old !== undefined) {
      if (old.metadata.uid === object.metadata.uid && isSameState(old, object)) return;
      if (!how.force && isNewer(old.metadata.resourceVersion, object.metadata.resourceVersion)) return;
      if (old.metadata.uid !== object.metadata.uid) {
        this.#remove(key, how.origin);
        this.#insert(key, undefined, object, how.origin);
        return;
      }
    }
    this.#insert(key, old, object, how.origin);
  }

  #insert(key: string, old: T | undefined, whole: T, origin: Change<T>['origin']): void {
    const object = this.#options.keeps?.(withoutManagedFields(whole)) ?? withoutManagedFields(whole);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) index.update(key, old, object);
    this.#announce({ key, old, new: object, origin });
  }

  #remove(key: string, origin: Change<T>['origin'], lastState?: T): void {
    const old = this.#objects.get(key);
    if (old === undefined) return;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) index.update(key, old, undefined);
    this.#announce({
      key,
      old: lastState?.metadata.uid === old.metadata.uid ? lastState : old,
      new: undefined,
      origin,
    });
  }

  #announce(change: Change<T>): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(change);
      } catch (error) {
        this.#options.log.error({ key: change.key, error: messageOf(error) }, 'a listener of the store failed');
      }
    }
  }
}

function isGone(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined && (object.metadata.finalizers ?? []).length === 0;
}

function isSameState(a: KubeObject, b: KubeObject): boolean {
  return a.metadata.resourceVersion === b.metadata.resourceVersion;
}
