import { success } from '../answers.ts';
import { toNanos } from '../ledger.ts';
import { toNumber } from '../nanos.ts';
import type { Endpoint } from './endpoint.ts';

/** API reference 8.1. A25: `hourly_cost` is what is billed now. */
const balance: Endpoint = {
  path: 'billing/balance',
  method: 'POST',
  auth: 'required',
  handle: ({ ledger }) =>
    success({ balance: Math.round(toNanos(ledger.balance) / 1_000_000) / 1000, hourly_cost: toNumber(ledger.rate) }),
};

export const balanceEndpoints = [balance];
