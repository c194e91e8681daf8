import { expect, test } from 'vitest';

import { money } from '../../lib/money.ts';
import type { HostRevenue, MonthlySummary } from '../../provider/reports.ts';
import { plain } from '../common/io.ts';
import { billingData, renderBilling } from './billing-report.ts';
import { renderRevenue, revenueData } from './revenue-report.ts';

const summary: MonthlySummary = {
  period: { from: '2024-02', to: '2024-03' },
  ...{ expenses: money('332.15'), payouts: money('9304.01') },
  ...{ balanceBefore: undefined, balanceAfter: money('-9.41') },
  payoutsOf: [
    {
      ...{ of: 'compute', vm: 'vm-1', hostnode: 'host-1', what: '1x L40 48 GB', from: '02/01', to: '03/01' },
      ...{ hourly: money('1.56'), amount: money('544.312') },
    },
  ],
  others: { deposits: 2, withdrawals: 0, vmExpenses: 0, storageExpenses: 1 },
};

test('billing says what the provider says, which month that is, and what was asked for', () => {
  expect(renderBilling(summary, '2024-01', plain)).toEqual([
    'Billing, 2024-02 to 2024-03',
    'The provider was asked for 2024-01.',
    '',
    'Summary',
    '  Expenses:        $332.15',
    '  Payouts:         $9304.01',
    '  Balance after:   -$9.41',
    '',
    'Payouts',
    '  VM     HOST     FOR       WHAT           $/H     AMOUNT',
    '  vm-1   host-1   compute   1x L40 48 GB   $1.56   $544.312',
    '',
    'Also booked',
    '  2 deposits',
    '  1 expenses for storage',
  ]);
  expect(billingData(summary)).toMatchObject({ balanceBefore: null, balanceAfter: '-9.41', payouts: '9304.01' });
});

const none = { gpus: undefined, vcpus: undefined, memoryGB: undefined, storageGB: undefined };
const hosts: HostRevenue[] = [
  {
    ...{ hostnode: 'idle', location: 'Chicago', used: { ...none, gpus: 0 }, available: { ...none, gpus: 4 } },
    ...{ revenue: { compute: undefined, storage: undefined }, vms: [] },
  },
  {
    ...{ hostnode: 'busy', location: undefined, used: { ...none, gpus: 3, vcpus: 2 } },
    ...{ available: { ...none, gpus: 1 }, revenue: { compute: money('1.03'), storage: money('0.03') } },
    vms: [{ id: 'vm-1', used: { ...none, gpus: 1 }, revenue: { compute: money('1.03'), storage: undefined } }],
  },
];

test('revenue has the host that has earned most first, what nobody knows is left out, and VMs where they are wanted', () => {
  expect(renderRevenue(hosts, true, plain)).toEqual([
    'HOST        GPUS     VCPUS   MEMORY GB   COMPUTE   STORAGE   REVENUE   LOCATION',
    'busy        3 of 4   2                   $1.03     $0.03     $1.06',
    '  VM vm-1   1                            $1.03               $1.03',
    'idle        0 of 4                                           $0.00     Chicago',
    'total                                                        $1.06',
  ]);
  expect(renderRevenue(hosts, false, plain)).toHaveLength(4);
  expect(revenueData(hosts)).toMatchObject({ total: '1.06' });
});
