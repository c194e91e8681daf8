import { backoffMs, type Random } from '../lib/backoff.ts';
import type { CancelTimer, Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { VmListing } from '../provider/contract.ts';
import { isProviderError } from '../provider/error.ts';
import type { Gate } from '../provider/gate-contract.ts';
import type { PollFailure } from './contract.ts';

export interface Intervals {
  /** Between polls while anyone waits for a snapshot. Polls are never closer together. */
  readonly activeMs: number;
  /** The same at this moment, where calls of more use stand in line. Absent: activeMs. */
  readonly crowdedMs?: () => number;
  /** Between polls while nobody waits. */
  readonly idleMs: number;
}

/** What is known of a listing beside what it says: see Snapshot. */
export interface PollFacts {
  readonly requestedAt: number;
  readonly receivedAt: number;
  readonly askedAs: string;
}

export interface PollerOptions {
  readonly gate: Gate;
  readonly clock: Clock;
  readonly random: Random;
  readonly intervals: Intervals;
  /** After failures in a row the pause doubles from activeMs up to this. Default 60 s. */
  readonly maxBackoffMs?: number;
  readonly list: (signal: AbortSignal) => Promise<VmListing>;
  /** As whom the provider would be asked at this moment. */
  readonly askedAs: () => string;
  /**
   * Takes a listing in. The next poll is not before this has ended. What it resolves with tells of the listing: called once
   * `failure` is over, as whoever is told looks at that, too.
   */
  readonly publish: (listing: VmListing, facts: PollFacts) => Promise<() => void>;
  readonly failed: (failure: PollFailure) => void;
  readonly wake: (keys: readonly string[]) => void;
}

/**
 * When to list, and who waits for it. One poll at a time, each through the gate. Waiting keys pull the next poll forward,
 * down to the short interval, or while others stand in line for calls of more use to the one for that; failures push it back.
 */
export class Poller {
  readonly #options: PollerOptions;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, number>();
  readonly #abort = new AbortController();
  #cancelTimer: CancelTimer = () => undefined;
  #due = Infinity;
  #running = false;
  #startedAt = -Infinity;
  #lastRequestedAt = -Infinity;
  #lastSuccessAt: number;
  #failure: PollFailure | undefined;
  #isOutdated = false;

  constructor(options: PollerOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#lastSuccessAt = options.clock.now();
  }

  get failure(): PollFailure | undefined {
    return this.#failure;
  }

  get isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  start(): void {
    this.#setTimer(this.#clock.now());
  }

  /** No poll starts after this, and one that runs is given up. */
  stop(): void {
    this.#abort.abort(new Error('the fleet was stopped'));
    this.#cancelTimer();
    this.#due = Infinity;
  }

  awaitSnapshot(key: string, requestedAfter: number): void {
    if (requestedAfter <= this.#lastRequestedAt) {
      this.#waiting.delete(key);
      this.#options.wake([key]);
      return;
    }
    this.#waiting.set(key, requestedAfter);
    if (this.#running || this.#failure !== undefined || this.#abort.signal.aborted) return;
    const due = this.#dueFor(requestedAfter);
    if (due < this.#due) this.#setTimer(due);
  }

  forget(key: string): void {
    this.#waiting.delete(key);
  }

  /** The failures so far were answers to somebody else: they are no reason to wait. */
  refresh(): void {
    if (this.#abort.signal.aborted) return;
    this.#failure = undefined;
    if (this.#running) this.#isOutdated = true;
    else this.#setTimer(this.#soonest());
  }

  #soonest(): number {
    return Math.max(this.#clock.now(), this.#startedAt + this.#options.intervals.activeMs);
  }

  /** For who needs a list requested after that moment: an earlier one is of no use to them. Within the two intervals. */
  #dueFor(requestedAfter: number): number {
    const { activeMs, idleMs, crowdedMs = () => activeMs } = this.#options.intervals;
    return Math.min(this.#startedAt + idleMs, Math.max(this.#startedAt + crowdedMs(), requestedAfter + 1));
  }

  #nextDue(): number {
    const now = this.#clock.now();
    // A clock that was set back must not stop the polls until it has caught up.
    this.#startedAt = Math.min(this.#startedAt, now);
    const { activeMs, idleMs } = this.#options.intervals;
    if (this.#isOutdated) {
      this.#isOutdated = false;
      return this.#soonest();
    }
    if (this.#failure !== undefined) {
      const policy = { baseMs: activeMs, maxMs: Math.max(activeMs, this.#options.maxBackoffMs ?? 60_000) };
      return now + backoffMs(policy, this.#failure.consecutive, this.#options.random);
    }
    if (this.#waiting.size === 0) return this.#startedAt + idleMs;
    let earliest = Infinity;
    for (const requestedAfter of this.#waiting.values()) earliest = Math.min(earliest, requestedAfter);
    return this.#dueFor(earliest);
  }

  #setTimer(due: number): void {
    this.#cancelTimer();
    this.#due = due;
    this.#cancelTimer = this.#clock.after(Math.max(0, due - this.#clock.now()), () => void this.#poll());
  }

  async #poll(): Promise<void> {
    this.#running = true;
    this.#due = Infinity;
    try {
      const { listing, requestedAt, askedAs } = await this.#list();
      const receivedAt = this.#clock.now();
      const tell = await this.#options.publish(listing, { requestedAt, receivedAt, askedAs });
      this.#lastRequestedAt = requestedAt;
      this.#lastSuccessAt = receivedAt;
      this.#failure = undefined;
      tell();
      this.#wakeServed(requestedAt);
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#fail(error);
    }
    this.#running = false;
    if (!this.#abort.signal.aborted) this.#setTimer(this.#nextDue());
  }

  async #list(): Promise<{ listing: VmListing; requestedAt: number; askedAs: string }> {
    const { signal } = this.#abort;
    const ticket = await this.#options.gate.acquire('poll', signal);
    let requestedAt = 0;
    let askedAs = '';
    const listing = await ticket.run(() => {
      this.#startedAt = this.#clock.now();
      // One less than now: of two things within one millisecond nobody knows which was first, and a listing must not pass
      // for later than a call that ended in the same one.
      requestedAt = this.#startedAt - 1;
      // In the same moment as the request takes the key that it carries.
      askedAs = this.#options.askedAs();
      return this.#options.list(signal);
    });
    return { listing, requestedAt, askedAs };
  }

  #fail(error: unknown): void {
    this.#startedAt = Math.max(this.#startedAt, this.#clock.now());
    this.#failure = {
      kind: isProviderError(error) ? error.kind : 'internal',
      message: messageOf(error),
      since: this.#lastSuccessAt,
      consecutive: (this.#failure?.consecutive ?? 0) + 1,
    };
    this.#options.failed(this.#failure);
  }

  #wakeServed(requestedAt: number): void {
    const served: string[] = [];
    for (const [key, requestedAfter] of this.#waiting) {
      if (requestedAfter <= requestedAt) served.push(key);
    }
    for (const key of served) this.#waiting.delete(key);
    if (served.length > 0) this.#options.wake(served);
  }
}
