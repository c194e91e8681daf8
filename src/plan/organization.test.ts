import { describe, expect, it } from 'vitest';

import {
  cloudVm,
  installation,
  keyFingerprint as current,
  launchOf,
  markedName,
  now,
  recordedVm,
  snapshotOf,
  uid,
} from '../../test/support/builders.ts';
import { organizationField, type Organization } from '../api/gpu-account.ts';
import {
  judgeOrganization,
  stakesOf,
  type OrganizationFacts,
  type OrganizationVerdict,
  type Stake,
} from './organization.ts';
import { forgottenLaunch } from './vm/forgotten.ts';
import type { Journal } from './vm/observation.ts';

const before = '0123456789ab';
const victim = '11111111-1111-4111-8111-111111111111';
const owner = 'research/trainer';

/** A key that was exchanged, an empty list that was got with the new one, and a VM that is recorded. */
const exchanged: OrganizationFacts = {
  account: 'default',
  keyFingerprint: current,
  stored: { keyFingerprint: before },
  annotation: undefined,
  snapshot: snapshotOf([]),
  stakes: recorded(),
};

function recorded(changes: Parameters<typeof recordedVm>[1] = {}): Stake[] {
  return stakesOf({ owner, uid, journal: { vm: recordedVm('vm-1', changes) } });
}

function inDoubt(changes: Parameters<typeof launchOf>[0] = {}): Stake[] {
  return stakesOf({ owner, uid, journal: { launch: launchOf({ outcome: 'Uncertain', ...changes }) } });
}

function judged(changes: Partial<OrganizationFacts>): OrganizationVerdict {
  const verdict = judgeOrganization({ ...exchanged, ...changes });
  if (verdict.organization !== undefined) {
    expect(organizationField.parse(verdict.organization)).toEqual(verdict.organization);
  }
  return verdict;
}

describe('credentials', () => {
  it.each<[string, OrganizationVerdict['kind'], Partial<OrganizationFacts>]>([
    [
      'whose key is the one that was proven last are believed, whatever the list lacks',
      'proven',
      {
        stored: { keyFingerprint: current },
      },
    ],
    [
      'are believed before there is a list, if the key is the same',
      'proven',
      {
        stored: { keyFingerprint: current },
        snapshot: undefined,
      },
    ],
    ['with another key are not believed before there is a list', 'unasked', { snapshot: undefined }],
    [
      'with another key are not believed for a list of the key before',
      'unasked',
      {
        snapshot: snapshotOf([cloudVm('vm-1')], { askedAs: before }),
      },
    ],
    [
      'are not believed for nothing being at stake before the provider has accepted them',
      'unasked',
      {
        snapshot: undefined,
        stakes: [],
      },
    ],
    [
      'are believed where only an emptied status is in doubt: no list could show what that had named',
      'proven',
      { stakes: stakesOf({ owner, uid, journal: { launch: forgottenLaunch({ installation, uid, now }) } }) },
    ],
    [
      'whose list has a recorded VM are of the same organization',
      'proven',
      {
        snapshot: snapshotOf([cloudVm('vm-1')]),
      },
    ],
    [
      'whose list has one of many recorded VMs are of the same organization',
      'proven',
      {
        snapshot: snapshotOf([cloudVm('vm-1')]),
        stakes: [
          ...stakesOf({ owner, uid: victim, journal: { vm: recordedVm('vm-2', { ownerUid: victim }) } }),
          ...recorded(),
        ],
      },
    ],
    [
      'whose list has a recorded VM are of the same organization, though the list is distrusted',
      'proven',
      {
        snapshot: snapshotOf([cloudVm('vm-1')], { distrusted: 'many vanished' }),
      },
    ],
    [
      'whose list has the recorded VM as over are of the same organization',
      'proven',
      {
        snapshot: snapshotOf([cloudVm('vm-1', { state: 'terminated' })]),
      },
    ],
    [
      'whose list has the recorded VM in an entry that cannot be read are of the same organization',
      'proven',
      {
        snapshot: snapshotOf([], { unreadable: new Set(['vm-1']) }),
      },
    ],
    [
      'whose list has an adopted VM are of the same organization, whatever its name',
      'proven',
      {
        stakes: recorded({ adopted: true, name: 'by-hand' }),
        snapshot: snapshotOf([cloudVm('vm-1', { name: markedName(1, victim) })]),
      },
    ],
    [
      'whose list has the VM of a deployment in doubt are of the same organization',
      'proven',
      {
        stakes: inDoubt(),
        snapshot: snapshotOf([cloudVm('vm-9', { name: markedName(1) })]),
      },
    ],
    [
      'whose list has a VM that was reported as unmanaged are of the same organization',
      'proven',
      {
        stakes: [{ kind: 'unmanaged', id: 'vm-1' }],
        snapshot: snapshotOf([cloudVm('vm-1')]),
      },
    ],
    ['are believed when nothing was recorded anywhere', 'proven', { stakes: [] }],
    [
      'of an account that is new, or was made anew, are believed when nothing was recorded',
      'proven',
      {
        stored: undefined,
        stakes: [],
      },
    ],
    [
      'of an account that was made anew are not believed while a VM is recorded that they do not show',
      'unproven',
      {
        stored: undefined,
      },
    ],
    ['whose list has none of the recorded VMs may be of another organization', 'unproven', {}],
    [
      'whose list has other VMs only may be of another organization',
      'unproven',
      {
        snapshot: snapshotOf([cloudVm('vm-8', { name: 'by-hand' }), cloudVm('vm-9', { name: markedName(1, victim) })]),
      },
    ],
    ['may be of another organization while a deployment is in doubt', 'unproven', { stakes: inDoubt() }],
    [
      'may be of another organization while a reported VM would fall into oblivion',
      'unproven',
      {
        stakes: [{ kind: 'unmanaged', id: 'vm-1' }],
      },
    ],
    [
      'may be of another organization while a status cannot be understood',
      'unproven',
      {
        stakes: stakesOf({ owner, uid, journal: 'damaged' }),
      },
    ],
    [
      "are not proven by a record that names another resource's VM, as a forged one does",
      'unproven',
      {
        snapshot: snapshotOf([cloudVm('vm-1', { name: markedName(1, victim) })]),
      },
    ],
    [
      'are not proven by a record that was copied from another resource',
      'unproven',
      {
        stakes: recorded({ ownerUid: victim }),
        snapshot: snapshotOf([cloudVm('vm-1')]),
      },
    ],
    ['are believed when somebody says so', 'proven', { annotation: current }],
    ['are not believed for the confirmation of another key', 'unproven', { annotation: before }],
    [
      'are not believed for a confirmation that was acted on before',
      'unproven',
      {
        annotation: current,
        stored: { keyFingerprint: before, confirmation: current },
      },
    ],
    [
      'cannot be confirmed before the provider has accepted them',
      'unasked',
      { annotation: current, snapshot: undefined },
    ],
  ])('%s', (_, kind, changes) => {
    expect(judged(changes).kind).toBe(kind);
  });
});

it.each<[string, Partial<OrganizationFacts>, Organization | undefined]>([
  ['the key that is proven takes the place of the one before', { stakes: [] }, { keyFingerprint: current }],
  [
    'the key that is not proven is shown beside the one that is',
    {},
    { keyFingerprint: before, unprovenKeyFingerprint: current },
  ],
  ['while nobody was asked everything stays', { snapshot: undefined }, { keyFingerprint: before }],
  ['a confirmation is used up', { annotation: current }, { keyFingerprint: current, confirmation: current }],
  [
    'a confirmation of what is proven already is used up as well',
    { stored: { keyFingerprint: current }, annotation: current },
    { keyFingerprint: current, confirmation: current },
  ],
  [
    'a confirmation stays used up while the annotation stands',
    { stored: { keyFingerprint: before, confirmation: before }, annotation: before },
    { keyFingerprint: before, unprovenKeyFingerprint: current, confirmation: before },
  ],
  [
    'a confirmation can be given anew after the annotation was taken off',
    { stored: { keyFingerprint: before, confirmation: current } },
    { keyFingerprint: before, unprovenKeyFingerprint: current },
  ],
])('%s', (_, changes, organization) => {
  expect(judged(changes).organization).toEqual(organization);
});

it('what is in doubt is told, with the command that ends it', () => {
  const stakes = Array.from({ length: 5 }, (_unused, index) =>
    stakesOf({ owner: `research/vm-${index}`, uid, journal: { vm: recordedVm(`id-${index}`) } }),
  ).flat();
  const verdict = judged({ stakes });
  expect(verdict.kind === 'unproven' ? verdict.message : '').toMatch(
    /VM id-0 of research\/vm-0, .*id-2 of research\/vm-2 and 2 more.*kubectl annotate --overwrite gpuaccount default gpuvm\.dev\/confirm-organization=abcdef012345$/,
  );
});

it.each<[string, Journal, Stake['kind'][]]>([
  ['a VM that is recorded', { vm: recordedVm('vm-1'), launch: launchOf() }, ['vm']],
  ['a deployment that may have left', { launch: launchOf({ outcome: 'Pending', endedAt: undefined }) }, ['launch']],
  ['a deployment whose VM was forgotten', { launch: launchOf() }, ['launch']],
  ['no deployment that was refused', { launch: launchOf({ outcome: 'Refused' }) }, []],
  ['no VM that was lost', { launch: launchOf({ outcome: 'Lost' }) }, []],
  ['nothing of a new resource', {}, []],
])('at stake is %s', (_, journal, kinds) => {
  expect(stakesOf({ owner, uid, journal }).map(({ kind }) => kind)).toEqual(kinds);
});
