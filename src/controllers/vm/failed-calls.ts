import { backoffMs, type BackoffPolicy, type Random } from '../../lib/backoff.ts';
import type { CallFact } from '../../plan/vm/observation.ts';
import type { ProviderErrorKind } from '../../provider/error.ts';

/** A longer Retry-After is not waited for: a VM that is to be deleted or stopped is billed meanwhile. As at the gate. */
const longestRetryAfterMs = 120_000;

export interface CallFailure {
  readonly kind: ProviderErrorKind;
  readonly message: string;
}

export interface FailedWhen {
  readonly now: number;
  readonly retryAfterMs: number | undefined;
  readonly backoff: BackoffPolicy;
  readonly random: Random;
}

/** @param last of the same VM */
export function failedCall(
  last: CallFact | undefined,
  call: CallFact['call'],
  failure: CallFailure,
  { now, retryAfterMs = 0, backoff, random }: FailedWhen,
): CallFact {
  const failures = last?.call === call ? last.failures + 1 : 1;
  const pauseMs = Math.max(Math.min(retryAfterMs, longestRetryAfterMs), backoffMs(backoff, failures, random));
  return { call, endedAt: now, failure, failures, nextTryAt: now + pauseMs };
}

/**
 * What was refused for the sake of key or token is tried again as soon as they are others, and as if it had failed once: a VM that is
 * to go is billed.
 */
export function retriedWith(calls: ReadonlyMap<string, CallFact>, since: number): ReadonlyMap<string, CallFact> {
  const isRefused = ({ failure, endedAt, nextTryAt }: CallFact): boolean =>
    failure?.kind === 'unauthorized' && endedAt < since && nextTryAt > since;
  if (![...calls.values()].some(isRefused)) return calls;
  return new Map(
    [...calls].map(([vmId, call]) => [vmId, isRefused(call) ? { ...call, failures: 1, nextTryAt: since } : call]),
  );
}
