import type { Clock } from '../../src/lib/clock.ts';

/**
 * A token bucket of the test's own: in any window of w seconds no more than burst + w times the rate leave. It belongs to
 * one process; the next one begins with a full one, as the operator's does.
 */
export class CallBudget {
  readonly #rate: number;
  readonly #clock: Clock;
  /** Requests that may leave at once after a quiet time: a second's worth, and two at the least. */
  readonly #burst: number;
  #tokens: number;
  #at: number;

  constructor(requestsPerSecond: number, clock: Clock) {
    this.#rate = requestsPerSecond;
    this.#burst = Math.max(2, Math.ceil(requestsPerSecond));
    this.#tokens = this.#burst;
    this.#clock = clock;
    this.#at = clock.now();
  }

  /** One more request leaves now: whether it may. */
  allows(): boolean {
    const now = this.#clock.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) * this.#rate) / 1000) - 1;
    this.#at = now;
    return this.#tokens >= -0.01;
  }
}
