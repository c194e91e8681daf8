import { joinSorted } from './json.ts';

interface Change {
  readonly at: number;
  readonly id: string;
  /** How the list showed the VM before the change; undefined when it was not there. */
  readonly before: string | undefined;
}

const keptChanges = 5_000;

const opening = Buffer.from('{');
const comma = Buffer.from(',');
const closing = Buffer.from('}');
const nothing = Buffer.alloc(0);

/**
 * What client/list shows now, and enough of the past to show it as it was (the fault `stale-list`). Only changes are
 * kept, a bounded number of them, because whole lists of thousands of VMs would not fit.
 */
export class ListHistory {
  readonly #fragments = new Map<string, string>();
  /** The ids in the order of the list. */
  readonly #ids: string[] = [];
  /**
   * Each VM with its id as UTF-8: putting thousands of them together again after one has changed is then a copy of bytes,
   * while joining texts and encoding the result takes several times as long.
   */
  readonly #members = new Map<string, Buffer>();
  #changes: Change[] = [];
  #current: Buffer | undefined;

  /** Records how the list shows the VM from `now` on; undefined when it is gone. */
  set(id: string, fragment: string | undefined, now: number): void {
    const before = this.#fragments.get(id);
    if (before === fragment) return;
    this.#current = undefined;
    this.#changes.push({ at: now, id, before });
    if (this.#changes.length > 2 * keptChanges) this.#changes = this.#changes.slice(keptChanges);
    if (fragment === undefined) this.#remove(id);
    else this.#put(id, fragment);
  }

  /** The map of VMs as JSON in UTF-8, kept until one changes. */
  current(): Buffer {
    this.#current ??= this.#assemble();
    return this.#current;
  }

  #put(id: string, fragment: string): void {
    if (!this.#fragments.has(id)) this.#ids.splice(this.#placeOf(id), 0, id);
    this.#fragments.set(id, fragment);
    this.#members.set(id, Buffer.from(`${JSON.stringify(id)}:${fragment}`));
  }

  #remove(id: string): void {
    this.#ids.splice(this.#placeOf(id), 1);
    this.#fragments.delete(id);
    this.#members.delete(id);
  }

  /** Where the id is among the sorted ones, or would be. */
  #placeOf(id: string): number {
    let [low, high] = [0, this.#ids.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ids[middle] ?? '') < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #assemble(): Buffer {
    const pieces: Buffer[] = [];
    for (const id of this.#ids) pieces.push(pieces.length === 0 ? opening : comma, this.#members.get(id) ?? nothing);
    return Buffer.concat(pieces.length === 0 ? [opening, closing] : [...pieces, closing]);
  }

  /** The map as it was at a time, or as far back as the history goes. */
  at(time: number): string {
    const past = new Map(this.#fragments);
    for (const change of this.#changes.toReversed()) {
      if (change.at <= time) break;
      if (change.before === undefined) past.delete(change.id);
      else past.set(change.id, change.before);
    }
    return joinSorted([...past]);
  }
}
