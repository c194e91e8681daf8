import { dollars, money, type Money } from '../../lib/money.ts';

/** As landlords count: 365 days of 24 hours, in twelve parts. */
export const hoursPerMonth = 730;

/** "$0.43": of an amount in a status, which may be none. */
export function priceText(amount: string | undefined): string {
  const known = amountOf(amount);
  return known === undefined ? '' : dollars(known);
}

/** "$313.90", in whole cents. */
export function perMonth(hourly: Money): string {
  return dollars(money(hourly.times(hoursPerMonth).toFixed(2)));
}

/** A status is written by whoever may write it. */
export function amountOf(amount: string | undefined): Money | undefined {
  if (amount === undefined) return undefined;
  try {
    return money(amount);
  } catch {
    return undefined;
  }
}
