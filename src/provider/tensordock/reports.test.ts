import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { toRevenue, toSummary } from './reports.ts';
import { revenueAnswer, summaryAnswer } from './wire/organization.ts';

/** As the provider's own collection has them. */
function saved(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../test/fixtures/tensordock/${name}`, import.meta.url), 'utf8'));
}

/** Decimals as texts. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

describe('what hosting providers are told', () => {
  it('of their revenue has each host with its VMs', () => {
    expect(plain(toRevenue(revenueAnswer.parse(saved('billing-revenue.200.json'))))).toEqual([
      {
        ...{ hostnode: '7d3a07b6-de25-44a2-a9f4-1cd241fa0d0f', location: 'Chicago, Illinois, United States' },
        used: { gpus: 3, vcpus: 2, memoryGB: 10, storageGB: 30 },
        available: { gpus: 1, vcpus: 3, memoryGB: 50, storageGB: 170 },
        revenue: { compute: '1.03', storage: '0.03' },
        vms: [
          {
            id: 'f2467993-1f6b-43b2-8744-7b14dfc0bdab',
            used: { gpus: 1, vcpus: 1, memoryGB: 5, storageGB: 20 },
            revenue: { compute: '1.03', storage: '0.03' },
          },
        ],
      },
    ]);
  });

  it('of a month has its balances and payouts, and counts what nobody has described', () => {
    const summary = toSummary(summaryAnswer.parse(saved('billing-summary.200.json')));
    expect(plain(summary)).toEqual({
      period: { from: '2024-02', to: '2024-03' },
      ...{ expenses: '332.15', payouts: '9304.01', balanceBefore: '1765.06', balanceAfter: '929.41' },
      payoutsOf: [
        {
          ...{ of: 'compute', vm: 'd7e95e9c-9af2-43b0-a413-1141c97a9cc9', what: '1x L40 48 GB' },
          hostnode: '2f0b8e32-b3e9-44ca-b3ca-8afa4c1320bf',
          ...{ from: '02/01', to: '03/01', hourly: '1.56', amount: '544.312' },
        },
        {
          ...{ of: 'storage', vm: 'd7e95e9c-9af2-43b0-a413-1141c97a9cc9', what: '200 GB' },
          hostnode: '2f0b8e32-b3e9-44ca-b3ca-8afa4c1320bf',
          ...{ from: '02/01', to: '03/01', hourly: '0.01', amount: '5.42' },
        },
      ],
      others: { deposits: 0, withdrawals: 0, vmExpenses: 0, storageExpenses: 0 },
    });
  });

  it.each([
    [{ bill_period: {} }, undefined],
    [{ bill_period: { startM: '2', startY: '2024', endM: '3', endY: '2024' } }, { from: '2024-02', to: '2024-03' }],
    [{ bill_period: { startM: '13', startY: '2024', endM: '3', endY: '2024' } }, undefined],
  ])('of a month that says little is what it says (%#)', (answer, period) => {
    expect(toSummary(summaryAnswer.parse(answer))).toMatchObject({ period, expenses: undefined, payoutsOf: [] });
  });
});
