import { Big } from 'big.js';

/**
 * US dollars as an exact decimal, never a binary float: 0.1 + 0.2 must be 0.3 when it is compared with a price cap.
 * The provider sends amounts as numbers in some answers and as strings in others (API reference, section 10).
 */
export type Money = Big;

/** What an amount looks like in a manifest: digits, at most nine decimals, no sign, no exponent. */
export const moneyPattern = '^[0-9]{1,9}(\\.[0-9]{1,9})?$';

/** Parses "0.80" as manifests write it. Returns undefined for anything that is not a plain non-negative decimal. */
export function parseMoney(text: string): Money | undefined {
  return new RegExp(moneyPattern).test(text) ? new Big(text) : undefined;
}

/** Parses an amount that is known to be a decimal (a validated field, a constant). Throws otherwise. */
export function money(amount: string | number | Money): Money {
  return new Big(amount);
}

/** "0.80", "0.243", "0.00005": at least two decimals, no trailing zeros beyond them, never an exponent. */
export function formatMoney(amount: Money): string {
  const plain = amount.toFixed();
  const decimals = plain.split('.')[1]?.length ?? 0;
  return decimals < 2 ? amount.toFixed(2) : plain;
}

/** "$0.80": for sentences that people read. */
export function dollars(amount: Money): string {
  return `$${formatMoney(amount)}`;
}

/** The nearest amount with this many decimals that is not below. */
export function roundedUp(amount: Money, decimals: number): Money {
  return amount.round(decimals, Big.roundUp);
}

/** The nearest amount with this many decimals that is not above. */
export function roundedDown(amount: Money, decimals: number): Money {
  return amount.round(decimals, Big.roundDown);
}

export function lesser(one: Money, other: Money): Money {
  return one.lt(other) ? one : other;
}
