import type { CancelTimer, Clock } from './clock.ts';

interface Entry {
  readonly due: number;
  readonly order: number;
  readonly callback: () => void;
}

/**
 * A clock that stands still until it is told to go on. Timers fire in the order of their due times, and of their
 * creation among equals, each at exactly its own time. For tests and the deterministic simulation.
 */
export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #entries = new Set<Entry>();

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): CancelTimer {
    const entry: Entry = { due: this.#now + Math.max(0, delayMs), order: this.#order++, callback };
    this.#entries.add(entry);
    return () => this.#entries.delete(entry);
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
      this.#entries.delete(entry);
      this.#now = Math.max(this.#now, entry.due);
      entry.callback();
      await settle();
    }
    this.#now = end;
  }

  #next(): Entry | undefined {
    let first: Entry | undefined;
    for (const entry of this.#entries) {
      if (first === undefined || entry.due < first.due || (entry.due === first.due && entry.order < first.order)) {
        first = entry;
      }
    }
    return first;
  }
}

/** Lets all promise callbacks that are ready run, chains included. */
async function settle(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}
