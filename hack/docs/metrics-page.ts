import { metricTable } from '../../src/telemetry/metric-table.ts';

/** docs/metrics.md: every metric with its type, labels and meaning, from the table that makes them. */
export function metricsPage(): string {
  return [
    '# Metrics',
    '',
    'Generated from `src/telemetry/metric-table.ts` by `make generate`. Do not edit.',
    '',
    'Served at `/metrics` in the Prometheus text format. The names that begin with `controller_runtime_`, `workqueue_` and',
    '`rest_client_` mean what they mean for operators built on controller-runtime, so that dashboards fit.',
    '',
    '| metric | type | labels | meaning |',
    '| --- | --- | --- | --- |',
    ...Object.values(metricTable).map(
      ({ name, type, labels, help }) =>
        `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
    ),
    '',
  ].join('\n');
}
