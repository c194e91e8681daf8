import { Reservations } from '../../fleet/reservations.ts';
import { formatMoney, lesser, money, type Money } from '../../lib/money.ts';
import type { Offer } from '../../plan/placement.ts';
import type { Host } from '../../provider/contract.ts';
import type { InstantVm } from '../../provider/instant.ts';
import { rankReadyMade } from '../market/instant-list.ts';
import { placeText } from '../market/offer-list.ts';
import { modelsOf, rank, withBid } from '../market/rank.ts';
import type { Wish } from '../market/wish.ts';
import type { Order } from './manifest.ts';
import { notesOf, type Terms } from './notes.ts';

/** What some equal VMs of a resource would cost per hour all together, in US dollars. */
export interface QuoteLine {
  readonly name: string;
  readonly capacity: 'OnDemand' | 'Spot';
  readonly wanted: number;
  /** So many of them find a host now. */
  readonly fitting: number;
  readonly gpu: string | undefined;
  /** Of the first of them. */
  readonly location: string | undefined;
  readonly host: string | undefined;
  /** It is a VM that is there already, larger maybe than what is asked for. */
  readonly isReadyMade: boolean;
  readonly running: string;
  /** With the highest bid; the same where there is none. */
  readonly runningAtMost: string;
  /** For the disks alone. */
  readonly released: string;
  /** Why the others find none. */
  readonly whyNot: string | undefined;
  /** What else there is to know of it. */
  readonly notes: readonly string[];
}

/**
 * Places all that is ordered, one after the other, as the operator would: what one takes the next does not find any more.
 * Pure but for the hosts that it is given.
 */
export function quoteLines(
  orders: readonly Order[],
  hosts: readonly Host[],
  instants: readonly InstantVm[] = [],
): readonly QuoteLine[] {
  const models = [...new Set([...modelsOf(hosts), ...instants.map(({ size }) => size.gpuModel)])];
  const stock: Stock = { hosts, models, taken: new Reservations(), instants: [...instants] };
  return orders.flatMap(({ name, vms, terms }) =>
    vms.map(({ wish, count }) => quoteLine({ name, wish, count, terms }, stock)),
  );
}

interface Stock {
  readonly hosts: readonly Host[];
  readonly models: readonly string[];
  readonly taken: Reservations;
  instants: InstantVm[];
}

/** The best ready-made VM, where one is wanted; it is there for nobody else then. */
function takeInstant(wish: Wish, stock: Stock): Offer | undefined {
  if (!wish.prefersInstant) return undefined;
  const ranking = rankReadyMade(wish, stock.instants);
  if (ranking.kind === 'none') return undefined;
  const [{ vm, offer }] = ranking.offers;
  stock.instants = stock.instants.filter(({ id }) => id !== vm.id);
  return offer;
}

interface Part {
  readonly name: string;
  readonly wish: Wish;
  readonly count: number;
  readonly terms: Terms;
}

function quoteLine({ name, wish, count, terms }: Part, stock: Stock): QuoteLine {
  const { hosts, taken, models } = stock;
  const instant = takeInstant(wish, stock);
  const offers: Offer[] = instant === undefined ? [] : [instant];
  let whyNot: string | undefined;
  while (offers.length < count && whyNot === undefined) {
    const ranked = rank(wish, taken.applyTo(hosts));
    const [best] = ranked.offers;
    if (best === undefined) whyNot = ranked.rest?.tally ?? 'the provider lists no hosts';
    else {
      taken.add(best.host.id, { ...best.size, externalPorts: best.ports.map(({ external }) => external) }, 0);
      offers.push(best);
    }
  }
  return {
    ...{ name, capacity: wish.bid === undefined ? 'OnDemand' : 'Spot', wanted: count, fitting: offers.length },
    ...placeOf(offers[0]),
    isReadyMade: instant !== undefined,
    running: formatMoney(sumOf(offers.map(({ price }) => price.total))),
    runningAtMost: formatMoney(sumOf(offers.map((offer) => atMost(offer, wish)))),
    released: formatMoney(sumOf(offers.map(({ price }) => price.storage ?? money(0)))),
    whyNot,
    notes: notesOf(wish, terms, models),
  };
}

function placeOf(first: Offer | undefined): Pick<QuoteLine, 'gpu' | 'location' | 'host'> {
  if (first === undefined) return { gpu: undefined, location: undefined, host: undefined };
  const { size, host } = first;
  return { gpu: `${size.gpuCount}x ${size.gpuModel}`, location: placeText(host.location), host: host.id };
}

function atMost({ price }: Offer, { bid, cap }: Wish): Money {
  if (bid === undefined) return price.total;
  const { total } = withBid(price, bid.most);
  return cap === undefined ? total : lesser(total, cap);
}

export function sumOf(amounts: readonly Money[]): Money {
  return amounts.reduce((sum, amount) => sum.plus(amount), money(0));
}
