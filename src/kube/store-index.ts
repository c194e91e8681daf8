/** The values under which an object is to be found; undefined and the empty list: none. */
export type IndexFunction<T> = (object: T) => string | readonly string[] | undefined;

/** From a value to the keys of the objects that have it. Most values are of one object alone: a set for each would be most of the index. */
export class StoreIndex<T> {
  readonly #valuesOf: IndexFunction<T>;
  readonly #keys = new Map<string, string | Set<string>>();

  constructor(valuesOf: IndexFunction<T>) {
    this.#valuesOf = valuesOf;
  }

  keys(value: string): Iterable<string> {
    const keys = this.#keys.get(value) ?? [];
    return typeof keys === 'string' ? [keys] : keys;
  }

  update(key: string, old: T | undefined, current: T | undefined): void {
    const before = this.#values(old);
    const after = this.#values(current);
    if (before.length === after.length && before.every((value, nth) => value === after[nth])) return;
    for (const value of before) this.#remove(value, key);
    for (const value of after) this.#add(value, key);
  }

  #add(value: string, key: string): void {
    const keys = this.#keys.get(value);
    if (keys === undefined) this.#keys.set(value, key);
    else if (typeof keys !== 'string') keys.add(key);
    else if (keys !== key) this.#keys.set(value, new Set([keys, key]));
  }

  #remove(value: string, key: string): void {
    const keys = this.#keys.get(value);
    if (typeof keys === 'object') keys.delete(key);
    if (keys === key || (typeof keys === 'object' && keys.size === 0)) this.#keys.delete(value);
  }

  #values(object: T | undefined): readonly string[] {
    if (object === undefined) return [];
    const values = this.#valuesOf(object);
    if (values === undefined) return [];
    return typeof values === 'string' ? [values] : values;
  }
}
