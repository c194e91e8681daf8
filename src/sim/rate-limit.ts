/** A42: one bucket for everybody, as large as one second's worth of requests. */
export class RateLimit {
  readonly #perSecond: number;
  #tokens: number;
  #filledAt = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tokens = Math.max(1, perSecond);
  }

  /** Seconds to wait before the next request; undefined when this one may pass. */
  retryAfterSeconds(now: number): number | undefined {
    if (this.#perSecond <= 0) return undefined;
    const most = Math.max(1, this.#perSecond);
    this.#tokens = Math.min(most, this.#tokens + (Math.max(0, now - this.#filledAt) / 1000) * this.#perSecond);
    this.#filledAt = now;
    if (this.#tokens < 1) return Math.ceil((1 - this.#tokens) / this.#perSecond);
    this.#tokens -= 1;
    return undefined;
  }
}
