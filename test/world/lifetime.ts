import type { CancelTimer, Clock } from '../../src/lib/clock.ts';

export interface LifetimeOptions {
  /** How far this process' clock is ahead of the world's. */
  readonly skewMs?: number;
  /** Told in the middle of it when code runs on and on, and hardly any time goes by. */
  readonly onSpin?: () => void;
}

/**
 * Whatever runs in circles looks at the clock, since the queue does for every key. In so many milliseconds random worlds with
 * their few VMs take about 3,000 readings at most, and those with 200 VMs about 12,000; a loop that waits for a millisecond each
 * time takes more than these.
 */
const mostReadings = 200_000;
const readingsMs = 20_000;

/**
 * The life of one process. When it ends, as by SIGKILL, none of its timers fires any more and no answer reaches it:
 * whatever code of it still waits, waits for ever. What it sent before goes on without it. While it is frozen, as by
 * SIGSTOP, timers and answers pile up; they reach it once it goes on.
 */
export class Lifetime {
  readonly #clock: Clock;
  readonly #options: LifetimeOptions;
  readonly #timers = new Set<CancelTimer>();
  readonly #abort = new AbortController();
  /** What waits for the process to go on; undefined while it runs. */
  #backlog: (() => void)[] | undefined;
  #readingsSince = 0;
  /** How often the clock was read since then. */
  #readings = 0;

  constructor(clock: Clock, options: LifetimeOptions = {}) {
    this.#clock = clock;
    this.#options = options;
  }

  get isAlive(): boolean {
    return !this.#abort.signal.aborted;
  }

  get isFrozen(): boolean {
    return this.#backlog !== undefined;
  }

  /** Aborted at the end, for what the world keeps open on the process' behalf. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Whether a timer is still to fire: a process with one does not come to its end by itself. */
  get isWaiting(): boolean {
    return this.#timers.size > 0;
  }

  end(): void {
    this.#abort.abort(new Error('the process was killed'));
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#backlog = undefined;
  }

  freeze(): void {
    if (this.isAlive) this.#backlog ??= [];
  }

  thaw(): void {
    const backlog = this.#backlog ?? [];
    this.#backlog = undefined;
    // One after the other, in whatever order the clock gives to what is due at once.
    for (const deliver of backlog) {
      this.#clock.after(0, () => {
        this.#reach(deliver);
      });
    }
  }

  /** Resolves as soon as the process runs: at once, once it is thawed, or never. */
  running(): Promise<void> {
    return new Promise((resolve) => {
      this.#reach(resolve);
    });
  }

  /** What comes of the promise, as long as there is somebody to hear it. */
  hear<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => {
          this.#reach(() => {
            resolve(value);
          });
        },
        (error: unknown) => {
          this.#reach(() => {
            reject(error instanceof Error ? error : new Error(String(error)));
          });
        },
      );
    });
  }

  /** The world's clock as this process has it. */
  get clock(): Clock {
    const skewMs = this.#options.skewMs ?? 0;
    return {
      now: () => {
        const now = this.#clock.now();
        this.#noteReading(now);
        return now + skewMs;
      },
      after: (delayMs, callback) => this.#after(delayMs, callback),
    };
  }

  /**
   * A loop of promises that are all settled already never lets go: neither a timer nor a signal reaches the process any more,
   * and the test itself would stand still.
   */
  #noteReading(now: number): void {
    if (now - this.#readingsSince >= readingsMs) {
      this.#readingsSince = now;
      this.#readings = 0;
    }
    this.#readings += 1;
    if (this.#readings === mostReadings) this.#options.onSpin?.();
    if (this.#readings > 2 * mostReadings) throw new Error('the process goes on although it was killed');
  }

  #after(delayMs: number, callback: () => void): CancelTimer {
    if (!this.isAlive) return () => undefined;
    let isCancelled = false;
    const stop = this.#clock.after(delayMs, () => {
      this.#timers.delete(cancel);
      this.#reach(() => {
        if (!isCancelled) callback();
      });
    });
    const cancel = (): void => {
      isCancelled = true;
      this.#timers.delete(cancel);
      stop();
    };
    this.#timers.add(cancel);
    return cancel;
  }

  #reach(deliver: () => void): void {
    if (!this.isAlive) return;
    if (this.#backlog === undefined) deliver();
    else this.#backlog.push(deliver);
  }
}

export function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}
