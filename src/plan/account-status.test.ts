import { expect, it } from 'vitest';

import { problemsOfConditions } from '../../test/support/status-check.ts';
import { conditionOf } from '../api/conditions.ts';
import { gpuAccountStatusSchema, type GpuAccountStatus } from '../api/gpu-account.ts';
import type { UnmanagedVm } from '../api/unmanaged-vms.ts';
import { money } from '../lib/money.ts';
import { thresholdsOf } from './balance/runway.ts';
import { statusOfAccount, type AccountObservation } from './account-status.ts';

const now = Date.UTC(2026, 5, 1, 12);

function unmanagedVm(id: string): UnmanagedVm {
  return { id, name: 'gpuvm-1a2b3c4d-0f8e6c1de2b94a3f9c5d7e8f01234567-1', since: '2026-06-01T11:00:00Z' };
}

const healthy: AccountObservation = {
  now,
  generation: 2,
  status: {},
  credentials: { kind: 'accepted' },
  organization: { kind: 'proven', organization: { keyFingerprint: 'abcdef012345' } },
  pollFailure: undefined,
  listed: {
    counts: { total: 5, managed: 3, unmanaged: 1, kept: 0, foreign: 1 },
    entries: [unmanagedVm('vm-1')],
    hold: undefined,
  },
  sweep: { policy: 'Report', graceMs: 3_600_000 },
  installation: '1a2b3c4d',
  keptVms: [],
  distrusted: undefined,
  reports: [],
  remains: undefined,
  check: undefined,
  balance: {
    view: { kind: 'unread' },
    thresholds: { min: undefined, release: undefined },
    stopped: [],
    isHeld: false,
  },
};
const failure = (kind: string): AccountObservation['pollFailure'] => ({
  kind,
  message: 'It said no.',
  since: now,
  consecutive: 1,
});

const unproven: AccountObservation['organization'] = {
  kind: 'unproven',
  message: 'Put others into the Secret.',
  organization: { keyFingerprint: 'abcdef012345', unprovenKeyFingerprint: '0123456789ab' },
};
const unasked: AccountObservation['organization'] = {
  kind: 'unasked',
  organization: { keyFingerprint: 'abcdef012345' },
};

function statusFor(changes: Partial<AccountObservation>): GpuAccountStatus {
  const status = statusOfAccount({ ...healthy, ...changes });
  expect(problemsOfConditions(status, { before: changes.status, generation: 2, now })).toEqual([]);
  expect(gpuAccountStatusSchema.parse(status)).toEqual(status);
  return status;
}

it.each<[string, Partial<AccountObservation>, string, string]>([
  ['an account whose list is read', {}, 'True Polling', 'True CredentialsAccepted'],
  [
    'an account that was not polled yet',
    { listed: undefined },
    'Unknown WaitingForProvider',
    'Unknown CredentialsUnknown',
  ],
  [
    'a missing Secret',
    { credentials: { kind: 'missing', message: 'There is no Secret.' } },
    'False CredentialsSecretNotFound',
    'False CredentialsSecretNotFound',
  ],
  [
    'a Secret without what is needed',
    { credentials: { kind: 'invalid', message: 'It needs api_key.' } },
    'False CredentialsSecretInvalid',
    'False CredentialsSecretInvalid',
  ],
  [
    'a Secret that may not be read',
    { credentials: { kind: 'forbidden', message: 'The operator may not read it.' } },
    'False CredentialsSecretForbidden',
    'Unknown CredentialsSecretForbidden',
  ],
  [
    'credentials that the provider refuses',
    { pollFailure: failure('unauthorized') },
    'False InvalidCredentials',
    'False InvalidCredentials',
  ],
  [
    'a provider that does not answer, which is no word about the credentials',
    { pollFailure: failure('unavailable') },
    'False ProviderUnavailable',
    'True CredentialsAccepted',
  ],
  [
    'credentials that may be of another organization',
    { organization: unproven, listed: undefined },
    'False OrganizationUnproven',
    'True CredentialsAccepted',
  ],
  [
    'other credentials that the provider refuses, whosever they are',
    { organization: unasked, listed: undefined, pollFailure: failure('unauthorized') },
    'False InvalidCredentials',
    'False InvalidCredentials',
  ],
  [
    'other credentials that no list was got with yet',
    { organization: unasked, listed: undefined },
    'Unknown WaitingForProvider',
    'Unknown CredentialsUnknown',
  ],
  [
    'a pair that is good, before the first list',
    { listed: undefined, check: 'accepted' },
    'Unknown WaitingForProvider',
    'True CredentialsAccepted',
  ],
  [
    'a pair that is not, before the first list',
    { listed: undefined, check: 'refused' },
    'Unknown WaitingForProvider',
    'False InvalidCredentials',
  ],
  [
    'a pair that gets lists, whatever else is said of it',
    { check: 'refused' },
    'True Polling',
    'True CredentialsAccepted',
  ],
  [
    'a good pair that gets no list',
    { pollFailure: failure('unauthorized'), check: 'accepted' },
    'False InvalidCredentials',
    'True CredentialsAccepted',
  ],
  [
    'an account that is deleted while in use',
    { remains: { kind: 'users', names: ['research/trainer'] } },
    'False AccountInUse',
    'True CredentialsAccepted',
  ],
])('the conditions tell of %s', (_, changes, ready, credentials) => {
  const { conditions } = statusFor(changes);
  const told = (type: 'Ready' | 'CredentialsValid'): string => {
    const condition = conditionOf(conditions, type);
    return `${condition?.status ?? ''} ${condition?.reason ?? ''}`;
  };
  expect([told('Ready'), told('CredentialsValid')]).toEqual([ready, credentials]);
});

it('credentials that are good, but may not list, are told from those that are refused', () => {
  const refused = { pollFailure: failure('unauthorized') };
  const messageWith = (check: AccountObservation['check']): string | undefined =>
    conditionOf(statusFor({ ...refused, check }).conditions, 'Ready')?.message;
  expect(messageWith('accepted')).toMatch(
    /^The provider accepts key and token \(auth\/test\), but refuses them the list/,
  );
  expect(messageWith('refused')).toMatch(/^The provider refuses the credentials: correct api_key and api_token/);
});

it('what is left, and whose VMs are kept released for want of it, is in the status', () => {
  const stopped = [{ kind: 'GpuVm', namespace: 'research', name: 'trainer', uid: 'uid-1' }];
  const reading = { amount: money('1.5'), hourlyCost: money(1), mostListed: money(1), requestedAt: now, askedAs: 'x' };
  const view = { kind: 'known', reading, amount: money('1.5'), burnRate: money(1), runwayMs: 5_400_000 } as const;
  const thresholds = thresholdsOf({ minRunway: '6h', releaseBelowRunway: '2h' });
  const status = statusFor({ balance: { view, thresholds, stopped, isHeld: false } });
  expect(status).toMatchObject({ balance: '1.50', burnRate: '1.00', runway: '1h30m', stopped });
  expect(statusFor({ status, balance: { view, thresholds, stopped: [], isHeld: false } }).stopped).toBeUndefined();
});

it('a list that is not to be believed is told while it is so, and not afterwards', () => {
  const doubtful = statusFor({ distrusted: 'it is empty' });
  expect(conditionOf(doubtful.conditions, 'ListDistrusted')?.message).toContain('it is empty');
  expect(conditionOf(statusFor({ status: doubtful }).conditions, 'ListDistrusted')).toBeUndefined();
});

it('doubt about the organization is told while it lasts, also while the account is held back', () => {
  const doubtful = statusFor({ organization: unproven, listed: undefined, remains: { kind: 'unknown' } });
  expect(conditionOf(doubtful.conditions, 'OrganizationUnproven')?.message).toBe('Put others into the Secret.');
  expect(doubtful.organization?.unprovenKeyFingerprint).toBe('0123456789ab');
  expect(conditionOf(statusFor({ status: doubtful }).conditions, 'OrganizationUnproven')).toBeUndefined();
});

it('which key was proven is remembered while there are no credentials', () => {
  const status = statusFor({});
  const missing = { kind: 'missing', message: 'There is no Secret.' } as const;
  expect(statusFor({ status, credentials: missing, organization: undefined })).toMatchObject({
    organization: { keyFingerprint: 'abcdef012345' },
  });
});

it('VMs that nobody owns are counted, and named up to a hundred of them', () => {
  const entries = Array.from({ length: 120 }, (_, index) => unmanagedVm(`vm-${index}`));
  const counts = { total: 160, managed: 0, unmanaged: 120, kept: 0, foreign: 40 };
  const status = statusFor({ listed: { counts, entries, hold: undefined } });
  expect(status.vms).toEqual(counts);
  expect(status.unmanagedVms).toEqual(entries.slice(0, 100));
});

it('that none is deleted, why, and how to confirm it, is in the condition UnmanagedVms, also while there is no list', () => {
  const sweep = { policy: 'Delete', graceMs: 3_600_000 } as const;
  const hold = { why: 'NoneOwned', confirm: '0123456789ab' } as const;
  const status = statusFor({ sweep, listed: { ...healthy.listed!, hold } });
  expect(status.unmanagedHold).toEqual(hold);
  for (const now of [status, statusFor({ sweep, status, listed: undefined })]) {
    const condition = conditionOf(now.conditions, 'UnmanagedVms');
    expect(condition).toMatchObject({ status: 'True', reason: 'UnmanagedVmsHeld' });
    expect(condition?.message).toContain('gpuvm.dev/confirm-unmanaged=0123456789ab');
  }
  expect(statusFor({ sweep, status }).unmanagedHold).toBeUndefined();
});

it('the condition UnmanagedVms is there while there are such VMs that nobody wanted kept, also while there is no list', () => {
  const status = statusFor({});
  expect(conditionOf(status.conditions, 'UnmanagedVms')).toMatchObject({
    status: 'True',
    reason: 'UnmanagedVmsReported',
  });
  expect(conditionOf(statusFor({ status, listed: undefined }).conditions, 'UnmanagedVms')?.status).toBe('True');
  const { counts } = healthy.listed!;
  const kept = { counts, entries: [{ ...unmanagedVm('vm-1'), kept: 'spec.keepVms' }], hold: undefined };
  expect(conditionOf(statusFor({ status, listed: kept }).conditions, 'UnmanagedVms')).toBeUndefined();
});

it('what was counted last stands while there is no list', () => {
  const status = statusFor({});
  expect(statusFor({ status, listed: undefined })).toMatchObject({ vms: status.vms, unmanagedVms: [{ id: 'vm-1' }] });
});

it('what keeps a deleted account is named', () => {
  const names = Array.from({ length: 12 }, (_, index) => `research/vm-${index}`);
  const said = (remains: AccountObservation['remains']): string | undefined =>
    conditionOf(statusFor({ remains }).conditions, 'Ready')?.message;
  expect(said({ kind: 'users', names })).toMatch(/still used by research\/vm-0.*vm-9 and 2 more: delete them first/);
  expect(said({ kind: 'vms', ids: ['vm-1', 'vm-2'] })).toMatch(
    /are left that no resource owns, and go on billing: vm-1, vm-2\. gpuvm unmanaged shows/,
  );
  expect(said({ kind: 'unknown' })).toMatch(/waiting for a list/);
});
