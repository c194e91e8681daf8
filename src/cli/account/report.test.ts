import { describe, expect, it } from 'vitest';

import { now } from '../../../test/support/builders.ts';
import type { Condition } from '../../api/conditions.ts';
import type { GpuAccountStatus } from '../../api/gpu-account.ts';
import type { CustomObject } from '../../controllers/objects.ts';
import { plain } from '../common/io.ts';
import { accountReportOf, problemsForUsers, renderAccount } from './report.ts';

const look = { now, paint: plain, program: 'gpuvm' };
const ago = (minutes: number): string => new Date(now - minutes * 60_000).toISOString();

function condition(type: string, status: Condition['status'], reason: string): Condition {
  return { type, status, reason, message: 'A sentence.', lastTransitionTime: ago(90) };
}

function accountWith(status: GpuAccountStatus): CustomObject {
  const metadata = { name: 'default', uid: 'uid-1', resourceVersion: '1', creationTimestamp: ago(300) };
  return { metadata, spec: {}, status: { observedGeneration: 1, ...status } };
}

/** The summary's line of that name. */
function lineOf(label: string, status: GpuAccountStatus): string | undefined {
  const lines = renderAccount(accountReportOf(accountWith(status), look), look);
  return lines.find((line) => line.startsWith(`  ${label}:`))?.replace(/^ +\S+ +/, '');
}

const balance = { balance: '75.00', balanceReadAt: ago(4), burnRate: '13.10', runway: '5h43m' };

describe('an account in full', () => {
  it.each<[string, GpuAccountStatus, string]>([
    [
      'when it was read',
      { ...balance, conditions: [condition('BalanceHealthy', 'False', 'BalanceLow')] },
      '$75.00, which lasts for 5h43m at $13.10 per hour (read 4m ago, hardly changed since)',
    ],
    [
      'no more than that of one that nobody knows any more',
      { ...balance, conditions: [condition('BalanceHealthy', 'Unknown', 'BalanceUnknown')] },
      '$75.00, which lasts for 5h43m at $13.10 per hour (read 4m ago)',
    ],
    ['nothing of the kind by a status of an older release', { balance: '75.00' }, '$75.00, and nothing is spent'],
  ])('says of the balance %s', (_, status, expected) => {
    expect(lineOf('Balance', status)).toBe(expected);
  });

  it('counts VMs by whose they are, also those of others', () => {
    const vms = { total: 60, managed: 3, unmanaged: 1, kept: 1, foreign: 55 };
    expect(lineOf('VMs', { vms })).toBe(
      '60 in the organization, 3 managed here, 1 of no resource, 1 of no resource that was to be kept, 55 of others',
    );
  });
});

it('VMs that no resource owns are a problem of the account, and none of those who use it', () => {
  const account = accountWith({
    conditions: [
      condition('Ready', 'False', 'InvalidCredentials'),
      condition('UnmanagedVms', 'True', 'UnmanagedVmsReported'),
    ],
  });
  const refused = { what: 'InvalidCredentials: A sentence.' };
  expect(accountReportOf(account, look).problems).toEqual([refused, { what: 'UnmanagedVmsReported: A sentence.' }]);
  expect(problemsForUsers(account, look)).toEqual([refused]);
});
