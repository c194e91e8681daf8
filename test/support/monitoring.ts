import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

import { metricTable } from '../../src/telemetry/metric-table.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { usesOf } from './promql.ts';

/** What the chart gives to Prometheus and Grafana, and what it may use. */

const files = path.join(import.meta.dirname, '../../charts/gpuvm-operator/files');
export const alertsFile = path.join(files, 'alerts.yaml');

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly AlertRule[] }[];
}

export function alertRules(): readonly AlertRule[] {
  return (parse(readFileSync(alertsFile, 'utf8')) as RuleFile).groups.flatMap(({ rules }) => rules);
}

export interface DashboardQuery {
  readonly row: string;
  readonly panel: string;
  readonly expr: string;
  readonly legend: string;
}

export interface Dashboard {
  readonly queries: readonly DashboardQuery[];
  /** What can be chosen: the values of a label that a metric has. */
  readonly variables: readonly { readonly name: string; readonly metric: string; readonly label: string }[];
}

interface DashboardFile {
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
  readonly panels: readonly {
    readonly type: string;
    readonly title: string;
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
}

/** The dashboard as it is in the chart. */
export function dashboard(): Dashboard {
  const { templating, panels } = JSON.parse(readFileSync(path.join(files, 'dashboard.json'), 'utf8')) as DashboardFile;
  const queries: DashboardQuery[] = [];
  let row = '';
  for (const { type, title, targets = [] } of panels) {
    if (type === 'row') row = title;
    for (const { expr, legendFormat } of targets) queries.push({ row, panel: title, expr, legend: legendFormat });
  }
  const variables = templating.list.flatMap(({ name, definition = '' }) => {
    const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(definition) ?? [];
    return metric === undefined || label === undefined ? [] : [{ name, metric, label }];
  });
  return { queries, variables };
}

/** Labels that Prometheus gives to what it scrapes. */
export const targetLabels: readonly string[] = ['job', 'instance', 'namespace', 'pod'];

/** Labels of every series that the operator may serve, by its name. */
export async function servedSeries(): Promise<ReadonlyMap<string, readonly string[]>> {
  const series = new Map<string, readonly string[]>();
  const add = (name: string, type: string, labels: readonly string[]): void => {
    if (type !== 'histogram') return void series.set(name, labels);
    for (const suffix of ['_sum', '_count']) series.set(`${name}${suffix}`, labels);
    series.set(`${name}_bucket`, [...labels, 'le']);
  };
  // Those of the process come from a library: what it registers is what there is. None of them is selected by its labels.
  const { text } = await createMetrics({ version: '1', processMetrics: true }).exposition();
  for (const [, name = '', type = ''] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) add(name, type, []);
  for (const { name, type, labels } of Object.values(metricTable)) add(name, type, labels);
  return series;
}

/** What an expression uses that the operator does not serve. */
export function problemsOf(expression: string, served: ReadonlyMap<string, readonly string[]>): string[] {
  const { metrics, matched, grouped } = usesOf(expression);
  const labelsOf = (metric: string): readonly string[] => [...(served.get(metric) ?? []), ...targetLabels];
  return [
    ...(metrics.length === 0 ? ['there is no metric in it'] : []),
    ...metrics.filter((metric) => !served.has(metric)).map((metric) => `there is no metric ${metric}`),
    ...matched
      .filter(({ metric, label }) => !labelsOf(metric).includes(label))
      .map(({ metric, label }) => `${metric} has no label ${label}`),
    ...grouped
      .filter((label) => !metrics.some((metric) => labelsOf(metric).includes(label)))
      .map((label) => `none of its metrics has a label ${label}`),
  ];
}
