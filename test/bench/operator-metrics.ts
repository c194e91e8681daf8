import { samplesIn, sumOf, type Sample } from '../support/exposition.ts';

/** What the operator tells of itself, at one moment. */
export interface OperatorMetrics {
  /** Sum over all labels that are at least these; 0 where there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number;
  /** The upper bound of the bucket of a histogram that so large a share is within, over all labels. */
  quantile(name: string, share: number): number;
}

/** @param telemetry base URL, as the operator prints it */
export async function operatorMetrics(telemetry: string): Promise<OperatorMetrics> {
  const samples = samplesIn(await (await fetch(`${telemetry}/metrics`)).text());
  const value: OperatorMetrics['value'] = (name, labels) => sumOf(samples, name, labels);
  return {
    value,
    quantile: (name, share) => {
      const least = share * value(`${name}_count`);
      const bounds = new Set(samples.filter((sample) => sample.name === `${name}_bucket`).map(boundOf));
      const within = [...bounds].filter((le) => value(`${name}_bucket`, { le }) >= least);
      return Math.min(...within.map(numberOf));
    },
  };
}

function boundOf({ labels }: Sample): string {
  return /le="([^"]+)"/.exec(labels)?.[1] ?? '+Inf';
}

function numberOf(bound: string): number {
  return bound === '+Inf' ? Infinity : Number(bound);
}
