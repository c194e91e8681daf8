import { money, type Money } from '../../lib/money.ts';
import type { Charge } from './charge.ts';

/** What may be limited: the first three at a moment, the others over a time. */
export const measures = ['vms', 'gpus', 'hourlyCost', 'dailyCost', 'monthlyCost'] as const;
export type Measure = (typeof measures)[number];

/** One limit that somebody has set, and how much of it is used. */
export interface Limit {
  readonly of: 'GpuBudget' | 'GpuAccount' | 'GpuPool' | 'Balance';
  /** Of the object that sets it. */
  readonly name: string;
  /** For whom: limits with the same one hold for the same resources, as all GpuBudgets of a namespace do. */
  readonly domain: string;
  readonly measure: Measure;
  readonly hard: Money;
  /** By all that it holds for, this resource included. */
  readonly used: Money;
  /** Of the account's balance: how long that has to last, and whether anybody knows what is left, or has asked at least. */
  readonly balance?: { readonly runway: string; readonly is: 'known' | 'unread' | 'lost' };
}

/** The same for one resource that wants room. */
export interface LimitAhead extends Limit {
  /** What those want who come first. */
  readonly ahead: Money;
}

/** A line of a thousand who wait asks for the same few amounts again and again. */
const small = Array.from({ length: 65 }, (_, count) => money(count));

function whole(count: number): Money {
  return small[count] ?? money(count);
}

/** How much of the measure this is; what is limited over a time is not known beforehand. */
export function amountOf(charge: Charge, measure: Measure): Money {
  switch (measure) {
    case 'vms':
      return whole(charge.vms);
    case 'gpus':
      return whole(charge.gpus);
    case 'hourlyCost':
      return charge.hourlyCost;
    case 'dailyCost':
    case 'monthlyCost':
      return whole(0);
  }
}

export function isOverTime(measure: Measure): boolean {
  return measure === 'dailyCost' || measure === 'monthlyCost';
}

/** Whether so much more has room beside what is used, and what those want who come first. What grows by nothing has. */
export function fits(limit: Limit, more: Charge, ahead: Money = whole(0)): boolean {
  if (isOverTime(limit.measure)) return limit.used.lt(limit.hard) || isNothing(more);
  const amount = amountOf(more, limit.measure);
  // What a VM will cost is not known before a host is chosen, but it is something.
  if (amount.eq(0)) return limit.of !== 'Balance' || more.vms === 0 || limit.used.plus(ahead).lt(limit.hard);
  return limit.used.plus(ahead).plus(amount).lte(limit.hard);
}

function isNothing({ vms, gpus, hourlyCost }: Charge): boolean {
  return vms === 0 && gpus === 0 && hourlyCost.eq(0);
}

/** Whether it has no room even where nobody else has anything. */
export function isHopeless(limit: Limit, more: Charge): boolean {
  return amountOf(more, limit.measure).gt(limit.hard);
}

/** The first limit in whose way it is. */
export function shortageOf(limits: readonly LimitAhead[], more: Charge): LimitAhead | undefined {
  return limits.find((limit) => !fits(limit, more, limit.ahead));
}

/** The most that one more VM may cost per hour; undefined: nobody limits that. May be below zero. */
export function mostHourly(limits: readonly LimitAhead[]): Money | undefined {
  let most: Money | undefined;
  for (const { measure, hard, used, ahead } of limits) {
    if (measure !== 'hourlyCost') continue;
    const left = hard.minus(used).minus(ahead);
    if (most === undefined || left.lt(most)) most = left;
  }
  return most;
}
