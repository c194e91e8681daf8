import type { BalanceReading, Snapshot } from '../../fleet/contract.ts';
import { money, type Money } from '../../lib/money.ts';
import { billedNow, type CloudVm } from '../../provider/contract.ts';

/**
 * What the organization spends per hour. The list has a price for each VM, whoever made it, and is seldom older than half a
 * minute; the provider's own sum comes with the balance, which is read more rarely, and nobody knows whether it counts a
 * VM that has given its GPU back as that or as a running one. So the list counts, and of the provider's sum only what the listed
 * VMs could not account for if all of them ran: prices that the list does not tell, or what is billed beside VMs.
 */

/** What a list says that its VMs cost per hour. */
export interface ListedRates {
  readonly billed: Money;
  /** If all of them ran. */
  readonly most: Money;
}

const none = money(0);

/** Lists that say the same share their index: it is summed up once. */
const known = new WeakMap<Snapshot['byId'], ListedRates>();

export function ratesOf({ byId }: Pick<Snapshot, 'byId'>): ListedRates {
  const rates = known.get(byId) ?? { billed: billedFor(byId.values()), most: sum(byId.values(), priceRunning) };
  known.set(byId, rates);
  return rates;
}

export function billedFor(vms: Iterable<CloudVm>): Money {
  return sum(vms, billedNow);
}

function priceRunning({ state, price }: CloudVm): Money | undefined {
  return state === 'terminated' ? undefined : price?.total;
}

function sum(vms: Iterable<CloudVm>, priceOf: (vm: CloudVm) => Money | undefined): Money {
  let all = none;
  for (const vm of vms) all = all.plus(priceOf(vm) ?? none);
  return all;
}

/**
 * What the provider bills, and no list accounts for. By the list of then as well as by that of now: one that was deleted since
 * was a part of the provider's sum.
 */
export function unlistedRate({ hourlyCost, mostListed = none }: BalanceReading, { most }: ListedRates): Money {
  const accounted = mostListed.gt(most) ? mostListed : most;
  return hourlyCost.gt(accounted) ? hourlyCost.minus(accounted) : none;
}

/** @param rates of the last list; undefined: there is none, or none that is new enough */
export function burnRate(reading: BalanceReading, rates: ListedRates | undefined): Money {
  return rates === undefined ? reading.hourlyCost : rates.billed.plus(unlistedRate(reading, rates));
}
