import type { Reason } from '../../api/reasons.ts';
import { dollars, type Money } from '../../lib/money.ts';
import type { Charge } from './charge.ts';
import { amountOf, isOverTime, type Limit, type LimitAhead, type Measure } from './limits.ts';

/** What is said of limits, for people who can do something about it. */

export const shortageReasons = {
  GpuBudget: 'OverBudget',
  GpuAccount: 'OverAccountLimit',
  GpuPool: 'OverPoolCost',
} as const satisfies Record<Limit['of'], Reason>;

const overTime: Partial<Record<Measure, string>> = { dailyCost: 'today (UTC)', monthlyCost: 'this month (UTC)' };

/** "GpuBudget research allows 20 VMs, and 20 are taken: no room for 1 more." */
export function shortageSentence(limit: LimitAhead, more: Charge): string {
  const { measure, hard, used, ahead } = limit;
  const who = `${limit.of} "${limit.name}"`;
  const period = overTime[measure];
  if (period !== undefined) {
    return `${who} allows ${dollars(hard)} ${period} (${fieldOf(limit)}), and ${dollars(used)} is spent: nothing is deployed or started before that changes.`;
  }
  const wanted = amountOf(more, measure);
  const older = ahead.gt(0) ? `, and older ones that wait want ${said(ahead, measure)}` : '';
  return `${who} allows ${said(hard, measure)} (${fieldOf(limit)}), ${said(used, measure)} ${isOne(used, measure) ? 'is' : 'are'} taken${older}: no room for ${said(wanted, measure)} more.`;
}

/** The field that a person would change. */
function fieldOf({ of, measure }: Pick<Limit, 'of' | 'measure'>): string {
  switch (of) {
    case 'GpuBudget':
      return `hard.${measure}`;
    case 'GpuAccount':
      return measure === 'vms' ? 'limits.maxVms' : 'limits.maxHourlyCost';
    case 'GpuPool':
      return 'maxHourlyCost';
  }
}

/** "20 VMs", "1 GPU", "$12.00 per hour". */
export function said(amount: Money, measure: Measure): string {
  switch (measure) {
    case 'vms':
      return `${amount.toFixed()} ${amount.eq(1) ? 'VM' : 'VMs'}`;
    case 'gpus':
      return `${amount.toFixed()} ${amount.eq(1) ? 'GPU' : 'GPUs'}`;
    case 'hourlyCost':
      return `${dollars(amount)} per hour`;
    case 'dailyCost':
    case 'monthlyCost':
      return `${dollars(amount)} ${overTime[measure] ?? ''}`;
  }
}

function isOne(amount: Money, measure: Measure): boolean {
  return measure === 'hourlyCost' || isOverTime(measure) || amount.eq(1);
}
