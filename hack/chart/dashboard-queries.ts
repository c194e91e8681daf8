/** One query of a panel, and what a series of it is called. */
export interface Query {
  readonly expr: string;
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  /** What it shows, and what it means when it moves. */
  readonly description: string;
  /** As Grafana names units. */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Drawn on top of each other, where the sum means something. */
  readonly stacked?: boolean;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export const ofAccount = '{account=~"$account"}';
export const ofNamespace = '{namespace=~"$namespace"}';

/** All pods tell the same of what is in the API server: one of them counts. */
export function once(series: string): string {
  return `max without (instance, pod) (${series})`;
}

/**
 * Of series whose names every controller and every process has: those of this operator. Job and instance tell where a
 * series was scraped, and only the operator has gpuvm_build_info.
 */
export function ours(series: string): string {
  return `(${series} and on (job, instance) gpuvm_build_info)`;
}

/** The rate of a counter, of this operator alone. */
export function rateOf(series: string): string {
  const rate = `rate(${series}[$__rate_interval])`;
  return series.startsWith('gpuvm_') ? `(${rate})` : ours(rate);
}

export function byAccount(metric: string): Query {
  return { expr: `max by (account) (${metric}${ofAccount})`, legend: '{{account}}' };
}

export function rateBy(label: string, series: string): Query {
  return { expr: `sum by (${label}) ${rateOf(series)}`, legend: `{{${label}}}` };
}

export function happenedBy(label: string, series: string): Query {
  return { expr: `sum by (${label}) (increase(${series}[$__rate_interval]))`, legend: `{{${label}}}` };
}

export function happened(metric: string, legend: string): Query {
  return { expr: `sum(increase(${metric}[$__rate_interval]))`, legend };
}

export function quantileBy(label: string, metric: string, selector = ''): Query {
  const buckets = `sum by (${label}, le) ${rateOf(`${metric}_bucket${selector}`)}`;
  return { expr: `histogram_quantile(0.9, ${buckets})`, legend: `{{${label}}}` };
}

/** How many VM resources there are. */
export function vmsBy(label: string, selector: string): Query {
  return { expr: `sum by (${label}) (${once(`gpuvm_vms${selector}`)})`, legend: `{{${label}}}` };
}
