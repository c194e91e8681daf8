import { expect, it } from 'vitest';

import { accountOf, launchOf, minute, now, observe, recordedVm, type Seen } from '../../../test/support/builders.ts';
import { briefOf, decided, type Brief } from '../../../test/support/verdicts.ts';

const pollFailure = (kind: string): NonNullable<ReturnType<typeof accountOf>['pollFailure']> => ({
  kind,
  message: 'no answer',
  since: now - minute,
  consecutive: 2,
});
const missing = { account: { kind: 'missing' } } as const;
const notReady = {
  account: { kind: 'notReady', reason: 'CredentialsSecretNotFound', message: 'there is no Secret.' },
} as const;

it.each<[string, Seen, Partial<Brief>]>([
  [
    'a spec that cannot be understood stops everything',
    { specProblem: 'vcpus: odd' },
    { rule: 'specIsInvalid', step: 'wait', ready: 'False InvalidSpec' },
  ],
  [
    'the finalizer comes before anything else where there is a VM, were the spec beyond understanding',
    { meta: { hasFinalizer: false }, specProblem: 'vcpus: odd', journal: { vm: recordedVm('vm-1') } },
    { rule: 'finalizerIsMissing', step: 'addFinalizer' },
  ],
  [
    'the finalizer comes before anything else where nobody knows whether there is a VM',
    { meta: { hasFinalizer: false }, specProblem: 'vm: damaged', isStatusDamaged: true },
    { rule: 'finalizerIsMissing', step: 'addFinalizer' },
  ],
  [
    'the finalizer comes before a VM is taken over',
    { meta: { hasFinalizer: false }, adoption: { vmId: 'vm-1' } },
    { rule: 'finalizerIsMissing', step: 'addFinalizer' },
  ],
  [
    'a resource that never had a VM gets it with its first intent',
    { meta: { hasFinalizer: false } },
    { step: 'launch' },
  ],
  [
    'a missing account is said of a new resource',
    missing,
    { rule: 'accountIsMissing', step: 'wait', ready: 'False AccountNotFound', phase: 'Pending' },
  ],
  [
    'a missing account is no news about a VM that was there',
    { ...missing, journal: { vm: recordedVm('vm-1') } },
    { rule: 'accountIsMissing', ready: 'keep', phase: 'keep' },
  ],
  [
    'an account that cannot be used holds a new resource',
    notReady,
    { rule: 'accountIsNotReady', ready: 'False AccountNotReady', phase: 'Pending' },
  ],
  [
    'an account that cannot be used is no news about a VM that was there',
    { ...notReady, journal: { vm: recordedVm('vm-1') } },
    { rule: 'accountIsNotReady', ready: 'keep', phase: 'keep' },
  ],
  [
    'nothing is done before the first list',
    { account: accountOf({ snapshot: undefined }) },
    { rule: 'nothingIsKnownYet', step: 'wait', ready: 'Unknown WaitingForProvider' },
  ],
  [
    'bad credentials are named when there is no list because of them',
    { account: accountOf({ snapshot: undefined, pollFailure: pollFailure('unauthorized') }) },
    { rule: 'nothingIsKnownYet', ready: 'False InvalidCredentials' },
  ],
  [
    'a provider that does not answer is named when there is no list because of it',
    { account: accountOf({ snapshot: undefined, pollFailure: pollFailure('malformed') }) },
    { rule: 'nothingIsKnownYet', ready: 'False ProviderUnavailable' },
  ],
  [
    'being limited is named when there is no list because of it',
    { account: accountOf({ snapshot: undefined, pollFailure: pollFailure('rateLimited') }) },
    { rule: 'nothingIsKnownYet', ready: 'False RateLimited' },
  ],
  [
    'a disk too small for the operating system is refused before it is tried',
    { spec: { operatingSystem: 'Windows 10', storageGB: 80 } },
    { rule: 'storageIsTooSmall', step: 'wait', ready: 'False InvalidSpec' },
  ],
  [
    'a disk just large enough for the operating system is fine',
    { spec: { operatingSystem: 'Windows 10', storageGB: 90 } },
    { step: 'launch' },
  ],
  [
    'a disk too small is no reason to forget a deployment that may be under way',
    {
      spec: { operatingSystem: 'Windows 10', storageGB: 80 },
      journal: { launch: launchOf({ outcome: 'Pending', endedAt: undefined }) },
    },
    { rule: 'launchIsUncertain' },
  ],
])('%s', (_, seen, expected) => {
  expect(briefOf(observe(seen))).toMatchObject(expected);
});

it('a wait for somebody to change the spec is Stalled', () => {
  expect(decided(observe({ specProblem: 'vcpus: odd' })).stalled).toBe(true);
});

it('Synced says why nothing can be decided', () => {
  expect(decided(observe(notReady)).synced).toMatchObject({ status: 'False', reason: 'CredentialsSecretNotFound' });
  expect(decided(observe(missing)).synced).toMatchObject({ status: 'False', reason: 'AccountNotFound' });
});
