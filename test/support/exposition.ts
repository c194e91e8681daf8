/** One line of what /metrics says. */
export interface Sample {
  readonly name: string;
  /** As they stand between the braces. */
  readonly labels: string;
  readonly value: number;
}

export function samplesIn(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    return name === undefined ? [] : [{ name, labels, value: Number(value) }];
  });
}

/** Of the samples whose labels are `wanted`, or begin so; 0 where there is none. */
export function sumOf(samples: readonly Sample[], name: string, wanted: Readonly<Record<string, string>> = {}): number {
  const isWanted = ({ labels }: Sample): boolean =>
    Object.entries(wanted).every(([label, text]) => labels.includes(`${label}="${text}"`));
  return samples
    .filter((sample) => sample.name === name && isWanted(sample))
    .reduce((sum, { value }) => sum + value, 0);
}
