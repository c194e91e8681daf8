import { dollars, formatMoney } from '../../lib/money.ts';
import type { Offer } from '../../plan/placement.ts';
import type { Host, Location } from '../../provider/contract.ts';
import { columns } from '../common/columns.ts';
import type { Paint } from '../common/io.ts';
import { perMonth } from '../common/prices.ts';
import { whyNot, type Ranked } from './rank.ts';
import { describeWish, type Wish } from './wish.ts';

/** One host that fits, as data. Amounts are US dollars. */
export interface OfferRow {
  readonly gpuModel: string;
  readonly gpuCount: number;
  readonly hourly: string;
  readonly hourlyReleased: string | undefined;
  readonly location: string;
  readonly uptimePercent: number | undefined;
  readonly freeGpus: number;
  readonly host: string;
}

export interface OfferList {
  readonly endpoint: string;
  readonly wish: string;
  readonly maxHourlyPrice: string | undefined;
  readonly offers: readonly OfferRow[];
  readonly rest: { readonly hosts: number; readonly why: string } | undefined;
  readonly cheapestAboveMaxHourlyPrice: string | undefined;
  /** Each host that does not fit, where that was asked for. */
  readonly others: readonly { readonly host: string; readonly location: string; readonly why: string }[] | undefined;
}

export function offerListOf(
  wish: Wish,
  { offers, rest, cheapestAboveCap }: Ranked,
  { endpoint, all }: { readonly endpoint: string; readonly all: boolean },
): OfferList {
  return {
    endpoint,
    wish: describeWish(wish),
    maxHourlyPrice: wish.cap === undefined ? undefined : formatMoney(wish.cap),
    offers: offers.map(rowOf),
    rest: rest === undefined ? undefined : { hosts: rest.hosts.length, why: rest.tally },
    cheapestAboveMaxHourlyPrice: cheapestAboveCap === undefined ? undefined : formatMoney(cheapestAboveCap),
    others: all ? (rest?.hosts ?? []).map((host) => otherOf(wish, host)) : undefined,
  };
}

function rowOf({ host, size, price }: Offer): OfferRow {
  return {
    gpuModel: size.gpuModel,
    gpuCount: size.gpuCount,
    hourly: formatMoney(price.total),
    hourlyReleased: price.storage === undefined ? undefined : formatMoney(price.storage),
    location: placeText(host.location),
    uptimePercent: host.uptimePercent,
    freeGpus: host.gpus.find(({ model }) => model === size.gpuModel)?.available ?? 0,
    host: host.id,
  };
}

function otherOf(wish: Wish, host: Host): { readonly host: string; readonly location: string; readonly why: string } {
  return { host: host.id, location: placeText(host.location), why: whyNot(wish, host) };
}

export function placeText({ city, country }: Location): string {
  return [city, country].filter((part) => part !== undefined).join(', ');
}

export interface OfferLook {
  readonly paint: Paint;
  /** Most rows; 0: all. */
  readonly limit: number;
  readonly isSpot: boolean;
  /** The models are in order of preference, as in a spec: the first offer is the one to be taken. */
  readonly isPreferred: boolean;
}

const titles = ['GPU', '$/H', '$/MONTH', 'RELEASED $/H', 'LOCATION', 'UPTIME', 'FREE', 'HOST'];

export function renderOffers(list: OfferList, ranked: Ranked, look: OfferLook): string[] {
  const { paint, limit, isSpot } = look;
  const cap = list.maxHourlyPrice === undefined ? '' : `, at most $${list.maxHourlyPrice} per hour`;
  const shown = limit === 0 ? ranked.offers : ranked.offers.slice(0, limit);
  const rows = shown.map((offer, at) => cellsOf(offer, list.offers[at]));
  const more = ranked.offers.length - shown.length;
  return [
    paint('heading', `${list.wish}${cap}`),
    ...(rows.length === 0 ? [] : ['', ...columns(titles, rows, paint)]),
    ...(more > 0 ? [`… and ${more} more: --limit 0 shows all`] : []),
    '',
    ...summaryOf(list, look.isPreferred),
    ...(isSpot
      ? ['Prices are with the first bid; whether it wins is only known by asking, as the operator does.']
      : []),
    ...otherLines(list, paint),
  ];
}

function cellsOf({ price }: Offer, row: OfferRow | undefined): string[] {
  const { gpuModel = '', gpuCount = 0, location = '', uptimePercent, freeGpus = 0, host = '' } = row ?? {};
  const released = price.storage === undefined ? '' : dollars(price.storage);
  const uptime = uptimePercent === undefined ? '' : `${uptimePercent}%`;
  const money = [dollars(price.total), perMonth(price.total), released];
  return [`${gpuCount}x ${gpuModel}`, ...money, location, uptime, `${freeGpus}`, host];
}

function summaryOf({ offers, rest, cheapestAboveMaxHourlyPrice }: OfferList, isPreferred: boolean): string[] {
  const fitting = new Set(offers.map(({ host }) => host)).size;
  const first =
    offers.length === 0
      ? 'Nothing fits.'
      : `${fitting} ${fitting === 1 ? 'host fits' : 'hosts fit'}${isPreferred ? '; the operator tries the first' : ''}.`;
  const why = rest === undefined ? [] : [`Not: ${rest.why}.`];
  const cheapest =
    offers.length > 0 || cheapestAboveMaxHourlyPrice === undefined
      ? []
      : [`But for the price, the cheapest is $${cheapestAboveMaxHourlyPrice} per hour.`];
  return [first, ...why, ...cheapest];
}

function otherLines({ others }: OfferList, paint: Paint): string[] {
  if (others === undefined || others.length === 0) return [];
  const rows = others.map(({ host, location, why }) => [host, location, why]);
  return ['', ...columns(['HOST', 'LOCATION', 'WHY NOT'], rows, paint)];
}
