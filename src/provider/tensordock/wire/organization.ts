import * as z from 'zod';
import { amount, lenient, listOf, mapEntries, portNumber, stock, text, timestamp } from './values.ts';

/** `billing/balance` (API reference 8.1): US dollars; both amounts must be there, warnings depend on them. */
export const balanceAnswer = z.looseObject({ balance: amount, hourly_cost: amount });
export type BalanceAnswer = z.output<typeof balanceAnswer>;

const usage = {
  used_storage: lenient(stock),
  used_gpus: lenient(stock),
  used_cpus: lenient(stock),
  used_ram: lenient(stock),
  revenue_storage: lenient(amount),
  revenue_compute: lenient(amount),
};

/** `billing/revenue` (API reference 8.2): per hostnode, with its VMs. */
export const revenueAnswer = z.looseObject({
  data: listOf(
    z.looseObject({
      ...usage,
      hostnode_id: text,
      location: lenient(text),
      available_storage: lenient(stock),
      available_gpus: lenient(stock),
      available_cpus: lenient(stock),
      available_ram: lenient(stock),
      virtual_machines: listOf(z.looseObject({ ...usage, id: text })),
    }),
  ),
});
export type Revenue = z.output<typeof revenueAnswer>;

const payout = z.looseObject({
  /** "02/01": month and day. */
  billing_period_start: lenient(text),
  billing_period_end: lenient(text),
  hostnode_id: lenient(text),
  virtual_machine_id: lenient(text),
  rate_hourly: lenient(amount),
  total_amount: lenient(amount),
  /** GB; of storage payouts only. */
  storage_amount: lenient(stock),
  /** "1x L40 48 GB"; of VM payouts only. */
  gpu_details: lenient(text),
});

/** Shapes of these are not shown anywhere: kept as they come. */
const unknownEntries = listOf(z.looseObject({}));

/** `billing/summary` (API reference 8.3). */
export const summaryAnswer = z.looseObject({
  bill_period: z.looseObject({
    startM: lenient(text),
    startY: lenient(text),
    endM: lenient(text),
    endY: lenient(text),
  }),
  changes: lenient(z.looseObject({ expenses: lenient(amount), payouts: lenient(amount) })),
  previous_balance: lenient(amount),
  final_balance: lenient(amount),
  organization_billing_address: z.unknown().optional(),
  organization_tax_id: lenient(text),
  transactions: lenient(
    z.looseObject({
      deposits: unknownEntries,
      withdrawals: unknownEntries,
      vm_expenses: unknownEntries,
      storage_expenses: unknownEntries,
      storage_payouts: listOf(payout),
      vm_payouts: listOf(payout),
    }),
  ),
});
export type Summary = z.output<typeof summaryAnswer>;

const authorization = z.looseObject({
  permissions: lenient(text),
  timestamp_creation: lenient(timestamp),
  note: lenient(z.string()),
});
export type Authorization = z.output<typeof authorization>;

/** `auth/list` (API reference 3.2): by the authorization's name. */
export const authListAnswer = z.looseObject({
  authorizations: mapEntries.transform((entries) => {
    const named = new Map<string, Authorization>();
    for (const [name, value] of entries) {
      const parsed = authorization.safeParse(value);
      if (parsed.success) named.set(name, parsed.data);
    }
    return named;
  }),
});

/** `client/container/<id>/replicas` (API reference 9, deprecated): ports are two parallel arrays here. */
export const replicasAnswer = z.looseObject({
  result: listOf(
    z.looseObject({
      vm_uuid: text,
      ip_address: lenient(text),
      external_ports: listOf(portNumber),
      internal_ports: listOf(portNumber),
      rate_hourly: lenient(amount),
      hostnode_uptime_url: lenient(text),
    }),
  ),
});
export type Replica = z.output<typeof replicasAnswer>['result'][number];
