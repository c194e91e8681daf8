import { backoffMs, type Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';

interface Record {
  failures: number;
  until: number;
  reason: string;
}

const policy = { baseMs: 60_000, maxMs: 1_800_000 };

/** A host that has been left alone for this long after its cool-down starts with a clean record. */
const forgetAfterMs = 1_800_000;

/**
 * Hosts that failed and are left alone for a while: about a minute, doubling with each failure in a row up to half an
 * hour. Failures reported during a cool-down belong to calls that were under way when it began, and count once.
 */
export class CoolDowns {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #records = new Map<string, Record>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  fail(host: string, reason: string): void {
    const now = this.#clock.now();
    this.#forgetOld(now);
    const before = this.#records.get(host);
    if (before !== undefined && before.until > now) return;
    const failures = (before?.failures ?? 0) + 1;
    this.#records.set(host, { failures, until: now + backoffMs(policy, failures, this.#random), reason });
  }

  succeed(host: string): void {
    this.#records.delete(host);
  }

  until(host: string): number | undefined {
    const record = this.#records.get(host);
    return record !== undefined && record.until > this.#clock.now() ? record.until : undefined;
  }

  reason(host: string): string | undefined {
    return this.until(host) === undefined ? undefined : this.#records.get(host)?.reason;
  }

  #forgetOld(now: number): void {
    for (const [host, record] of this.#records) {
      if (record.until + forgetAfterMs < now) this.#records.delete(host);
    }
  }
}
