/** What the operator tells of itself, at one moment. */
export interface OperatorMetrics {
  /** Sum over all labels that are at least these; 0 where there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number;
  /** The upper bound of the bucket of a histogram that so large a share is within, over all labels. */
  quantile(name: string, share: number): number;
}

interface Sample {
  readonly name: string;
  readonly labels: string;
  readonly value: number;
}

/** @param telemetry base URL, as the operator prints it */
export async function operatorMetrics(telemetry: string): Promise<OperatorMetrics> {
  const text = await (await fetch(`${telemetry}/metrics`)).text();
  const samples = text.split('\n').flatMap((line) => parsed(line) ?? []);
  const value: OperatorMetrics['value'] = (name, labels = {}) =>
    samples
      .filter((sample) => sample.name === name && isOf(sample, labels))
      .reduce((sum, sample) => sum + sample.value, 0);
  return {
    value,
    quantile: (name, share) => {
      const total = value(`${name}_count`);
      const bounds = samples.filter((sample) => sample.name === `${name}_bucket`).map(boundOf);
      const sorted = [...new Set(bounds)].toSorted(
        (a, b) => Number(a.replace('+Inf', 'Infinity')) - Number(b.replace('+Inf', 'Infinity')),
      );
      const bound = sorted.find((le) => value(`${name}_bucket`, { le }) >= share * total) ?? '+Inf';
      return Number(bound.replace('+Inf', 'Infinity'));
    },
  };
}

function parsed(line: string): Sample | undefined {
  const [, name, labels = '', value] = /^([a-zA-Z_:]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  return name === undefined ? undefined : { name, labels, value: Number(value) };
}

function isOf({ labels }: Sample, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([label, text]) => labels.includes(`${label}="${text}"`));
}

function boundOf({ labels }: Sample): string {
  return /le="([^"]+)"/.exec(labels)?.[1] ?? '+Inf';
}
