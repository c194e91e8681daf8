import type { Amounts, Earned, HostRevenue, MonthlySummary, Payout } from '../reports.ts';
import type { Revenue, Summary } from './wire/organization.ts';

type WireHost = Revenue['data'][number];
type WireUsage = Pick<
  WireHost,
  'used_gpus' | 'used_cpus' | 'used_ram' | 'used_storage' | 'revenue_compute' | 'revenue_storage'
>;

export function toRevenue({ data }: Revenue): HostRevenue[] {
  return data.map((host) => ({
    hostnode: host.hostnode_id,
    location: host.location,
    used: usedBy(host),
    available: {
      gpus: host.available_gpus,
      vcpus: host.available_cpus,
      memoryGB: host.available_ram,
      storageGB: host.available_storage,
    },
    revenue: earnedBy(host),
    vms: host.virtual_machines.map((vm) => ({ id: vm.id, used: usedBy(vm), revenue: earnedBy(vm) })),
  }));
}

function usedBy({ used_gpus, used_cpus, used_ram, used_storage }: WireUsage): Amounts {
  return { gpus: used_gpus, vcpus: used_cpus, memoryGB: used_ram, storageGB: used_storage };
}

function earnedBy({ revenue_compute, revenue_storage }: WireUsage): Earned {
  return { compute: revenue_compute, storage: revenue_storage };
}

export function toSummary(answer: Summary): MonthlySummary {
  const { bill_period, changes, previous_balance, final_balance, transactions } = answer;
  const from = monthOf(bill_period.startY, bill_period.startM);
  const to = monthOf(bill_period.endY, bill_period.endM);
  return {
    period: from === undefined || to === undefined ? undefined : { from, to },
    ...{ expenses: changes?.expenses, payouts: changes?.payouts },
    ...{ balanceBefore: previous_balance, balanceAfter: final_balance },
    ...booked(transactions ?? noTransactions),
  };
}

type Transactions = NonNullable<Summary['transactions']>;

const noTransactions: Transactions = {
  ...{ deposits: [], withdrawals: [], vm_expenses: [], storage_expenses: [] },
  ...{ storage_payouts: [], vm_payouts: [] },
};

function booked(booked: Transactions): Pick<MonthlySummary, 'payoutsOf' | 'others'> {
  return {
    payoutsOf: [
      ...booked.vm_payouts.map((payout) => toPayout('compute', payout)),
      ...booked.storage_payouts.map((payout) => toPayout('storage', payout)),
    ],
    others: {
      deposits: booked.deposits.length,
      withdrawals: booked.withdrawals.length,
      vmExpenses: booked.vm_expenses.length,
      storageExpenses: booked.storage_expenses.length,
    },
  };
}

/** "2024-02", whose parts come as texts of their own. */
function monthOf(year: string | undefined, month: string | undefined): string | undefined {
  const written = `${year ?? ''}-${(month ?? '').padStart(2, '0')}`;
  return /^\d{4}-(0[1-9]|1[0-2])$/.test(written) ? written : undefined;
}

type WirePayout = Transactions['vm_payouts'][number];

function toPayout(of: Payout['of'], payout: WirePayout): Payout {
  const storage = payout.storage_amount === undefined ? undefined : `${payout.storage_amount} GB`;
  return {
    of,
    ...{ vm: payout.virtual_machine_id, hostnode: payout.hostnode_id },
    what: payout.gpu_details ?? storage,
    ...{ from: payout.billing_period_start, to: payout.billing_period_end },
    ...{ hourly: payout.rate_hourly, amount: payout.total_amount },
  };
}
