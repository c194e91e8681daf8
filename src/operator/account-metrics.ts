import type { Balances } from '../controllers/spending/balances.ts';
import type { CustomObject } from '../controllers/objects.ts';
import type { ReadStore } from '../kube/store.ts';
import { viewBalance } from '../plan/balance/view.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** What is left of each account's balance at the moment of the scrape: exact, where a status is not for the sake of few writes. */
export function collectBalances(
  metrics: Metrics,
  { accounts, balances }: { readonly accounts: ReadStore<CustomObject>; readonly balances: Balances },
): void {
  metrics.onCollect(() => {
    const { accountBalance, accountBurnRate, accountRunway, accountBalanceAge, accountStopped } = metrics;
    for (const gauge of [accountBalance, accountBurnRate, accountRunway, accountBalanceAge, accountStopped])
      gauge.reset();
    for (const object of accounts.list()) {
      const labels = { account: object.metadata.name };
      const { stopped = [] } = (object.status ?? {}) as { stopped?: readonly unknown[] };
      accountStopped.set(labels, stopped.length);
      const facts = balances.factsOf(object);
      const view = facts === undefined ? undefined : viewBalance(facts);
      if (facts === undefined || view?.kind !== 'known') continue;
      accountBalance.set(labels, Number(view.amount.toFixed()));
      accountBurnRate.set(labels, Number(view.burnRate.toFixed()));
      accountRunway.set(labels, view.runwayMs / 1000);
      accountBalanceAge.set(labels, (facts.now - view.reading.requestedAt) / 1000);
    }
  });
}
