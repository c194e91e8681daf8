import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

import { costLabelName } from './cost-labels.ts';
import { metricTable, type MetricDefinition, type MetricName } from './metric-table.ts';

type LabelOf<K extends MetricName> = (typeof metricTable)[K]['labels'][number];
type MetricOf<K extends MetricName> = (typeof metricTable)[K]['type'] extends 'counter'
  ? Counter<LabelOf<K>>
  : (typeof metricTable)[K]['type'] extends 'gauge'
    ? Gauge<LabelOf<K>>
    : Histogram<LabelOf<K>>;

/** Every metric of the table under its key: `metrics.launches.inc({ outcome: 'launched' })`. */
export type MetricSet = { readonly [K in MetricName]: MetricOf<K> };

export interface Metrics extends MetricSet {
  /** Called before each exposition, for gauges that are read off the state rather than kept up. Must not throw. */
  onCollect(collect: () => void): void;
  /** The text that Prometheus scrapes, and its content type. */
  exposition(): Promise<{ readonly contentType: string; readonly text: string }>;
}

export interface MetricsOptions {
  readonly version: string;
  /** Metrics of the process and of Node.js: memory, CPU, event-loop delay, garbage collection. Off in most tests. */
  readonly processMetrics?: boolean;
  /** Labels of resources by which the counter of costs is told apart. */
  readonly costLabels?: readonly string[];
}

/** A registry of its own with all metrics of the operator in it: two operators in one process share nothing. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const set: Record<string, unknown> = {};
  for (const [key, definition] of Object.entries(metricTable))
    set[key] = newMetric(chosen(definition, options), registry);
  if (options.processMetrics === true) collectDefaultMetrics({ register: registry });
  const collectors: (() => void)[] = [];
  const metrics: Metrics = {
    ...(set as MetricSet),
    onCollect(collect) {
      collectors.push(collect);
    },
    async exposition() {
      for (const collect of collectors) collect();
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
  metrics.buildInfo.set({ version: options.version, node_version: process.version }, 1);
  return metrics;
}

function chosen(definition: MetricDefinition, { costLabels = [] }: MetricsOptions): MetricDefinition {
  if (definition !== metricTable.cost) return definition;
  return { ...definition, labels: [...definition.labels, ...costLabels.map(costLabelName)] };
}

function newMetric(definition: MetricDefinition, registry: Registry): Counter | Gauge | Histogram {
  const { name, help } = definition;
  const common = { name, help, labelNames: [...definition.labels], registers: [registry] };
  switch (definition.type) {
    case 'counter':
      return new Counter(common);
    case 'gauge':
      return new Gauge(common);
    case 'histogram':
      return new Histogram({ ...common, ...(definition.buckets && { buckets: [...definition.buckets] }) });
  }
}
