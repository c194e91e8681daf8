import type { Clock } from '../lib/clock.ts';
import { isProviderError } from './error.ts';
import type { Gate } from './gate-contract.ts';
import type { CallRecord, ProviderHooks } from './instrumented.ts';

export interface RateLimitOptions {
  readonly gate: Pick<Gate, 'pauseUntil'>;
  readonly clock: Clock;
  /** The pause when the provider does not say how long; doubles with each refusal in a row. Default 2 s. */
  readonly baseMs?: number;
  /** No pause is longer, whatever the provider says: deletions wait too, and they stop money. Default 2 min. */
  readonly maxMs?: number;
}

/**
 * Hooks that hold the whole gate after "too many requests", or after any failure that came with a Retry-After (API
 * reference A42). The provider counts requests of the organization, so one refusal concerns every caller.
 */
export function pauseWhenLimited(options: RateLimitOptions): Required<Pick<ProviderHooks, 'ended'>> {
  const { gate, clock } = options;
  const baseMs = options.baseMs ?? 2_000;
  const maxMs = options.maxMs ?? 120_000;
  let inRow = 0;
  let pausedUntil = -Infinity;
  return {
    ended: ({ result, error }: CallRecord) => {
      if (result === 'ok') inRow = 0;
      if (!isProviderError(error) || (error.kind !== 'rateLimited' && error.retryAfterMs === undefined)) return;
      // A dozen calls in flight are refused together: that is one refusal, not twelve in a row.
      if (clock.now() >= pausedUntil) inRow += 1;
      const pauseMs = Math.min(maxMs, error.retryAfterMs ?? baseMs * 2 ** Math.min(inRow - 1, 20));
      pausedUntil = Math.max(pausedUntil, clock.now() + pauseMs);
      gate.pauseUntil(pausedUntil);
    },
  };
}
