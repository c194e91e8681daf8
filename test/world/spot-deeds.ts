import fc from 'fast-check';

import type { SpotMoment } from './spot-moments.ts';

/** What moves the spot market, and what its users ask of it. */
export type MarketDeed =
  /** The lowest bid that wins, from now on: everywhere, or on one host; null: a share of the price on demand. */
  | { readonly do: 'market'; readonly nth: number | undefined; readonly price: string | null }
  /** So many of the lowest bids lose their place, whatever they are. */
  | { readonly do: 'outbid'; readonly count: number }
  /** How many GPUs of each model a host has free. */
  | { readonly do: 'room'; readonly nth: number; readonly amount: number }
  /** The VM loses its place, and of what is done about that some answers are lost. */
  | { readonly do: 'outbidUnderFire'; readonly vm: string; readonly lost: readonly string[] }
  /** Spot VMs cost more than their bid. */
  | { readonly do: 'overcharge'; readonly on: boolean }
  /** Somebody writes another one's VM among those that are on their way out. */
  | { readonly do: 'forgeRetiring'; readonly vm: string };

/** Bids and prices that meet often: on demand, GPU, vCPUs and memory cost $0.164 to $0.260 on the hosts that fit. */
const priceWords = ['0.05', '0.08', '0.11', '0.15', '0.20', '0.30'] as const;
const marketWords = [null, '0.04', '0.08', '0.10', '0.14', '0.22', '0.40', '5.00'] as const;

const bid = fc
  .tuple(fc.constantFrom(...priceWords), fc.option(fc.constantFrom(...priceWords), { nil: undefined }))
  .map(([price, most]) => ({ price, maxPrice: most === undefined || most < price ? null : most }));

/** Whole terms each time, so that no field of the ones before contradicts them. */
const terms = fc
  .record({
    bid,
    onOutbid: fc.constantFrom('Wait', 'Replace', 'Replace', 'OnDemand'),
    outbidRetention: fc.constantFrom('0s', '1m', '5m', '20m'),
    after: fc.constantFrom(undefined, '1m', '5m', '15m'),
    outbidLimit: fc.constantFrom({ count: 5, window: '1h' }, { count: 2, window: '10m' }, { count: 1, window: '3m' }),
  })
  .map(({ after, ...rest }) => ({
    ...rest,
    returnToSpot: rest.onOutbid === 'OnDemand' && after !== undefined ? { after } : null,
  }));

export const spotSpecChange: fc.Arbitrary<object> = terms;

export const spotEndpoints = [
  'client/spot/validate/new',
  'client/spot/validate/new',
  'client/spot/validate/existing',
  'client/spot/validate/existing',
  'client/start/single',
  'client/stop/single',
  'client/delete/single',
];

type Often = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => fc.WeightedArbitrary<T>;

/** What the market does by itself. */
export function marketDeeds(often: Often): readonly fc.WeightedArbitrary<MarketDeed>[] {
  const nth = fc.nat({ max: 3 });
  const doing = <const N extends string>(name: N): fc.Arbitrary<N> => fc.constant(name);
  const price = fc.constantFrom(...marketWords);
  return [
    often(10, fc.record({ do: doing('market'), nth: fc.option(nth, { nil: undefined }), price })),
    often(5, fc.record({ do: doing('outbid'), count: fc.constantFrom(1, 1, 2, 9) })),
    often(2, fc.record({ do: doing('room'), nth, amount: fc.constantFrom(0, 1, 4) })),
  ];
}

export function spotDeeds(
  vm: fc.Arbitrary<string>,
  often: Often,
): readonly fc.WeightedArbitrary<MarketDeed | SpotMoment>[] {
  const doing = <const N extends string>(name: N): fc.Arbitrary<N> => fc.constant(name);
  const calls = fc.constantFrom('client/deploy/single', 'client/start/single', 'client/stop/single', 'client/list');
  return [
    ...marketDeeds(often),
    often(3, fc.record({ do: doing('outbidUnderFire'), vm, lost: fc.array(calls, { minLength: 1, maxLength: 2 }) })),
    often(3, fc.record({ do: doing('overcharge'), on: fc.boolean() })),
    often(1, fc.record({ do: doing('forgeRetiring'), vm })),
    often(3, fc.record({ do: doing('outbidAdopted'), vm, onOutbid: fc.constantFrom('Replace', 'OnDemand') })),
    often(3, fc.record({ do: doing('fickleMarket'), vm, after: fc.constantFrom('1m', '5m') })),
    often(3, fc.record({ do: doing('lateStart'), vm, lateMs: fc.constantFrom(20_000, 60_000, 75_000) })),
  ];
}
