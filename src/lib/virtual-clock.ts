import type { CancelTimer, Clock } from './clock.ts';

interface Entry {
  readonly due: number;
  readonly rank: number;
  readonly order: number;
  readonly callback: () => void;
  cancelled: boolean;
}

/**
 * A clock that stands still until it is told to go on. Timers fire in the order of their due times, each at exactly its
 * own time. For tests and the deterministic simulation.
 */
export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #rank: () => number;
  /** A binary heap. A cancelled timer stays in it until its time comes. */
  readonly #entries: Entry[] = [];

  /**
   * @param startMs milliseconds since the epoch
   * @param rank ranks a new timer among those that are due at the same moment, which real time leaves open: the smaller
   *   one first. By default they fire in the order in which they were set; a seeded one makes every order reachable.
   */
  constructor(startMs = Date.UTC(2026, 0, 1), rank: () => number = () => 0) {
    this.#now = startMs;
    this.#rank = rank;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): CancelTimer {
    const entry: Entry = {
      due: this.#now + Math.max(0, delayMs),
      rank: this.#rank(),
      order: this.#order++,
      callback,
      cancelled: false,
    };
    this.#push(entry);
    return () => {
      entry.cancelled = true;
    };
  }

  /** When the next timer is due, or undefined while none is set. */
  nextDue(): number | undefined {
    return this.#next()?.due;
  }

  /** Goes on by `ms`, firing what falls due. Promise callbacks run between two timers, as they would in real time. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let entry = this.#next(); entry !== undefined && entry.due <= end; entry = this.#next()) {
      this.#pop();
      this.#now = Math.max(this.#now, entry.due);
      entry.callback();
      await settle();
    }
    this.#now = end;
  }

  /** The next timer that was not cancelled; those before it are dropped. */
  #next(): Entry | undefined {
    while (this.#entries[0]?.cancelled === true) this.#pop();
    return this.#entries[0];
  }

  #push(entry: Entry): void {
    const entries = this.#entries;
    let at = entries.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfBefore(at, parent)) return;
      at = parent;
    }
  }

  #pop(): void {
    const entries = this.#entries;
    const last = entries.pop();
    if (last === undefined || entries.length === 0) return;
    entries[0] = last;
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      const child = isBefore(entries[left + 1], entries[left]) ? left + 1 : left;
      if (!this.#swapIfBefore(child, at)) return;
      at = child;
    }
  }

  #swapIfBefore(at: number, other: number): boolean {
    const entries = this.#entries;
    const [one, two] = [entries[at], entries[other]];
    if (one === undefined || two === undefined || !isBefore(one, two)) return false;
    entries[at] = two;
    entries[other] = one;
    return true;
  }
}

function isBefore(one: Entry | undefined, other: Entry | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return (one.due - other.due || one.rank - other.rank || one.order - other.order) < 0;
}

/** Lets all promise callbacks that are ready run, chains included. */
async function settle(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}
