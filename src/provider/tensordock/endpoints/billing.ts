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

/** `billing/balance` (API reference 8.1): what is left, and what is spent per hour now (A25), in US dollars. */
export async function billingBalance(call: Caller, options?: CallOptions): Promise<BalanceAnswer> {
  return call({ endpoint: endpoints.billingBalance, answer: balanceAnswer, options });
}

/** Bounds are passed on as they are: their format is not documented (A39). */
export interface RevenueRequest {
  readonly startTimestamp?: string;
  readonly endTimestamp?: string;
  readonly hostnodeId?: string;
}

/** `billing/revenue` (API reference 8.2), for hosting providers: revenue per host and VM. Has no `success`. */
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

/** `billing/summary` (API reference 8.3), for hosting providers: the month `YYYY-MM`. Has no `success`. */
export async function billingSummary(call: Caller, period: string, options?: CallOptions): Promise<Summary> {
  return call({ endpoint: endpoints.billingSummary, fields: () => ({ period }), answer: summaryAnswer, options });
}
