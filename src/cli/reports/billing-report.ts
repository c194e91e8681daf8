import { formatMoney, type Money } from '../../lib/money.ts';
import type { MonthlySummary, Payout } from '../../provider/reports.ts';
import { aligned, columns, section } from '../common/columns.ts';
import type { Paint } from '../common/io.ts';

/** A balance may be below zero. */
export function signedDollars(amount: Money | undefined): string {
  if (amount === undefined) return '';
  return amount.lt(0) ? `-$${formatMoney(amount.abs())}` : `$${formatMoney(amount)}`;
}

export function plainAmount(amount: Money | undefined): string | null {
  return amount === undefined ? null : amount.toFixed();
}

/** For programs. */
export function billingData(summary: MonthlySummary): object {
  const { period, expenses, payouts, balanceBefore, balanceAfter, payoutsOf, others } = summary;
  return {
    period: period ?? null,
    ...{ expenses: plainAmount(expenses), payouts: plainAmount(payouts) },
    ...{ balanceBefore: plainAmount(balanceBefore), balanceAfter: plainAmount(balanceAfter) },
    payoutsOf: payoutsOf.map(({ hourly, amount, ...rest }) => ({
      ...rest,
      ...{ hourly: plainAmount(hourly), amount: plainAmount(amount) },
    })),
    others,
  };
}

/** For people. Amounts are the provider's: nothing is added up. */
export function renderBilling(summary: MonthlySummary, asked: string, paint: Paint): string[] {
  const { period, expenses, payouts, balanceBefore, balanceAfter, payoutsOf, others } = summary;
  const rows = [
    ['Balance before:', signedDollars(balanceBefore)],
    ['Expenses:', signedDollars(expenses)],
    ['Payouts:', signedDollars(payouts)],
    ['Balance after:', signedDollars(balanceAfter)],
  ].filter(([, amount]) => amount !== '');
  const is = period === undefined ? 'a month that the provider does not name' : `${period.from} to ${period.to}`;
  const other = period === undefined || period.from === asked ? [] : [`The provider was asked for ${asked}.`];
  return [
    paint('heading', `Billing, ${is}`),
    ...other,
    ...section('Summary', aligned(rows, paint), paint),
    ...section('Payouts', payoutsOf.length === 0 ? ['none'] : payoutLines(payoutsOf, paint), paint),
    ...section('Also booked', othersIn(others), paint),
  ];
}

function payoutLines(payouts: readonly Payout[], paint: Paint): string[] {
  const rows = payouts.map(({ vm = '', hostnode = '', of, what = '', hourly, amount }) => [
    ...[vm, hostnode, of, what, signedDollars(hourly), signedDollars(amount)],
  ]);
  return columns(['VM', 'HOST', 'FOR', 'WHAT', '$/H', 'AMOUNT'], rows, paint);
}

function othersIn({ deposits, withdrawals, vmExpenses, storageExpenses }: MonthlySummary['others']): string[] {
  const counts = [
    [deposits, 'deposits'],
    [withdrawals, 'withdrawals'],
    [vmExpenses, 'expenses for VMs'],
    [storageExpenses, 'expenses for storage'],
  ] as const;
  return counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
}
