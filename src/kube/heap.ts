/** A key and the moment it is due. */
export interface Due {
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

interface Entry extends Due {
  /** Order of insertion: equal moments come out in it. */
  readonly order: number;
}

/**
 * Min-heap of keys by due time, each key at most once. Every operation is O(log n), removal from the middle included:
 * a key that is rescheduled with each event must not leave a dead entry behind for hours.
 */
export class DueHeap {
  readonly #entries: Entry[] = [];
  readonly #positions = new Map<string, number>();
  #order = 0;

  get size(): number {
    return this.#entries.length;
  }

  peek(): Due | undefined {
    return this.#entries[0];
  }

  dueAt(key: string): number | undefined {
    const position = this.#positions.get(key);
    return position === undefined ? undefined : this.#entries[position]?.at;
  }

  /** Adds the key, or moves it to another time. */
  set(key: string, at: number): void {
    this.delete(key);
    this.#entries.push({ key, at, order: this.#order++ });
    this.#positions.set(key, this.#entries.length - 1);
    this.#up(this.#entries.length - 1);
  }

  /** Takes the earliest key out if it is due at `now`. */
  popDue(now: number): string | undefined {
    const first = this.#entries[0];
    if (first === undefined || first.at > now) return undefined;
    this.delete(first.key);
    return first.key;
  }

  delete(key: string): boolean {
    const position = this.#positions.get(key);
    if (position === undefined) return false;
    this.#positions.delete(key);
    const last = this.#entries.pop();
    if (last !== undefined && last.key !== key) {
      this.#put(position, last);
      this.#up(position);
      this.#down(this.#positions.get(last.key) ?? position);
    }
    return true;
  }

  #put(position: number, entry: Entry): void {
    this.#entries[position] = entry;
    this.#positions.set(entry.key, position);
  }

  #up(start: number): void {
    let position = start;
    while (position > 0) {
      const parent = (position - 1) >> 1;
      if (!this.#swapIfEarlier(position, parent)) return;
      position = parent;
    }
  }

  #down(start: number): void {
    let position = start;
    for (;;) {
      const left = 2 * position + 1;
      const child = this.#isEarlier(left + 1, left) ? left + 1 : left;
      if (!this.#swapIfEarlier(child, position)) return;
      position = child;
    }
  }

  #isEarlier(a: number, b: number): boolean {
    const first = this.#entries[a];
    const second = this.#entries[b];
    if (first === undefined || second === undefined) return false;
    return first.at < second.at || (first.at === second.at && first.order < second.order);
  }

  /** Exchanges the two if the lower one belongs above. False when they are in order, or the lower does not exist. */
  #swapIfEarlier(lower: number, upper: number): boolean {
    if (!this.#isEarlier(lower, upper)) return false;
    const a = this.#entries[lower];
    const b = this.#entries[upper];
    if (a === undefined || b === undefined) return false;
    this.#put(upper, a);
    this.#put(lower, b);
    return true;
  }
}
