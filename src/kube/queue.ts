import { backoffMs, type BackoffPolicy, type Random } from '../lib/backoff.ts';
import type { CancelTimer, Clock } from '../lib/clock.ts';
import { DueHeap } from './heap.ts';

/** Told what happens in a queue; implemented by telemetry. Hooks must not throw. */
export interface QueueHooks {
  /** A key became ready that was not. */
  added(): void;
  /** A key comes back because its reconcile failed. */
  retried(): void;
  /** A key was taken, this long after it became ready. */
  taken(waitedMs: number): void;
  /** A key's run ended. */
  worked(durationMs: number): void;
}

export interface QueueOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Delays of keys that failed; by default 1 s doubling up to 5 min. */
  readonly backoff?: BackoffPolicy;
  readonly hooks?: QueueHooks;
}

const defaultBackoff: BackoffPolicy = { baseMs: 1000, maxMs: 300_000 };

interface Running {
  readonly since: number;
  /** Earliest moment at which somebody asked for the key again while it ran. */
  againAt: number | undefined;
}

interface Ready {
  readonly key: string;
  readonly since: number;
}

/**
 * Keys that want to be reconciled. Promises:
 * - A key is in here once, however often it is added, and of several due times the earliest wins.
 * - A key that was taken is not handed out again before `done`; added meanwhile, it comes again afterwards, so that no
 *   change is lost and no key runs twice at once.
 * - Ready keys leave in the order in which they became ready.
 * - A key that becomes ready early gives up its later due time: the run that follows sees a newer state, and says itself when
 *   to look again.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #backoff: BackoffPolicy;
  readonly #hooks: QueueHooks | undefined;

  /** FIFO with a moving head: shifting an array of 10,000 for every key would be quadratic. */
  #ready: Ready[] = [];
  #head = 0;
  readonly #isReady = new Set<string>();
  readonly #delayed = new DueHeap();
  readonly #running = new Map<string, Running>();
  readonly #failures = new Map<string, number>();

  #timer: { readonly at: number; readonly cancel: CancelTimer } | undefined;
  #isClosed = false;
  #onReady: (() => void) | undefined;

  constructor(options: QueueOptions) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#backoff = options.backoff ?? defaultBackoff;
    this.#hooks = options.hooks;
  }

  /** Called whenever a key has become ready. One listener: the runner. */
  setListener(listener: (() => void) | undefined): void {
    this.#onReady = listener;
  }

  /** The key is ready now. */
  add(key: string): void {
    const running = this.#running.get(key);
    if (running !== undefined) {
      running.againAt = this.#clock.now();
      return;
    }
    this.#delayed.delete(key);
    this.#makeReady(key);
  }

  /** The key becomes ready after `delayMs`, unless it does so earlier. */
  addAfter(key: string, delayMs: number): void {
    const at = this.#clock.now() + Math.max(0, delayMs);
    const running = this.#running.get(key);
    if (running !== undefined) {
      running.againAt = Math.min(running.againAt ?? at, at);
    } else if (delayMs <= 0) {
      this.add(key);
    } else if (!this.#isReady.has(key)) {
      const due = this.#delayed.dueAt(key);
      if (due === undefined || at < due) this.#delayed.set(key, at);
      this.#arm();
    }
  }

  /** The key's reconcile failed: it comes back with a delay that doubles with each failure in a row. Returns it. */
  addFailed(key: string): number {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const delayMs = backoffMs(this.#backoff, failures, this.#random);
    this.#hooks?.retried();
    this.addAfter(key, delayMs);
    return delayMs;
  }

  /** The key's reconcile went through: the next failure counts as the first. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** The next ready key, now counted as running; undefined when none is ready. Every take needs one `done`. */
  take(): string | undefined {
    const next = this.#ready[this.#head];
    if (next === undefined) return undefined;
    this.#head += 1;
    if (this.#head > 1024 && this.#head * 2 > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#head);
      this.#head = 0;
    }
    this.#isReady.delete(next.key);
    const now = this.#clock.now();
    this.#running.set(next.key, { since: now, againAt: undefined });
    this.#hooks?.taken(now - next.since);
    return next.key;
  }

  /** The run of the key is over; whatever was asked for it meanwhile takes effect. */
  done(key: string): void {
    const running = this.#running.get(key);
    if (running === undefined) return;
    this.#running.delete(key);
    const now = this.#clock.now();
    this.#hooks?.worked(now - running.since);
    if (running.againAt !== undefined) this.addAfter(key, running.againAt - now);
  }

  /**
   * Stops the timer, for good. Keys stay where they are; nothing becomes ready by itself any more. A queue that is left
   * open keeps its process alive until the last of its keys is due.
   */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#onReady = undefined;
  }

  /** Sizes and ages for metrics. Times in milliseconds. */
  stats(): QueueStats {
    const now = this.#clock.now();
    let unfinishedMs = 0;
    let longestMs = 0;
    for (const { since } of this.#running.values()) {
      unfinishedMs += now - since;
      longestMs = Math.max(longestMs, now - since);
    }
    return {
      ready: this.#isReady.size,
      delayed: this.#delayed.size,
      running: this.#running.size,
      unfinishedMs,
      longestMs,
    };
  }

  #makeReady(key: string): void {
    if (this.#isReady.has(key)) return;
    this.#isReady.add(key);
    this.#ready.push({ key, since: this.#clock.now() });
    this.#hooks?.added();
    this.#onReady?.();
  }

  /** One timer for all delayed keys, at the earliest due time. */
  #arm(): void {
    if (this.#isClosed) return;
    const at = this.#delayed.peek()?.at;
    if (at === this.#timer?.at) return;
    // A timer that fires too early costs one look; re-arming for every deletion would cost more.
    if (at === undefined || (this.#timer !== undefined && this.#timer.at < at)) return;
    this.#timer?.cancel();
    const cancel = this.#clock.after(at - this.#clock.now(), () => {
      this.#timer = undefined;
      this.#releaseDue();
    });
    this.#timer = { at, cancel };
  }

  #releaseDue(): void {
    const now = this.#clock.now();
    for (let key = this.#delayed.popDue(now); key !== undefined; key = this.#delayed.popDue(now)) {
      this.#makeReady(key);
    }
    this.#arm();
  }
}

export interface QueueStats {
  readonly ready: number;
  readonly delayed: number;
  readonly running: number;
  /** Sum over the keys that run now of how long they have been running. */
  readonly unfinishedMs: number;
  readonly longestMs: number;
}
