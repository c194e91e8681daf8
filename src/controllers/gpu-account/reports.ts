import type { GpuAccountSpec, ReportKind } from '../../api/gpu-account.ts';
import type { Report, ReportBook } from '../../fleet/contract.ts';
import { reportsWanted, type ReportObservation } from '../../plan/reports.ts';
import type { AccountRuntime } from '../accounts.ts';

/** Of an account whose spec cannot be read, and of one that has no runtime yet, nothing. */
export function observeReports(
  spec: GpuAccountSpec | undefined,
  runtime: Pick<AccountRuntime, 'reports'> | undefined,
): ReportObservation[] {
  if (spec === undefined) return [];
  return reportsWanted(spec).kinds.map((kind) => {
    const report = runtime === undefined ? undefined : reportOf(runtime.reports, kind);
    return { kind, last: report?.last, failure: report?.failure };
  });
}

/** Those that are due are asked for; nobody waits for them. */
export function askForReports(spec: GpuAccountSpec | undefined, { reports }: Pick<AccountRuntime, 'reports'>): void {
  if (spec === undefined) return;
  const { kinds, maxAgeMs } = reportsWanted(spec);
  for (const kind of kinds) reportOf(reports, kind).request(maxAgeMs);
}

function reportOf(reports: ReportBook, kind: ReportKind): Report<unknown> {
  return kind === 'Summary' ? reports.summary : reports.revenue;
}
