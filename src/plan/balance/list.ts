import { money, type Money } from '../../lib/money.ts';
import { ratesOf, unlistedRate, type ListedRates } from './burn-rate.ts';
import type { BalanceFacts, BalanceView } from './view.ts';
import { provesAbsence } from '../../fleet/snapshot.ts';

type ListFacts = Pick<BalanceFacts, 'now' | 'timings' | 'snapshot' | 'pollFailure'>;

/**
 * Whether VMs are released and started by what the last list has. By an old one some that have gone since would count, and by one
 * that may lack VMs those of others would not.
 */
export function isListCurrent({ now, timings, snapshot, pollFailure }: ListFacts): boolean {
  if (snapshot === undefined || pollFailure !== undefined || !provesAbsence(snapshot)) return false;
  return now - snapshot.requestedAt <= timings.listMs;
}

/** Of all that the list has, at this moment; undefined: nobody knows. */
export function currentRates(facts: ListFacts): ListedRates | undefined {
  return facts.snapshot !== undefined && isListCurrent(facts) ? ratesOf(facts.snapshot) : undefined;
}

/**
 * What is billed beside all VMs of the list, as far as that is known. Of a list that is not current that is all that the provider's
 * own sum has more than it: VMs may have come since, or be left out.
 */
export function billedBeside(facts: ListFacts, view: BalanceView): Money {
  if (facts.snapshot === undefined || view.kind !== 'known') return money(0);
  const rates = ratesOf(facts.snapshot);
  if (isListCurrent(facts)) return unlistedRate(view.reading, rates);
  const { hourlyCost } = view.reading;
  return hourlyCost.gt(rates.billed) ? hourlyCost.minus(rates.billed) : money(0);
}
