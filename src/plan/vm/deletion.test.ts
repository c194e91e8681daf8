import { describe, expect, it } from 'vitest';

import {
  accountOf,
  ago,
  answersOf,
  cloudVm,
  launchOf,
  markedName,
  minute,
  now,
  observe,
  recordedVm,
  second,
  snapshotOf,
  type Seen,
} from '../../../test/support/builders.ts';
import { briefOf, decided, type Brief } from '../../../test/support/verdicts.ts';
import type { PollFailure } from '../../fleet/contract.ts';
import type { VmFacts, VmObservation } from './observation.ts';

const failedDelete = {
  call: 'delete',
  endedAt: now - second,
  failure: { kind: 'unavailable', message: 'HTTP 500' },
  failures: 2,
} as const;

function deleting(seen: Seen): VmObservation {
  return observe({ ...seen, meta: { deleting: true, ...seen.meta } });
}

const recorded = { journal: { vm: recordedVm('vm-1'), launch: launchOf() } };
const listed = { ...recorded, vms: [cloudVm('vm-1')] };
const deleted = (ms: number): Pick<Required<Seen>, 'facts'> => ({
  facts: { deletedAt: new Map([['vm-1', now - ms]]) },
});
const answered = (answer: 'gone' | 'exists', ms: number): Required<Seen>['facts'] => ({
  confirmations: answersOf({ vmId: 'vm-1', askedAt: now - ms, answer, name: markedName(1) }),
});
const bothDeleted = new Map([
  ['vm-1', now - 5 * second],
  ['vm-0', now - 5 * second],
]);
const retired = { ...recordedVm('vm-0'), retiredAt: ago(minute) };
const replaced = { journal: { ...recorded.journal, retiring: [retired] } };
const distrusted = { distrusted: 'many vanished' };
const refused = launchOf({ outcome: 'Refused' });
const unlisted = accountOf({ snapshot: undefined });
const pollFailure = (kind: string): PollFailure => ({ kind, message: 'HTTP 500', since: now - minute, consecutive: 3 });
const uncertain = launchOf({ outcome: 'Uncertain', endedAt: ago(10 * minute) });

/** A delete call has failed, and the next one is a while away. */
const pausing = { calls: new Map([['vm-1', { ...failedDelete, nextTryAt: now + 5 * minute }]]) };

function asked(agoMs: number): Pick<VmFacts, 'confirmations'> {
  return { confirmations: new Map([['vm-1', { vmId: 'vm-1', askedAt: now - agoMs, answer: 'noAnswer' }]]) };
}

describe('a resource that is being deleted', () => {
  it.each<[string, Seen, Partial<Brief>]>([
    [
      'goes when nothing was ever deployed and the list shows nothing of it',
      {},
      { rule: 'everythingIsGone', step: 'removeFinalizer' },
    ],
    [
      'goes when its last deployment was refused and the list shows nothing of it',
      { journal: { launch: refused } },
      { rule: 'everythingIsGone', step: 'removeFinalizer' },
    ],
    ['waits for the first list: its status may have been lost', { account: unlisted }, { rule: 'listIsMissing' }],
    [
      'waits for a list that was requested since it is to be deleted',
      { facts: { deletionSeenAt: now - 500 } },
      { rule: 'listIsOlderThanDeletion', step: 'wait', ready: 'False Deleting' },
    ],
    [
      'waits for a list that was compared with the bill, where it is empty',
      { listed: { isUnchecked: true } },
      { rule: 'listIsOlderThanDeletion', step: 'wait', ready: 'False Deleting' },
    ],
    [
      'waits for a list that lacks no VM whose deletion is under way',
      { listed: { isProvisional: true } },
      { rule: 'listIsOlderThanDeletion', step: 'wait', ready: 'False Deleting' },
    ],
    [
      'waits for a list that can be trusted: its status may have been lost',
      { listed: distrusted },
      { rule: 'listIsNoProof', step: 'wait', ready: 'False Deleting' },
    ],
    [
      'waits also after a refusal for a list that can be trusted',
      { journal: { launch: refused }, listed: distrusted },
      { rule: 'listIsNoProof', step: 'wait' },
    ],
    [
      'waits while an entry cannot be read that carries its mark',
      { listed: { unreadable: new Set(['vm-9']), unreadableNames: new Map([['vm-9', markedName(2)]]) } },
      { rule: 'listIsNoProof', step: 'wait' },
    ],
    [
      'goes by what its status says when its account is missing',
      { account: { kind: 'missing' } },
      { rule: 'nothingCanBeListed', step: 'removeFinalizer' },
    ],
    [
      'goes by what its status says when its account cannot be used',
      { account: { kind: 'notReady', reason: 'CredentialsSecretNotFound', message: 'there is no Secret' } },
      { rule: 'nothingCanBeListed', step: 'removeFinalizer' },
    ],
    [
      'goes by what its status says when the provider refuses the credentials',
      { account: { ...unlisted, pollFailure: pollFailure('unauthorized') } },
      { rule: 'nothingCanBeListed', step: 'removeFinalizer' },
    ],
    [
      'does not go by its status alone while the provider does not answer',
      { account: { ...unlisted, pollFailure: pollFailure('unavailable') } },
      { rule: 'listIsMissing', step: 'wait' },
    ],
    [
      'does not go by its status alone while its account has just been seen',
      { account: { kind: 'notReady', reason: 'CredentialsUnknown', message: 'it was just created.' } },
      { rule: 'accountIsAway', step: 'wait' },
    ],
    ...(['Pending', 'Launched', 'Uncertain', 'Overpriced'] as const).map((outcome): [string, Seen, Partial<Brief>] => [
      `waits for its account when the record of its VM is missing and its deployment is ${outcome}`,
      { journal: { launch: launchOf({ outcome }) }, account: { kind: 'missing' } },
      { rule: 'accountIsAway', step: 'wait', ready: 'False DeleteFailed' },
    ]),
    [
      'waits when only the finalizers of others hold it',
      { meta: { hasFinalizer: false } },
      { rule: 'nothingIsLeftToDo', step: 'wait' },
    ],
    [
      'leaves its VM behind when it is to be retained',
      { ...listed, spec: { deletionPolicy: 'Retain' } },
      { rule: 'vmIsToBeKept', step: 'removeFinalizer' },
    ],
    [
      'leaves its VM behind when it is abandoned',
      { ...listed, meta: { abandoned: true } },
      { rule: 'vmIsToBeAbandoned', step: 'removeFinalizer' },
    ],
    [
      'has the account write down first that its VM is to be kept',
      { ...listed, spec: { deletionPolicy: 'Retain' }, isKeptNoted: () => false },
      { rule: 'vmIsToBeKept', step: 'noteKept', ready: 'False Deleting' },
    ],
    [
      'has it written down as well that an abandoned VM is not one that was forgotten',
      { ...listed, meta: { abandoned: true }, isKeptNoted: () => false },
      { rule: 'vmIsToBeAbandoned', step: 'noteKept', ready: 'False Deleting' },
    ],
    [
      'has it written down also when only a deployment is in doubt: its VM may yet come',
      { journal: { launch: uncertain }, spec: { deletionPolicy: 'Retain' }, isKeptNoted: () => false },
      { rule: 'vmIsToBeKept', step: 'noteKept' },
    ],
    [
      'goes at once when there is no VM to keep',
      { journal: { launch: refused }, spec: { deletionPolicy: 'Retain' }, isKeptNoted: () => false },
      { rule: 'vmIsToBeKept', step: 'removeFinalizer' },
    ],
    [
      'goes without that when there is no account, which would delete nothing',
      { ...recorded, account: { kind: 'missing' }, spec: { deletionPolicy: 'Retain' }, isKeptNoted: () => false },
      { rule: 'vmIsToBeKept', step: 'removeFinalizer' },
    ],
    [
      'waits for its account when there is a VM to delete',
      { ...recorded, account: { kind: 'missing' } },
      { rule: 'accountIsAway', step: 'wait', ready: 'False DeleteFailed' },
    ],
    [
      'waits for the first list when there is a VM to delete',
      { ...recorded, account: accountOf({ snapshot: undefined }) },
      { rule: 'listIsMissing', step: 'wait', ready: 'False Deleting' },
    ],
    ['deletes its VM', listed, { rule: 'vmIsToBeDeleted', step: 'delete', phase: 'Deleting' }],
    ['deletes its VM even while it is paused', { ...listed, meta: { paused: true } }, { step: 'delete' }],
    [
      'deletes a VM that carries its mark, though nobody recorded it',
      { vms: [cloudVm('vm-7')] },
      { rule: 'vmIsToBeDeleted', step: 'delete' },
    ],
    [
      'deletes its VM though the list does not have it yet',
      { ...recorded, facts: { deployed: new Set(['vm-1']) } },
      { rule: 'vmIsToBeDeleted', step: 'delete' },
    ],
    [
      'deletes a VM whose status nobody knows',
      { ...recorded, vms: [cloudVm('vm-1', { state: 'unknown', providerStatus: 'Haunted' })] },
      { step: 'delete' },
    ],
    [
      'pauses after a delete call that failed',
      { ...listed, facts: { calls: new Map([['vm-1', { ...failedDelete, nextTryAt: now + minute }]]) } },
      { rule: 'vmIsToBeDeleted', step: 'wait', ready: 'False DeleteFailed' },
    ],
    [
      'asks meanwhile about a VM that the list lacks: the call may have been carried out',
      { ...recorded, facts: { ...pausing, deployed: new Set(['vm-1']) } },
      { rule: 'vmIsToBeDeleted', step: 'confirmGone', ready: 'False DeleteFailed' },
    ],
    [
      'asks no more often than once in the time for that',
      { ...recorded, facts: { ...pausing, deployed: new Set(['vm-1']), ...asked(second) } },
      { rule: 'vmIsToBeDeleted', step: 'wait' },
    ],
    [
      'asks again after it, however long the pause',
      { ...recorded, facts: { ...pausing, deployed: new Set(['vm-1']), ...asked(minute) } },
      { rule: 'vmIsToBeDeleted', step: 'confirmGone' },
    ],
    [
      'deletes again after that pause',
      { ...listed, facts: { calls: new Map([['vm-1', { ...failedDelete, nextTryAt: now }]]) } },
      { step: 'delete', ready: 'False DeleteFailed' },
    ],
    [
      'waits for a list after the delete call was confirmed',
      { ...recorded, ...deleted(500) },
      { rule: 'listStillHasIt', step: 'wait', ready: 'False Deleting' },
    ],
    [
      'waits while the list still has the VM',
      { ...listed, ...deleted(5 * second) },
      { rule: 'listStillHasIt', step: 'wait' },
    ],
    [
      'waits while the list has an entry for the VM that cannot be read',
      { ...recorded, ...deleted(5 * second), listed: { unreadable: new Set(['vm-1']) } },
      { rule: 'listStillHasIt', step: 'wait' },
    ],
    [
      'waits while the list lacks another VM whose deletion is under way, and asks nothing',
      { ...recorded, ...deleted(5 * second), listed: { isProvisional: true } },
      { rule: 'listStillHasIt', step: 'wait', ready: 'False Deleting' },
    ],
    [
      'and does not call that a failure, however long others are being deleted',
      { ...recorded, ...deleted(60 * minute), listed: { isProvisional: true } },
      { rule: 'listStillHasIt', step: 'wait', ready: 'False Deleting' },
    ],
    [
      'but calls it one while the list has the VM',
      { ...listed, ...deleted(60 * minute), listed: { isProvisional: true } },
      { rule: 'listStillHasIt', step: 'wait', ready: 'False DeleteFailed' },
    ],
    [
      'waits while the list is not to be believed, and asks the provider about the VM meanwhile',
      { ...recorded, ...deleted(5 * second), listed: distrusted },
      { rule: 'listStillHasIt', step: 'confirmGone', ready: 'False Deleting' },
    ],
    [
      'waits while the list is not to be believed, also when the provider has said that the VM is gone',
      { ...recorded, facts: { ...deleted(5 * second).facts, ...answered('gone', 2 * second) }, listed: distrusted },
      { rule: 'listStillHasIt', step: 'wait' },
    ],
    [
      'does not ask at once again about a VM that the provider still has',
      { ...recorded, facts: { ...deleted(5 * second).facts, ...answered('exists', 2 * second) }, listed: distrusted },
      { rule: 'listStillHasIt', step: 'wait' },
    ],
    [
      'asks again later about a VM that the provider still had',
      { ...recorded, facts: { ...deleted(5 * minute).facts, ...answered('exists', minute) }, listed: distrusted },
      { rule: 'listStillHasIt', step: 'confirmGone' },
    ],
    [
      'asks about each of its VMs while the list is distrusted, not only about the first one',
      {
        ...replaced,
        facts: { deletedAt: bothDeleted, ...answered('exists', 2 * second) },
        listed: distrusted,
      },
      { rule: 'listStillHasIt', step: 'confirmGone' },
    ],
    [
      'and does not ask again about the one when it has asked about the other',
      {
        ...replaced,
        facts: {
          deletedAt: bothDeleted,
          confirmations: answersOf(
            { vmId: 'vm-1', askedAt: now - 2 * second, answer: 'noAnswer' },
            { vmId: 'vm-0', askedAt: now - second, answer: 'noAnswer' },
          ),
        },
        listed: distrusted,
      },
      { rule: 'listStillHasIt', step: 'wait' },
    ],
    [
      'asks nothing while the list that is not to be believed has the VM',
      { ...listed, ...deleted(5 * second), listed: distrusted },
      { rule: 'listStillHasIt', step: 'wait' },
    ],
    [
      'says so when the list goes on having a VM that was deleted',
      { ...listed, ...deleted(20 * minute) },
      { rule: 'listStillHasIt', step: 'wait', ready: 'False DeleteFailed' },
    ],
    [
      'goes when a list requested after the delete call does not have the VM',
      { ...recorded, ...deleted(5 * second) },
      { rule: 'everythingIsGone', step: 'removeFinalizer' },
    ],
    [
      'goes when the list shows the VM as terminated',
      { ...recorded, ...deleted(5 * second), vms: [cloudVm('vm-1', { state: 'terminated' })] },
      { rule: 'everythingIsGone', step: 'removeFinalizer' },
    ],
    [
      'waits while a deployment is in doubt',
      { journal: { launch: uncertain } },
      { rule: 'launchIsStillUncertain', step: 'wait', ready: 'False CreateUncertain' },
    ],
    [
      'goes when the list shows that the VM of the deployment in doubt is over',
      { journal: { launch: uncertain }, vms: [cloudVm('vm-1', { state: 'terminated' })] },
      { rule: 'everythingIsGone', step: 'removeFinalizer' },
    ],
    [
      'waits while a deployment has no outcome because the process was killed',
      { journal: { launch: launchOf({ outcome: 'Pending', endedAt: undefined, intentAt: ago(second) }) } },
      { rule: 'launchIsStillUncertain', step: 'wait' },
    ],
    [
      'goes when two lists prove that the deployment in doubt made nothing',
      {
        journal: { launch: uncertain },
        facts: { absence: { launchName: markedName(1), firstAt: now - 3 * minute, latestAt: now - second } },
      },
      { rule: 'everythingIsGone', step: 'removeFinalizer' },
    ],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(deleting(seen))).toMatchObject(expected);
  });

  it('deletes every VM that is or may be its own, one after the other', () => {
    const vms = [cloudVm('vm-1'), cloudVm('vm-2', { name: markedName(2) })];
    expect(decided(deleting({ ...recorded, vms })).step).toMatchObject({ vmId: 'vm-1' });
    const facts = { deletedAt: new Map([['vm-1', now - second]]) };
    expect(decided(deleting({ ...recorded, vms, facts })).step).toMatchObject({ vmId: 'vm-2' });
  });

  it('asks for a list that is later than both the call and the last list', () => {
    const observation = deleting({ ...recorded, ...deleted(500), account: accountOf({ snapshot: snapshotOf([]) }) });
    expect(decided(observation).look?.snapshotAfter).toBe(now - 500);
  });
});
