import type { GpuBudgetStatus } from '../../api/gpu-budget.ts';
import { money, parseMoney, roundedUp, type Money } from '../../lib/money.ts';

/**
 * What was spent, reckoned from what was committed to over time: that is at least what is billed. Days and months are
 * those of UTC.
 */
export interface Spent {
  readonly daily: Money;
  readonly monthly: Money;
  /** Up to when, in milliseconds. */
  readonly at: number;
  /** Per hour, from then on. */
  readonly rate: Money;
}

const hourMs = 3_600_000;

/** Of amounts that are added up again and again; rounded up each time. */
const decimals = 9;

/** The same later, if the rate stayed as it was. A clock that is behind the last one adds nothing, and takes nothing away. */
export function spentLater(spent: Spent, now: number): Spent {
  const { daily, monthly, at, rate } = spent;
  if (now <= at) return { ...spent, at: now };
  const day = startOfDay(now);
  const month = startOfMonth(now);
  return {
    daily: at >= day ? daily.plus(costOf(rate, now - at)) : costOf(rate, now - day),
    monthly: at >= month ? monthly.plus(costOf(rate, now - at)) : costOf(rate, now - month),
    at: now,
    rate,
  };
}

/** Rounded up, so that what is added up is never less than what was spent. */
export function costOf(rate: Money, ms: number): Money {
  return roundedUp(rate.times(ms).div(hourMs), decimals);
}

export function startOfDay(now: number): number {
  const time = new Date(now);
  return Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate());
}

export function startOfMonth(now: number): number {
  const time = new Date(now);
  return Date.UTC(time.getUTCFullYear(), time.getUTCMonth());
}

export function endOfDay(now: number): number {
  return startOfDay(now) + 24 * hourMs;
}

/** When so much will have been spent at this rate; undefined: never. */
export function reachedAt(spent: Money, amount: Money, { at, rate }: Pick<Spent, 'at' | 'rate'>): number | undefined {
  if (spent.gte(amount)) return at;
  if (rate.lte(0)) return undefined;
  return at + Math.ceil(Number(amount.minus(spent).times(hourMs).div(rate).toFixed()));
}

/**
 * What a budget's status says, for a process that has not counted itself. Nobody knows at which rate money was spent since
 * then: at the dearer one of the rate of then and that of now.
 */
export function spentByStatus(used: GpuBudgetStatus['used'], rate: Money, now: number): Spent {
  const at = used === undefined ? NaN : Date.parse(used.at);
  if (used === undefined || Number.isNaN(at)) return { daily: money(0), monthly: money(0), at: now, rate };
  const then = parseMoney(used.hourlyCost) ?? money(0);
  return {
    daily: parseMoney(used.dailyCost) ?? money(0),
    monthly: parseMoney(used.monthlyCost) ?? money(0),
    at,
    rate: then.gt(rate) ? then : rate,
  };
}
