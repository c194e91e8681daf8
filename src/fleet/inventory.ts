import { backoffMs, type Random } from '../lib/backoff.ts';
import type { CancelTimer, Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { isProviderError } from '../provider/error.ts';
import type { Gate } from '../provider/gate-contract.ts';

export interface InventoryOptions<T> {
  readonly gate: Gate;
  readonly clock: Clock;
  readonly random: Random;
  readonly read: (signal: AbortSignal) => Promise<T>;
  readonly taken: (value: T, requestedAt: number) => void;
  readonly failed?: (kind: string) => void;
  readonly wake: (keys: readonly string[]) => void;
  /** How long what was read is young enough to choose from, and so how often at most it is read. */
  readonly maxAgeMs: number;
}

const failurePolicy = { baseMs: 2_000, maxMs: 60_000 };

/** What there is to be had: read when somebody asks for it, once for all who do, and ahead for those who stand behind them. */
export class Inventory<T> {
  readonly #options: InventoryOptions<T>;
  readonly #waiting = new Set<string>();
  readonly #abort = new AbortController();
  #readAt: number | undefined;
  #requestedAt = -Infinity;
  #isAhead = false;
  #failure: { readonly kind: string; readonly message: string } | undefined;
  #failures = 0;
  #busy = false;
  #retryAt = -Infinity;
  #cancelRetry: CancelTimer = () => undefined;

  constructor(options: InventoryOptions<T>) {
    this.#options = options;
  }

  get failure(): { readonly kind: string; readonly message: string } | undefined {
    return this.#failure;
  }

  /** It failed a moment ago, and is not tried again at once. */
  get isPausing(): boolean {
    return this.#options.clock.now() < this.#retryAt;
  }

  isFresh(): boolean {
    if (this.#readAt === undefined) return false;
    const age = this.#options.clock.now() - this.#readAt;
    // A negative age: the clock was set back, and nobody knows how old it is.
    return age >= 0 && age < this.#options.maxAgeMs;
  }

  request(key: string): void {
    if (this.isFresh()) {
      this.#options.wake([key]);
      return;
    }
    this.#waiting.add(key);
    if (this.#busy || this.#abort.signal.aborted) return;
    // After a failure all who ask again share one later try.
    this.#busy = true;
    const { clock } = this.#options;
    const delay = Math.min(Math.max(0, this.#retryAt - clock.now()), failurePolicy.maxMs);
    if (delay === 0) void this.#fetch();
    else this.#cancelRetry = clock.after(delay, () => void this.#fetch());
  }

  /**
   * Somebody has chosen from it, and more may stand behind them. The next one is asked for as early as it may be, so that a
   * crowd need not stop while a slow answer is on its way.
   */
  noteUse(): void {
    const { clock, maxAgeMs } = this.#options;
    const isDue = clock.now() - this.#requestedAt >= maxAgeMs;
    if (!isDue || !this.isFresh() || this.#busy || this.isPausing || this.#abort.signal.aborted) return;
    this.#busy = true;
    this.#isAhead = true;
    // Not at once: whoever has chosen is in the middle of it, and asking at the gate may wake others who choose.
    void Promise.resolve().then(() => this.#fetch());
  }

  forget(key: string): void {
    this.#waiting.delete(key);
  }

  stop(): void {
    this.#abort.abort(new Error('the fleet was stopped'));
    this.#cancelRetry();
  }

  async #fetch(): Promise<void> {
    const { gate, clock, read, wake } = this.#options;
    const { signal } = this.#abort;
    try {
      // Ahead of deployments: should it come too late, all of them would have to wait for it.
      const ticket = await gate.acquire(this.#isAhead ? 'poll' : 'lookup', signal);
      // Everyone who waited may have gone while this waited in line.
      if (this.#waiting.size === 0 && !this.#isAhead) {
        ticket.release();
        this.#busy = false;
        return;
      }
      let requestedAt = 0;
      const value = await ticket.run(() => {
        requestedAt = clock.now();
        return read(signal);
      });
      this.#take(value, requestedAt);
    } catch (error) {
      if (signal.aborted) return;
      this.#fail(error);
    }
    this.#busy = false;
    this.#isAhead = false;
    const keys = [...this.#waiting];
    this.#waiting.clear();
    wake(keys);
  }

  #take(value: T, requestedAt: number): void {
    this.#readAt = this.#options.clock.now();
    this.#requestedAt = requestedAt;
    this.#failure = undefined;
    this.#failures = 0;
    this.#options.taken(value, requestedAt);
  }

  /** What was read before stays, old as it is: `isFresh` says that it is no basis for a choice. */
  #fail(error: unknown): void {
    const { clock, random, failed } = this.#options;
    const kind = isProviderError(error) ? error.kind : 'internal';
    this.#failures += 1;
    // While what was read is fresh nobody lacks anything; whoever asks later learns what becomes of that.
    if (!this.#isAhead) this.#failure = { kind, message: messageOf(error) };
    this.#retryAt = clock.now() + backoffMs(failurePolicy, this.#failures, random);
    failed?.(kind);
  }
}
