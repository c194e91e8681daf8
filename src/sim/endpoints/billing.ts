import { asWritten, invalid, jsonAnswer, success, type Answer } from '../answers.ts';
import { sortedJson, type JsonObject } from '../json.ts';
import { toNanos, type Segment, type Units } from '../ledger.ts';
import { toNumber, toThreeDecimals, toTwoDecimals, type Nanos } from '../nanos.ts';
import { chargesByVm, sumCharges, type VmCharges } from '../revenue.ts';
import type { Host, World } from '../state.ts';
import type { Call, Endpoint } from './endpoint.ts';

/** API reference 8.1. A25: `hourly_cost` is what is billed now. */
const balance: Endpoint = {
  path: 'billing/balance',
  method: 'POST',
  auth: 'required',
  handle: ({ ledger }) =>
    success({ balance: toThreeDecimals(toNanos(ledger.balance)), hourly_cost: toNumber(ledger.rate) }),
};

/**
 * API reference 8.2. The simulator has one organization: it rents the VMs and also owns the hosts, and what VMs cost is
 * what their hosts earn.
 */
const revenue: Endpoint = { path: 'billing/revenue', method: 'POST', auth: 'required', handle: showRevenue };

/** API reference 8.3. */
const summary: Endpoint = { path: 'billing/summary', method: 'POST', auth: 'required', handle: showSummary };

function showRevenue(world: World, { fields }: Call): Answer {
  const from = fields.optionalTime('start_timestamp') ?? world.startedAt;
  const to = Math.min(fields.optionalTime('end_timestamp') ?? world.now, world.now);
  const hostId = fields.optional('hostnode_id')?.trim().toLowerCase();
  const charges = Map.groupBy(chargesByVm(world.ledger, from, to).values(), ({ latest }) => latest.hostId);
  const hosts = [...world.hosts.values()].filter((host) =>
    hostId === undefined ? charges.has(host.id) : host.id === hostId,
  );
  return asWritten({ data: hosts.map((host) => hostRevenue(host, charges.get(host.id) ?? [])) });
}

function hostRevenue(host: Host, charges: readonly VmCharges[]): JsonObject {
  const { city, region, country } = host.location;
  const gpus = [...host.gpus.values()];
  const freeGpus = gpus.reduce((sum, pool) => sum + pool.free, 0);
  const allGpus = gpus.reduce((sum, pool) => sum + pool.total, 0);
  const total = sumCharges(charges);
  return {
    hostnode_id: host.id,
    location: `${city}, ${region}, ${country}`,
    used_storage: host.storage.total - host.storage.free,
    used_gpus: allGpus - freeGpus,
    used_cpus: host.cpu.total - host.cpu.free,
    used_ram: host.ram.total - host.ram.free,
    available_storage: host.storage.free,
    available_gpus: freeGpus,
    available_cpus: host.cpu.free,
    available_ram: host.ram.free,
    revenue_storage: amount(total.storage),
    revenue_compute: amount(total.compute),
    virtual_machines: charges.map(({ latest, compute, storage }) => ({
      id: latest.vmId,
      used_storage: latest.storage,
      used_gpus: latest.gpuCount,
      used_cpus: latest.vcpus,
      used_ram: latest.ram,
      revenue_storage: amount(storage),
      revenue_compute: amount(compute),
    })),
  };
}

function showSummary(world: World, { fields }: Call): Answer {
  const match = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(fields.text('period').trim());
  if (match === null) throw invalid('period must be a month like 2024-01');
  const [year, month] = [Number(match[1]), Number(match[2])];
  const start = new Date(Date.UTC(year, month - 1));
  const end = new Date(Date.UTC(year, month));
  const period = { from: start.getTime(), to: Math.min(end.getTime(), world.now) };
  const charges = [...chargesByVm(world.ledger, period.from, period.to).values()];
  const total = sumCharges(charges);
  const spent = toTwoDecimals(toNanos(total.compute + total.storage));
  const json = sortedJson({
    bill_period: { endM: monthOf(end), endY: yearOf(end), startM: monthOf(start), startY: yearOf(start) },
    changes: { expenses: spent, payouts: spent },
    final_balance: toTwoDecimals(balanceAt(world, period.to)),
    organization_billing_address: null,
    organization_tax_id: '00-0000000',
    previous_balance: toTwoDecimals(balanceAt(world, period.from)),
    transactions: {
      deposits: [],
      storage_expenses: [],
      storage_payouts: charges.map((charge) => storagePayout(charge, start, end)),
      vm_expenses: [],
      vm_payouts: charges.map((charge) => vmPayout(charge, start, end)),
      withdrawals: [],
    },
  });
  return jsonAnswer(200, json);
}

function storagePayout({ latest, storage }: VmCharges, start: Date, end: Date): JsonObject {
  return {
    ...payout(latest, start, end),
    rate_hourly: toNumber(latest.rates.storage),
    storage_amount: latest.storage,
    total_amount: amount(storage),
  };
}

function vmPayout({ latest, compute, computeRate }: VmCharges, start: Date, end: Date): JsonObject {
  return {
    ...payout(latest, start, end),
    gpu_details: gpuDetails(latest),
    rate_hourly: toNumber(computeRate),
    total_amount: amount(compute),
  };
}

function payout(segment: Segment, start: Date, end: Date): JsonObject {
  return {
    billing_period_end: `${monthOf(end)}/01`,
    billing_period_start: `${monthOf(start)}/01`,
    hostnode_id: segment.hostId,
    virtual_machine_id: segment.vmId,
  };
}

/** "1x L40 48 GB" */
function gpuDetails({ gpuModel, gpuCount }: Segment): string {
  const match = /^(.+)-[^-]+-(\d+)gb$/.exec(gpuModel);
  const name = match === null ? gpuModel.toUpperCase() : `${(match[1] ?? '').toUpperCase()} ${match[2] ?? ''} GB`;
  return gpuCount === 0 ? 'CPU only' : `${String(gpuCount)}x ${name}`;
}

/** The balance of now, with what was charged since given back; deposits are taken as made before. */
function balanceAt(world: World, time: number): Nanos {
  const since = sumCharges(chargesByVm(world.ledger, time, world.now).values());
  return toNanos(world.ledger.balance + since.compute + since.storage);
}

function amount(units: Units): number {
  return toThreeDecimals(toNanos(units));
}

function monthOf(date: Date): string {
  return String(date.getUTCMonth() + 1).padStart(2, '0');
}

function yearOf(date: Date): string {
  return String(date.getUTCFullYear());
}

export const billingEndpoints = [balance, revenue, summary];
