import type { BalanceReading } from '../../fleet/contract.ts';
import { money, type Money } from '../../lib/money.ts';
import type { Limit } from '../budget/limits.ts';
import { mostRate, type Threshold } from './runway.ts';
import type { BalanceFacts, BalanceView } from './view.ts';

/**
 * A runway as a limit like the others: for the balance to last so long, no more than so much may be spent per hour. So whoever
 * wants to spend is held to it in the same place and in the same order.
 */

/** Who is limited, and what all that it is committed to costs per hour. */
export interface Spender {
  readonly account: string;
  readonly used: Money;
}

/** What nobody knows has room for nothing: it is not spent. */
export function runwayLimit(spender: Spender, threshold: Threshold, view: BalanceView): Limit {
  const hard = view.kind === 'known' ? mostRate(view.amount, threshold.ms) : money(0);
  return limitOf(spender, { runway: threshold.text, is: view.kind }, hard);
}

/** The same for starting VMs that were released: by the smaller of the last two answers, as one may be a slip. */
export function startLimit(
  spender: Spender,
  threshold: Threshold,
  { view, before }: { readonly view: BalanceView; readonly before: BalanceReading | undefined },
): Limit {
  if (view.kind !== 'known') return runwayLimit(spender, threshold, view);
  const confirmed = before ?? { amount: money(0) };
  const amount = confirmed.amount.lt(view.amount) ? confirmed.amount : view.amount;
  return runwayLimit(spender, threshold, { ...view, amount });
}

function limitOf({ account, used }: Spender, balance: NonNullable<Limit['balance']>, hard: Money): Limit {
  const domain = `account/${account}`;
  return { of: 'Balance', name: account, domain, measure: 'hourlyCost', hard, used, balance };
}

/**
 * The same for releasing VMs, which is done by what the provider has said twice in a row, a moment ago: an answer that was lost,
 * or is old, or is a slip, releases nothing. Undefined: there is no such word.
 */
export function releaseLimit(spender: Spender, threshold: Threshold, facts: BalanceFacts): Limit | undefined {
  const amount = confirmedAmount(facts);
  if (amount === undefined) return undefined;
  return limitOf(spender, { runway: threshold.text, is: 'known' }, mostRate(amount, threshold.ms));
}

function confirmedAmount({ book, keyFingerprint, now, timings }: BalanceFacts): Money | undefined {
  const { last, before, failure } = book;
  if (last === undefined || before === undefined || failure !== undefined) return undefined;
  if (last.askedAs !== keyFingerprint || now - last.requestedAt > 3 * timings.nearMs) return undefined;
  return last.amount.gt(before.amount) ? last.amount : before.amount;
}
