import { dollars, money, parseMoney, roundedDown, roundedUp, type Money } from '../lib/money.ts';
import type { Host, HostGpu, VmPrice, VmSize } from '../provider/contract.ts';

/**
 * What a VM of this size costs per hour on this host, by the inventory's unit prices:
 * compute = vCPUs + memory + GPUs, storage apart (API reference, section 10).
 */
export function quote(host: UnitPrices, gpu: HostGpu, size: VmSize): VmPrice {
  const quotes = quotesOf(host, gpu);
  const { gpuCount, vcpus, memoryGB, storageGB } = size;
  const key = `${gpuCount} ${vcpus} ${memoryGB} ${storageGB}`;
  const known = quotes.get(key);
  if (known !== undefined) return known;
  const price = reckon(host, gpu, size);
  quotes.set(key, price);
  return price;
}

type UnitPrices = Pick<Host, 'vcpus' | 'memoryGB' | 'storageGB'>;
type Quotes = Map<string, VmPrice>;

/** An inventory never changes, and in a crowd all ask every host for the same few sizes. */
const quotesOfHosts = new WeakMap<UnitPrices, WeakMap<HostGpu, Quotes>>();

function quotesOf(host: UnitPrices, gpu: HostGpu): Quotes {
  const known = quotesOfHosts.get(host)?.get(gpu);
  if (known !== undefined) return known;
  const ofHost = quotesOfHosts.get(host) ?? new WeakMap<HostGpu, Quotes>();
  const quotes: Quotes = new Map();
  quotesOfHosts.set(host, ofHost.set(gpu, quotes));
  return quotes;
}

function reckon(host: UnitPrices, gpu: HostGpu, size: VmSize): VmPrice {
  const compute = host.vcpus.price
    .times(size.vcpus)
    .plus(host.memoryGB.price.times(size.memoryGB))
    .plus(gpu.price.times(size.gpuCount));
  const storage = host.storageGB.price.times(size.storageGB);
  return { compute, storage, total: compute.plus(storage) };
}

/**
 * The provider shows prices with so many decimals, rounded, and what it shows is compared with a bid or a cap: under one that is
 * finer a VM that costs no more would be shown as dearer, and be deleted for that, one after the other.
 */
const shownDecimals = 6;

/** As much of what is bid, or allowed, as the provider can show. */
export function showable(amount: Money): Money {
  return roundedDown(amount, shownDecimals);
}

/** The least that can be shown, and is not below. */
export function showableAbove(amount: Money): Money {
  return roundedUp(amount, shownDecimals);
}

/** The least that anything can be shown to cost. */
export const leastShowable = money(10).pow(-shownDecimals);

/** The price cap of a spec; undefined when it has none. */
export function priceCap(spec: { readonly maxHourlyPrice?: string | undefined }): Money | undefined {
  const cap = spec.maxHourlyPrice === undefined ? undefined : parseMoney(spec.maxHourlyPrice);
  return cap === undefined ? undefined : showable(cap);
}

/**
 * Compares what the provider says a new VM costs with what was allowed. The inventory may have been old, or wrong.
 * No price in the answer is no violation: it is checked again as soon as a list shows one.
 */
export function priceViolation(price: VmPrice | undefined, cap: Money | undefined): string | undefined {
  if (price === undefined || cap === undefined || !price.total.gt(cap)) return undefined;
  return `The VM costs ${dollars(price.total)} per hour, more than spec.maxHourlyPrice ${dollars(cap)}.`;
}

/** The same for what a spot VM costs without its storage, which is to be its bid. */
export function bidViolation(price: VmPrice | undefined, bid: Money | undefined): string | undefined {
  if (price === undefined || bid === undefined || !price.compute.gt(bid)) return undefined;
  return `The VM costs ${dollars(price.compute)} per hour without its storage, more than its bid of ${dollars(bid)}.`;
}

/** The bid that a journal has recorded; undefined for a VM on demand. */
export function bidOf(recorded: { readonly bid?: string | undefined } | undefined): Money | undefined {
  return recorded?.bid === undefined ? undefined : parseMoney(recorded.bid);
}
