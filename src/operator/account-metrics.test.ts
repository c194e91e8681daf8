import { describe, expect, test } from 'vitest';

import { keyFingerprint, minute, now } from '../../test/support/builders.ts';
import { samplesIn } from '../../test/support/exposition.ts';
import { money } from '../lib/money.ts';
import { balanceTimings, type BalanceFacts } from '../plan/balance/view.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { collectBalances } from './account-metrics.ts';

/** What is known of a balance of ten dollars that was read so long ago. */
function read(ageMs: number): BalanceFacts {
  const last = { amount: money(10), hourlyCost: money(1), mostListed: money(1), requestedAt: now - ageMs };
  return {
    ...{ now, timings: balanceTimings(5 * minute), keyFingerprint, snapshot: undefined, pollFailure: undefined },
    book: { last: { ...last, askedAs: keyFingerprint }, before: undefined, failure: undefined },
  };
}

/** Of one account, by name of the metric. */
async function valuesWith(facts: BalanceFacts | undefined): Promise<Readonly<Record<string, number>>> {
  const metrics = createMetrics({ version: '1' });
  const account = { apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuAccount', metadata: { name: 'default' }, spec: {} };
  const accounts = { list: () => [account] } as unknown as Parameters<typeof collectBalances>[1]['accounts'];
  const balances = { factsOf: () => facts } as unknown as Parameters<typeof collectBalances>[1]['balances'];
  collectBalances(metrics, { accounts, balances });
  const { text } = await metrics.exposition();
  const ofAccount = samplesIn(text).filter(({ name }) => name.startsWith('gpuvm_account_'));
  return Object.fromEntries(ofAccount.map(({ name, value }) => [name, value]));
}

describe('the series of an account', () => {
  test('tell what is left of its balance, and how old that is', async () => {
    expect(await valuesWith(read(10 * minute))).toMatchObject({
      gpuvm_account_balance_age_seconds: 600,
      gpuvm_account_stopped_vms: 0,
    });
  });

  // GpuvmBalanceUnknown finds such an account by the one series that is left.
  test.each([
    ['its last answer is too old to count', read(31 * minute)],
    ['this process knows nothing of it', undefined],
  ])('tell of no balance, but still of the account, when %s', async (_when, facts) => {
    expect(await valuesWith(facts)).toEqual({ gpuvm_account_stopped_vms: 0 });
  });
});
