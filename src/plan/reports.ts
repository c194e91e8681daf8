import type { GpuAccountSpec, ReportKind, ReportStatus } from '../api/gpu-account.ts';
import type { Report } from '../fleet/contract.ts';
import { toTimestamp } from '../lib/clock.ts';
import { parseDuration } from '../lib/duration.ts';

/** What is known of one report that the account asks for: whether it can be had, and nothing of what is in it. */
export interface ReportObservation {
  readonly kind: ReportKind;
  readonly last: { readonly requestedAt: number } | undefined;
  readonly failure: Report<unknown>['failure'];
}

/** What the account asks for, and how old that may be. */
export function reportsWanted({ reports }: Pick<GpuAccountSpec, 'reports'>): {
  readonly kinds: readonly ReportKind[];
  readonly maxAgeMs: number;
} {
  if (reports === undefined) return { kinds: [], maxAgeMs: Infinity };
  return { kinds: [...new Set(reports.kinds)], maxAgeMs: parseDuration(reports.interval) ?? Infinity };
}

/**
 * Teams may read the account: figures of the whole organization are for metrics and the command line. What was read when
 * last stands while the next one cannot be had, also over a restart.
 */
export function reportStatuses(
  observed: readonly ReportObservation[],
  before: readonly ReportStatus[] = [],
): ReportStatus[] {
  return observed.map(({ kind, last, failure }) => {
    const readAt = last === undefined ? before.find((one) => one.kind === kind)?.readAt : toTimestamp(last.requestedAt);
    return {
      kind,
      ...(readAt === undefined ? {} : { readAt }),
      ...(failure === undefined ? {} : { failure: `It cannot be read, tried again by itself: ${failure.message}` }),
    };
  });
}
