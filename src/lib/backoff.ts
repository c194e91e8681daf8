/** A number in [0, 1), from a seeded generator in tests. */
export type Random = () => number;

export interface BackoffPolicy {
  /** Delay after the first failure. */
  readonly baseMs: number;
  /** No delay is longer than this. */
  readonly maxMs: number;
}

/**
 * Exponential back-off with jitter: `failures` 1 gives about baseMs, each further one doubles it up to maxMs.
 * The jitter takes away up to a third, so that many resources that failed together do not come back together.
 */
export function backoffMs(policy: BackoffPolicy, failures: number, random: Random): number {
  const doubled = policy.baseMs * 2 ** Math.min(Math.max(failures - 1, 0), 30);
  const capped = Math.min(doubled, policy.maxMs);
  return Math.round(capped * (1 - random() / 3));
}
