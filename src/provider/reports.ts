import type { Money } from '../lib/money.ts';

/** What a provider tells those who rent out hosts there. All of it decorates: nothing is decided by it. */

/** Bounds as the provider takes them, which says in no word how: they are passed on as they are written. */
export interface RevenueQuestion {
  readonly from?: string;
  readonly to?: string;
  readonly hostnode?: string;
}

/** Undefined: the answer does not say. Memory and storage in GB. */
export interface Amounts {
  readonly gpus: number | undefined;
  readonly vcpus: number | undefined;
  readonly memoryGB: number | undefined;
  readonly storageGB: number | undefined;
}

/** In US dollars. */
export interface Earned {
  readonly compute: Money | undefined;
  readonly storage: Money | undefined;
}

export interface HostRevenue {
  readonly hostnode: string;
  readonly location: string | undefined;
  readonly used: Amounts;
  readonly available: Amounts;
  readonly revenue: Earned;
  readonly vms: readonly { readonly id: string; readonly used: Amounts; readonly revenue: Earned }[];
}

/** One month of the organization's account. */
export interface MonthlySummary {
  /** The months that the answer is about, such as "2024-02" to "2024-03"; undefined: it does not say. */
  readonly period: { readonly from: string; readonly to: string } | undefined;
  readonly expenses: Money | undefined;
  readonly payouts: Money | undefined;
  readonly balanceBefore: Money | undefined;
  readonly balanceAfter: Money | undefined;
  readonly payoutsOf: readonly Payout[];
  /** How many there are of what nobody has described. */
  readonly others: {
    readonly deposits: number;
    readonly withdrawals: number;
    readonly vmExpenses: number;
    readonly storageExpenses: number;
  };
}

/** What one VM has earned its host. */
export interface Payout {
  readonly of: 'compute' | 'storage';
  readonly vm: string | undefined;
  readonly hostnode: string | undefined;
  /** "1x L40 48 GB", "200 GB" */
  readonly what: string | undefined;
  /** Month and day, as they come: "02/01". */
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly hourly: Money | undefined;
  readonly amount: Money | undefined;
}
