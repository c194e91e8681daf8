import type { Reason } from '../../api/reasons.ts';
import { dollars, type Money } from '../../lib/money.ts';
import type { Charge } from './charge.ts';
import { amountOf, isHopeless, type Limit, type Measure } from './limits.ts';

/** What is said of limits, for people who can do something about it. */

const shortageReasons = {
  GpuBudget: 'OverBudget',
  GpuAccount: 'OverAccountLimit',
  GpuPool: 'OverPoolCost',
  Balance: 'BalanceLow',
} as const satisfies Record<Limit['of'], Reason>;

/** Reasons of who waits for room and lacks nothing else. */
export const roomReasons: ReadonlySet<string> = new Set([...Object.values(shortageReasons), 'BalanceUnknown']);

export function shortageReason({ of, balance }: Limit): Reason {
  if (balance?.is === 'unread') return 'WaitingForProvider';
  return balance?.is === 'lost' ? 'BalanceUnknown' : shortageReasons[of];
}

const overTime: Partial<Record<Measure, string>> = { dailyCost: 'today (UTC)', monthlyCost: 'this month (UTC)' };

/**
 * "GpuBudget research allows 20 VMs (hard.vms), and there is no room for 1 VM more." How much is taken, and what others want, is not said: it
 * changes with each of them, and everybody who waits would have to say it anew. The budget itself says what is used.
 */
export function shortageSentence(limit: Limit, more: Charge): string {
  const { measure, hard, balance } = limit;
  if (balance !== undefined) return balanceSentence(limit, balance, more);
  const who = `${limit.of} "${limit.name}"`;
  const period = overTime[measure];
  if (period !== undefined) {
    return `${who} allows ${dollars(hard)} ${period} (${fieldOf(limit)}), and that is spent: nothing is deployed or started before that changes.`;
  }
  const wanted = said(amountOf(more, measure), measure);
  const why = isHopeless(limit, more) ? 'which is too little for' : 'and there is no room for';
  return `${who} allows ${said(hard, measure)} (${fieldOf(limit)}), ${why} ${wanted} more.`;
}

/** What is left is not said: it changes with every moment, and the account says it. */
function balanceSentence({ name }: Limit, { runway, is }: NonNullable<Limit['balance']>, more: Charge): string {
  const who = `GpuAccount "${name}"`;
  if (is === 'unread') {
    return `Waiting for the provider to say what is left of the balance of ${who}, which has to last for ${runway} (limits.minRunway).`;
  }
  if (is === 'lost') {
    return `What is left of the balance of ${who} is not known now, and it has to last for ${runway} (limits.minRunway): nothing more is spent before it is. The account says why.`;
  }
  const wanted = more.hourlyCost.gt(0) ? `${said(more.hourlyCost, 'hourlyCost')} more` : 'another VM';
  return `The balance of ${who} does not last for ${runway} (limits.minRunway) with ${wanted}: recharge it at the provider, or have VMs released.`;
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
    case 'Balance':
      return 'limits.minRunway';
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
