import { money, type Money } from '../../lib/money.ts';
import { rankOffers, type Offer, type PlacementLimits } from '../../plan/placement.ts';
import { quote } from '../../plan/price.ts';
import type { Host, VmPrice } from '../../provider/contract.ts';
import type { Wish } from './wish.ts';

/** What fits, the best first, and why the rest does not. */
export interface Ranked {
  readonly offers: readonly Offer[];
  /** Hosts that offer nothing; undefined where each of them does. */
  readonly rest: { readonly hosts: readonly Host[]; readonly tally: string } | undefined;
  /** Lowest price of a host that would fit but for the cap. */
  readonly cheapestAboveCap: Money | undefined;
}

/**
 * As the operator ranks (src/plan/placement.ts), with what the operator alone knows left out: which hosts it gives a rest after
 * a failure, and what has won on the spot market lately.
 */
export function rank(wish: Wish, hosts: readonly Host[]): Ranked {
  const limits = limitsOf(wish);
  const offers = wish.anyModel ? offersOfAnyModel(wish, hosts) : offersOf(wish, hosts);
  const taken = new Set(offers.map(({ host }) => host.id));
  const left = hosts.filter(({ id }) => !taken.has(id));
  if (left.length === 0 && hosts.length > 0) return { offers, rest: undefined, cheapestAboveCap: undefined };
  // Asked about those alone that offer nothing, it says why.
  const explained = rankOffers(wish.request, left, limits);
  if (explained.kind !== 'none') return { offers, rest: undefined, cheapestAboveCap: undefined };
  return { offers, rest: { hosts: left, tally: explained.tally }, cheapestAboveCap: explained.cheapest };
}

/** Why this host offers nothing: "over price". */
export function whyNot({ request, ...wish }: Wish, host: Host): string {
  const explained = rankOffers(request, [host], limitsOf({ request, ...wish }));
  return explained.kind === 'none' ? explained.tally.replace(/^1 host: 1 /, '') : '';
}

function offersOf(wish: Wish, hosts: readonly Host[]): readonly Offer[] {
  const ranking = rankOffers(wish.request, hosts, limitsOf(wish));
  return ranking.kind === 'none' ? [] : ranking.offers;
}

/** No model is preferred, so that models do not stand behind each other: all in one order, by the strategy. */
function offersOfAnyModel(wish: Wish, hosts: readonly Host[]): readonly Offer[] {
  const { gpu, placement } = wish.request;
  const offers = gpu.models.flatMap((model) =>
    offersOf({ ...wish, request: { ...wish.request, gpu: { ...gpu, models: [model] } } }, hosts),
  );
  const byPrice = (a: Offer, b: Offer): number => a.price.total.cmp(b.price.total);
  const byUptime = (a: Offer, b: Offer): number => (b.host.uptimePercent ?? 0) - (a.host.uptimePercent ?? 0);
  const [first, second] = placement.strategy === 'Cheapest' ? [byPrice, byUptime] : [byUptime, byPrice];
  return offers.toSorted((a, b) => first(a, b) || second(a, b) || (a.host.id < b.host.id ? -1 : 1));
}

function limitsOf({ cap, bid }: Wish): PlacementLimits {
  const common = { maxHourlyPrice: cap, isCoolingDown: () => false };
  if (bid === undefined) return common;
  return {
    ...common,
    priceOf: (host, gpu, size) => withBid(quote(host, gpu, size), bid.first),
    rankBy: (offer) => expectedTotal(offer, bid.first),
  };
}

/** Hosts ask for about half of their price on demand, as far as anybody knows who has not asked (src/plan/vm/bid-offers.ts). */
const guessedShare = money('0.5');

function expectedTotal({ host, size, price }: Offer, first: Money): Money {
  const gpu = host.gpus.find(({ model }) => model === size.gpuModel);
  const guess = gpu === undefined ? first : quote(host, gpu, size).compute.times(guessedShare);
  return (guess.gt(first) ? guess : first).plus(price.storage ?? 0);
}

export function withBid({ storage }: VmPrice, bid: Money): VmPrice {
  return { compute: bid, storage, total: bid.plus(storage ?? 0) };
}

/** All models of the inventory, each once. */
export function modelsOf(hosts: readonly Host[]): string[] {
  return [...new Set(hosts.flatMap(({ gpus }) => gpus.map(({ model }) => model)))].toSorted();
}
