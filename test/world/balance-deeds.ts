import fc from 'fast-check';

/** What becomes of the balance, what is said of it, and for how long it has to last. */
export type BalanceDeed =
  /** Somebody puts money in, or takes it out: from then on it lasts for so many hours at the rate of then. */
  | { readonly do: 'balance'; readonly hours: number }
  | { readonly do: 'runway'; readonly runways: Runways | null }
  /** So many answers in a row say that nothing is left. */
  | { readonly do: 'balanceSlips'; readonly count: number }
  /** Little is left, as answers have said twice; then they fail, and only after a while VMs are to be released for it. */
  | { readonly do: 'oldAnswers'; readonly afterMs: number };

export interface Runways {
  readonly minRunway: string;
  readonly releaseBelowRunway?: string;
}

type Often = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => fc.WeightedArbitrary<T>;

export const runways = fc.constantFrom<Runways | null>(
  null,
  { minRunway: '6h' },
  { minRunway: '6h', releaseBelowRunway: '2h' },
  { minRunway: '2h', releaseBelowRunway: '90m' },
);

/** In a world that lasts for an hour or two: from used up in the middle of it to more than anybody could spend. */
const hours = fc.constantFrom(0.3, 1, 1.8, 3, 5.5, 8, 1_000_000);

export function balanceDeeds(often: Often): readonly fc.WeightedArbitrary<BalanceDeed>[] {
  const doing = <const N extends string>(name: N): fc.Arbitrary<N> => fc.constant(name);
  return [
    often(6, fc.record({ do: doing('balance'), hours })),
    often(5, fc.record({ do: doing('runway'), runways })),
    often(2, fc.record({ do: doing('oldAnswers'), afterMs: fc.constantFrom(180_000, 300_000, 600_000) })),
    often(2, fc.record({ do: doing('balanceSlips'), count: fc.constantFrom(1, 1, 1, 3) })),
  ];
}
