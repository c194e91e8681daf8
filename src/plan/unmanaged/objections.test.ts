import { expect, it } from 'vitest';

import { cloudVm, installation, keyFingerprint, markedName, snapshotOf, uid } from '../../../test/support/builders.ts';
import type { KeptVms } from '../../api/unmanaged-vms.ts';
import { vmNameOf } from '../../api/vm-name.ts';
import type { CloudVm } from '../../provider/contract.ts';
import { objectionBeforehand, objectionTo, type AccountNow, type LastLook } from './objections.ts';

const other = '22222222-2222-4222-8222-222222222222';
const spec = { credentialsSecretRef: { namespace: 'gpuvm-system', name: 'tensordock' }, unmanagedVms: 'Delete' };
const entry = {
  ...{ id: 'vm-1', name: markedName(1), since: '2026-06-01T11:00:00Z', deletingSince: '2026-06-01T12:00:00Z' },
  unownedSeconds: 3600,
};
const status = { organization: { keyFingerprint }, unmanagedVms: [entry] };
const others = [cloudVm('vm-8', { name: markedName(1, other) })];
const account: AccountNow = { metadata: { uid: 'account-uid' }, spec, status };
const kept: KeptVms = { uid, resource: 'GpuVm research/trainer', why: 'Retained', ids: [] };

const look: LastLook = {
  ...{ id: 'vm-1', installation, accountUid: 'account-uid', account, accounts: [account], keyFingerprint },
  ...{
    resources: [{ metadata: { uid: other } }],
    isOwned: false,
    pendingKept: [],
    isListFailing: false,
    isRestored: false,
  },
  list: snapshotOf([cloudVm('vm-1'), ...others]),
};

function accountWith(changes: Partial<AccountNow>): Pick<LastLook, 'account' | 'accounts'> {
  const now = { ...account, ...changes };
  return { account: now, accounts: [now] };
}

function listed(changes: Partial<CloudVm>): Pick<LastLook, 'list'> {
  return { list: snapshotOf([cloudVm('vm-1', changes), ...others]) };
}

it('nothing speaks against the deletion of a VM that the account says goes, and nobody has', () => {
  expect(objectionTo(look)).toBeUndefined();
});

it('what the process knows itself speaks against it without asking anybody', () => {
  expect(objectionBeforehand(look)).toBeUndefined();
  expect(objectionBeforehand({ ...look, isListFailing: true })).toBe('there is no list of VMs at the moment');
  expect(objectionBeforehand({ ...look, isOwned: true })).toBe('a resource has to do with it');
});

it.each<[string, Partial<LastLook>, string]>([
  ['the account is gone', { account: undefined }, 'the account is gone'],
  ['the account was made anew', accountWith({ metadata: { uid: 'another' } }), 'the account is gone'],
  [
    'the account is being deleted',
    accountWith({ metadata: { uid: 'account-uid', deletionTimestamp: '2026-06-01T12:00:00Z' } }),
    'the account is being deleted',
  ],
  [
    'somebody has set Report',
    accountWith({ spec: { ...spec, unmanagedVms: 'Report' } }),
    'the account does not say Delete any more',
  ],
  ['nobody can read the spec of the account', accountWith({ spec: {} }), 'the account does not say Delete any more'],
  [
    'another key is believed',
    accountWith({ status: { ...status, organization: { keyFingerprint: 'another' } } }),
    'the credentials are not proven to be those of the organization',
  ],
  [
    'no key is believed',
    accountWith({ status: { unmanagedVms: [entry] } }),
    'the credentials are not proven to be those of the organization',
  ],
  [
    'the intent was taken back',
    accountWith({ status: { ...status, unmanagedVms: [{ ...entry, deletingSince: undefined }] } }),
    'the account does not say any more that it is to go',
  ],
  [
    'the grace period was made longer',
    accountWith({ spec: { ...spec, unmanagedVmsGracePeriod: '24h' } }),
    'the grace period is not over',
  ],
  [
    'nobody can read what the account says of it',
    accountWith({ status: { ...status, unmanagedVms: ['vm-1', { ...entry, since: 5 }] } }),
    'the account does not say any more that it is to go',
  ],
  [
    'another account names it',
    { accounts: [account, { spec: { keepVms: ['vm-1'] } }] },
    'it is to be kept (spec.keepVms)',
  ],
  [
    'its resource left it behind with another account, some of whose notes nobody can read',
    { accounts: [account, { status: { keptVms: ['old', kept] } }] },
    'it is to be kept (Retained: GpuVm research/trainer)',
  ],
  ['the list fails', { isListFailing: true }, 'there is no list of VMs at the moment'],
  ['there is no list', { list: undefined }, 'there is no list of VMs at the moment'],
  [
    'the list is of another key',
    { list: snapshotOf([cloudVm('vm-1')], { askedAs: 'another' }) },
    'the list was got with other credentials',
  ],
  [
    'the list is not to be trusted',
    { list: snapshotOf([cloudVm('vm-1')], { distrusted: 'many vanished' }) },
    'the list cannot be trusted',
  ],
  ['the list lacks it', { list: snapshotOf([]) }, 'the list does not have it'],
  ['it carries no mark', listed({ name: 'by-hand' }), "it does not carry this installation's mark"],
  [
    "it carries another installation's mark",
    listed({ name: vmNameOf({ installation: 'ffffffff', uid, attempt: 1 }) }),
    "it does not carry this installation's mark",
  ],
  ['nobody knows its status', listed({ state: 'unknown' }), 'its status is not known'],
  ['a store knows an owner', { isOwned: true }, 'a resource has to do with it'],
  ['its resource is there after all', { resources: [{ metadata: { uid } }] }, 'a resource has to do with it'],
  [
    'a resource wants to take it over',
    { resources: [{ metadata: { uid: 'heir', annotations: { 'gpuvm.dev/adopt': 'vm-1' } } }] },
    'a resource has to do with it',
  ],
  ['the account names it', accountWith({ spec: { ...spec, keepVms: ['vm-1'] } }), 'it is to be kept (spec.keepVms)'],
  ['no resource owns any VM', { resources: [] }, 'no resource owns any VM of this installation'],
  ['the API server went back in time', { isRestored: true }, 'the account holds back what has no resource'],
  [
    'it is held back',
    accountWith({ status: { ...status, unmanagedHold: { why: 'Restored', confirm: 'abc' } } }),
    'the account holds back what has no resource',
  ],
  [
    'more than five go, and more than a fifth',
    accountWith({
      status: { ...status, unmanagedVms: [1, 2, 3, 4, 5, 6].map((at) => ({ ...entry, id: `vm-${at}` })) },
    }),
    'too many would go at once',
  ],
  [
    'its resource left it behind',
    accountWith({ status: { ...status, keptVms: [kept] } }),
    'it is to be kept (Retained: GpuVm research/trainer)',
  ],
  [
    'its resource left it behind, and that is not written down yet',
    { pendingKept: [kept] },
    'it is to be kept (Retained: GpuVm research/trainer)',
  ],
])('where %s, that speaks against it', (_, changes, expected) => {
  expect(objectionTo({ ...look, ...changes })).toBe(expected);
});

it('a VM goes where the only one with a resource was taken over, and carries the mark of one that is gone', () => {
  const status = { vm: { id: 'vm-8', adopted: true } };
  expect(objectionTo({ ...look, resources: [{ metadata: { uid: 'heir' }, status }] })).toBeUndefined();
  // A record alone is none: somebody may have copied it.
  const copied = { vm: { id: 'vm-8' } };
  expect(objectionTo({ ...look, resources: [{ metadata: { uid: 'heir' }, status: copied }] })).toBe(
    'no resource owns any VM of this installation',
  );
});

it('a VM that somebody has confirmed goes, whatever has become of all others', () => {
  const unmanagedVms = [{ ...entry, confirmed: true }];
  const confirmed = accountWith({
    status: { ...status, unmanagedVms, unmanagedHold: { why: 'NoneOwned', confirm: 'a' } },
  });
  expect(objectionTo({ ...look, ...confirmed, resources: [] })).toBeUndefined();
});
