import { backoffMs, type Random } from '../lib/backoff.ts';
import { sleep, type Clock } from '../lib/clock.ts';
import { isProviderError } from './error.ts';
import type { Gate, Lane } from './gate-contract.ts';

export interface ReadOptions {
  readonly gate: Gate;
  readonly clock: Clock;
  readonly random: Random;
  readonly lane: Lane;
  /** Tries in all. Default 3. */
  readonly tries?: number;
  readonly signal?: AbortSignal;
}

const policy = { baseMs: 500, maxMs: 5_000 };

/** Longer than this nobody waits inside a call: the failure goes to the caller, who has other things to do. */
const longestRetryAfterMs = 10_000;

/**
 * One read-only call to the provider, tried again when the trouble may pass. Each try takes its own ticket, so that the
 * gate counts every request. Never for a call that changes something.
 */
export async function readThrough<T>(options: ReadOptions, call: () => Promise<T>): Promise<T> {
  const { gate, clock, random, lane, signal } = options;
  const tries = options.tries ?? 3;
  for (let failures = 1; ; failures += 1) {
    const ticket = await gate.acquire(lane, signal);
    try {
      return await ticket.run(call);
    } catch (error) {
      const waitMs = failures < tries ? waitBeforeRetry(error, failures, random) : undefined;
      if (waitMs === undefined) throw error;
      await sleep(clock, waitMs, signal);
    }
  }
}

function waitBeforeRetry(error: unknown, failures: number, random: Random): number | undefined {
  if (!isProviderError(error, 'unavailable', 'malformed', 'rateLimited')) return undefined;
  const told = error.retryAfterMs ?? 0;
  return told > longestRetryAfterMs ? undefined : Math.max(told, backoffMs(policy, failures, random));
}
