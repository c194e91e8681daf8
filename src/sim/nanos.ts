/**
 * Amounts inside the simulator are whole billionths of a dollar: exact like the decimals of src/lib/money.ts, and cheap
 * enough to bill thousands of VMs on every call. A safe integer holds nine million dollars.
 */
export type Nanos = number;

/** The highest price per hour that is taken: hundreds of times it is still a safe integer. */
export const mostPrice: Nanos = 10_000_000_000_000;

const perDollar = 1_000_000_000;
/** Clients that compute with floats send prices like 0.22000000000000003. */
const amountPattern = /^(\d{1,6})(?:\.(\d{1,30}))?$/;

/** Parses "0.25"; decimals beyond the ninth are cut off. Returns undefined for signs, exponents and everything else. */
export function parseNanos(text: string): Nanos | undefined {
  const match = amountPattern.exec(text);
  if (match === null) return undefined;
  const [, whole = '0', fraction = ''] = match;
  return Number(whole) * perDollar + Number(fraction.slice(0, 9).padEnd(9, '0'));
}

/** An amount written in the source or given as a JSON number, rounded to a billionth. */
export function nanosOf(amount: number): Nanos {
  return Math.round(amount * perDollar);
}

/** As a JSON number: a division of integers is correctly rounded, so 238000000 prints as 0.238. */
export function toNumber(amount: Nanos): number {
  return amount / perDollar;
}

/** "0.364000", the form of the VM list. */
export function toSixDecimals(amount: Nanos): string {
  const micros = Math.round(amount / 1000);
  const whole = Math.floor(micros / 1_000_000);
  return `${String(whole)}.${String(micros % 1_000_000).padStart(6, '0')}`;
}

/** "-0.85": two decimals, the form of the monthly summary. */
export function toTwoDecimals(amount: Nanos): string {
  const cents = Math.round(Math.abs(amount) / 10_000_000);
  const sign = amount < 0 && cents > 0 ? '-' : '';
  return `${sign}${String(Math.floor(cents / 100))}.${String(cents % 100).padStart(2, '0')}`;
}

/** As a JSON number with three decimals, the precision of the recorded balance and payouts. */
export function toThreeDecimals(amount: Nanos): number {
  return Math.round(amount / 1_000_000) / 1000;
}
