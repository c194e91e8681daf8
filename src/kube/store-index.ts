/** The values under which an object is to be found; undefined and the empty list: none. */
export type IndexFunction<T> = (object: T) => string | readonly string[] | undefined;

/** From a value to the keys of the objects that have it. */
export class StoreIndex<T> {
  readonly #valuesOf: IndexFunction<T>;
  readonly #keys = new Map<string, Set<string>>();

  constructor(valuesOf: IndexFunction<T>) {
    this.#valuesOf = valuesOf;
  }

  keys(value: string): Iterable<string> {
    return this.#keys.get(value) ?? [];
  }

  update(key: string, old: T | undefined, current: T | undefined): void {
    for (const value of this.#values(old)) {
      const keys = this.#keys.get(value);
      keys?.delete(key);
      if (keys?.size === 0) this.#keys.delete(value);
    }
    for (const value of this.#values(current)) {
      let keys = this.#keys.get(value);
      if (keys === undefined) this.#keys.set(value, (keys = new Set()));
      keys.add(key);
    }
  }

  #values(object: T | undefined): readonly string[] {
    if (object === undefined) return [];
    const values = this.#valuesOf(object);
    if (values === undefined) return [];
    return typeof values === 'string' ? [values] : values;
  }
}
