import fc from 'fast-check';

/** What users and platform teams do with a pool. */
export type PoolDeed =
  /** Makes it, or changes these fields. */
  | { readonly do: 'pool'; readonly pool: string; readonly spec: PoolSpecChange }
  | { readonly do: 'scale'; readonly pool: string; readonly replicas: number }
  /** Another template: with another size all members are replaced, with another label none is. */
  | { readonly do: 'template'; readonly pool: string; readonly vcpus: number; readonly label: string }
  /** All members are available and nothing is in the way when the template changes. */
  | { readonly do: 'rollout'; readonly pool: string; readonly maxSurge: number; readonly maxUnavailable: number }
  | { readonly do: 'deleteFirst'; readonly vm: string }
  | { readonly do: 'deletePool'; readonly pool: string };

export interface PoolSpecChange {
  readonly replicas: number;
  readonly updateStrategy: { readonly type: string; readonly maxSurge: number; readonly maxUnavailable: number };
  readonly scaleIn: { readonly policy: string };
  readonly minReadySeconds: number;
  readonly spread: { readonly by: string; readonly maxPerDomain: number } | null;
  readonly maxHourlyCost: string | null;
}

type Often = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => fc.WeightedArbitrary<T>;

const pool = fc.constantFrom('pool-a', 'pool-a', 'pool-b');

/** Names that members have, or that somebody else takes from them. */
export const memberName = fc.constantFrom('pool-a-0', 'pool-a-0', 'pool-a-1', 'pool-a-2', 'pool-b-0', 'vm-a');

const replicas = fc.nat({ max: 4 });

export const poolSpecChange: fc.Arbitrary<PoolSpecChange> = fc.record({
  replicas,
  updateStrategy: fc
    .record({
      type: fc.constantFrom('RollingUpdate', 'RollingUpdate', 'RollingUpdate', 'OnDelete'),
      maxSurge: fc.nat({ max: 2 }),
      maxUnavailable: fc.nat({ max: 1 }),
    })
    .map((strategy) => (strategy.maxSurge + strategy.maxUnavailable > 0 ? strategy : { ...strategy, maxSurge: 1 })),
  scaleIn: fc.record({ policy: fc.constantFrom('MostExpensive', 'Newest', 'Oldest') }),
  minReadySeconds: fc.constantFrom(0, 0, 20),
  // Three hosts have the GPUs that are asked for.
  spread: fc.constantFrom(null, { by: 'Hostnode', maxPerDomain: 2 }),
  // A member costs $0.1 to $0.3.
  maxHourlyCost: fc.constantFrom(null, null, '0.30', '0.60'),
});

export function poolDeeds(often: Often): readonly fc.WeightedArbitrary<PoolDeed>[] {
  const doing = <const N extends string>(name: N): fc.Arbitrary<N> => fc.constant(name);
  const label = fc.constantFrom('one', 'two');
  return [
    often(5, fc.record({ do: doing('pool'), pool, spec: poolSpecChange })),
    often(6, fc.record({ do: doing('scale'), pool, replicas })),
    often(6, fc.record({ do: doing('template'), pool, vcpus: fc.constantFrom(2, 4), label })),
    often(
      2,
      fc.record({ do: doing('rollout'), pool, maxSurge: fc.nat({ max: 1 }), maxUnavailable: fc.nat({ max: 1 }) }),
    ),
    often(2, fc.record({ do: doing('deleteFirst'), vm: memberName })),
    often(2, fc.record({ do: doing('deletePool'), pool })),
  ];
}

/** Of a pool on demand, in worlds where other things happen as well. */
export function onePoolsDeeds(often: Often): readonly fc.WeightedArbitrary<PoolDeed>[] {
  const doing = <const N extends string>(name: N): fc.Arbitrary<N> => fc.constant(name);
  const one = fc.constant('pool-a');
  return [
    often(2, fc.record({ do: doing('pool'), pool: one, spec: poolSpecChange })),
    often(2, fc.record({ do: doing('scale'), pool: one, replicas })),
    often(1, fc.record({ do: doing('deletePool'), pool: one })),
  ];
}
