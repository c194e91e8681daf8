import type { CallOptions } from '../../contract.ts';
import type { Caller } from '../caller.ts';
import { endpoints } from '../endpoint.ts';
import {
  balanceAnswer,
  revenueAnswer,
  summaryAnswer,
  type BalanceAnswer,
  type Revenue,
  type Summary,
} from '../wire/organization.ts';

/**
 * `billing/balance` (API reference 8.1): what the organization has left. When it is used up, the provider deletes its VMs
 * (A24).
 *
 * @returns `balance` in US dollars, and `hourly_cost`: what all VMs cost per hour now (A25)
 */
export async function billingBalance(call: Caller, options?: CallOptions): Promise<BalanceAnswer> {
  return call({ endpoint: endpoints.billingBalance, answer: balanceAnswer, options });
}

export interface RevenueRequest {
  /** Bounds of the period, passed on as they are: their format is not documented (A39). */
  readonly startTimestamp?: string;
  readonly endTimestamp?: string;
  /** Only this hostnode. */
  readonly hostnodeId?: string;
}

/**
 * `billing/revenue` (API reference 8.2), for hosting providers: what their hosts earned.
 *
 * @returns `data`: per hostnode the amounts used and available (storage and memory in GB), the revenue in US dollars, and
 * the same for each of its VMs
 * @throws `invalid` for bounds that the provider cannot read
 */
export async function billingRevenue(
  call: Caller,
  request: RevenueRequest = {},
  options?: CallOptions,
): Promise<Revenue> {
  return call({
    endpoint: endpoints.billingRevenue,
    fields: () => ({
      start_timestamp: request.startTimestamp,
      end_timestamp: request.endTimestamp,
      hostnode_id: request.hostnodeId,
    }),
    answer: revenueAnswer,
    options,
  });
}

/**
 * `billing/summary` (API reference 8.3), for hosting providers: one month's account.
 *
 * @param period "2024-01"
 * @returns balances before and after, sums, and the payouts per VM, in US dollars. `bill_period` and the days of payouts
 * are texts, as they come: "02" and "02/01"
 * @throws `invalid` for a period that is none
 */
export async function billingSummary(call: Caller, period: string, options?: CallOptions): Promise<Summary> {
  return call({ endpoint: endpoints.billingSummary, fields: () => ({ period }), answer: summaryAnswer, options });
}
