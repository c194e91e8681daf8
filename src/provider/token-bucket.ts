export interface Rate {
  readonly requestsPerSecond: number;
  /** Most calls that may start at once after a quiet time. At least 1. */
  readonly burst: number;
}

/** Refills are sums of fractions; a token that is short by less than this is whole. */
const epsilon = 1e-9;

/**
 * Tokens for call starts. A token that was taken but whose call has not started yet still counts against the capacity:
 * else a few callers could collect tokens over some seconds and start together. So in any window of w seconds at most
 * burst + w × rate calls start, however late each uses its token.
 */
export class TokenBucket {
  #rate: Rate;
  #level: number;
  #held = 0;
  #updatedAt: number;

  constructor(rate: Rate, now: number) {
    this.#rate = checked(rate);
    this.#level = rate.burst;
    this.#updatedAt = now;
  }

  /** Takes a token if there is one. It is then held until `spend` or `giveBack`. */
  take(now: number): boolean {
    this.#refill(now);
    if (this.#level < 1 - epsilon) return false;
    this.#level -= 1;
    this.#held += 1;
    return true;
  }

  /** The call of a held token starts now. */
  spend(now: number): void {
    this.#refill(now);
    this.#held -= 1;
  }

  /** The call of a held token will not be made. */
  giveBack(now: number): void {
    this.#refill(now);
    this.#held -= 1;
    this.#level = Math.min(this.#level + 1, this.#room());
  }

  /** Milliseconds until the next token, 0 if there is one; undefined while held tokens leave no room for another. */
  untilNext(now: number): number | undefined {
    this.#refill(now);
    if (this.#level >= 1 - epsilon) return 0;
    if (this.#room() < 1 - epsilon) return undefined;
    return Math.max(1, Math.ceil(((1 - this.#level) * 1000) / this.#rate.requestsPerSecond));
  }

  setRate(rate: Rate, now: number): void {
    this.#refill(now);
    this.#rate = checked(rate);
    this.#level = Math.min(this.#level, this.#room());
  }

  #room(): number {
    return Math.max(0, this.#rate.burst - this.#held);
  }

  /** A clock that was set back gives nothing and takes nothing. */
  #refill(now: number): void {
    const elapsedMs = Math.max(0, now - this.#updatedAt);
    this.#updatedAt = now;
    this.#level = Math.min(this.#level + (elapsedMs * this.#rate.requestsPerSecond) / 1000, this.#room());
  }
}

function checked(rate: Rate): Rate {
  if (!(rate.requestsPerSecond > 0) || !(rate.burst >= 1)) {
    throw new RangeError('a rate needs more than 0 requests per second and a burst of at least 1');
  }
  return rate;
}
