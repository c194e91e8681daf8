import { beforeAll, describe, expect, it } from 'vitest';

import { metricTable } from '../../src/telemetry/metric-table.ts';
import { dashboard, problemsOf, servedSeries } from '../support/monitoring.ts';
import { usesOf } from '../support/promql.ts';

/** The dashboard uses what the operator serves, and shows all that it tells of itself. */

const { queries, variables } = dashboard();

let served: ReadonlyMap<string, readonly string[]>;

beforeAll(async () => {
  served = await servedSeries();
});

describe('the dashboard', () => {
  it.each(queries)('$row: "$panel" uses metrics and labels that there are', ({ expr, legend }) => {
    expect(problemsOf(expr, served)).toEqual([]);
    const named = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
    expect(usesOf(expr).grouped).toEqual(expect.arrayContaining(named));
  });

  it.each(variables)('the variable $name is chosen by a label that there is', ({ name, metric, label }) => {
    expect(served.get(metric)).toContain(label);
    expect(queries.some(({ expr }) => expr.includes(`=~"$${name}"`))).toBe(true);
  });

  it('shows every metric, but for what only those have who rent out hosts, and what others say as well', () => {
    const shown = new Set(queries.flatMap(({ expr }) => usesOf(expr).metrics));
    const isShown = (name: string): boolean => ['', '_bucket', '_sum'].some((suffix) => shown.has(name + suffix));
    const names = Object.values(metricTable).map(({ name }) => name);
    expect(names.filter((name) => !isShown(name)).sort()).toEqual([
      ...['gpuvm_billing_dollars', 'gpuvm_host_gpus', 'gpuvm_host_revenue_dollars', 'gpuvm_report_age_seconds'],
      ...['workqueue_retries_total', 'workqueue_unfinished_work_seconds', 'workqueue_work_duration_seconds'],
    ]);
  });
});
