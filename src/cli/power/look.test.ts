import { expect, test } from 'vitest';

import { vmViewOf } from '../common/vm-view.ts';
import { lookAtMembers, lookAtPower, type PowerState } from './look.ts';

const spec = { gpu: { models: ['a4000'] }, vcpus: 4, memoryGB: 16, storageGB: 100 };

interface Case {
  readonly asked?: PowerState;
  readonly reason?: string;
  readonly isReady?: boolean;
  readonly observed?: number;
  readonly isStalled?: boolean;
  readonly deleting?: boolean;
  readonly wish?: PowerState;
  /** Reason for which Synced is False. */
  readonly unsynced?: string;
}

function look({
  asked,
  reason = 'Running',
  isReady = false,
  observed = 2,
  isStalled,
  deleting,
  wish,
  unsynced,
}: Case): string {
  const state = wish ?? 'Running';
  const time = { message: 'A sentence.', lastTransitionTime: '2026-06-01T12:00:00Z' };
  const conditions = [
    { type: 'Ready', status: isReady ? 'True' : 'False', reason, ...time },
    ...(unsynced === undefined ? [] : [{ type: 'Synced', status: 'False', reason: unsynced, ...time }]),
    ...(isStalled === true ? [{ type: 'Stalled', status: 'True', reason, ...time }] : []),
  ];
  const view = vmViewOf('GpuVm', {
    metadata: {
      ...{ name: 'trainer', uid: 'u', resourceVersion: '1', generation: 2 },
      ...(deleting === true ? { deletionTimestamp: '2026-06-01T12:00:00Z' } : {}),
    },
    spec: { ...spec, powerState: asked ?? state },
    status: { observedGeneration: observed, conditions },
  });
  const seen = lookAtPower(view, { state, generation: 2, program: 'gpuvm' });
  return seen.kind === 'done' ? 'done' : `${seen.kind}: ${seen.message}`;
}

test.each<[string, Case, string]>([
  ['a VM that is to run is there when it is Ready', { isReady: true }, 'done'],
  ['not by an older status', { isReady: true, observed: 1 }, 'waiting: waiting for the operator to see the change'],
  ['on its way it is waited for', { reason: 'Starting' }, 'waiting: Starting: A sentence.'],
  [
    'a full host is waited for, whatever it takes',
    { reason: 'StartBlockedNoCapacity', isStalled: true },
    'waiting: StartB',
  ],
  ['what somebody has to change is not', { reason: 'InvalidSpec', isStalled: true }, 'failed: InvalidSpec'],
  ['nor are the hours of its schedule', { reason: 'OffHours' }, 'failed: OffHours'],
  ['nor is a recharge', { reason: 'BalanceLow' }, 'failed: BalanceLow'],
  [
    'nor a Secret that the account lacks, whatever Ready says',
    { wish: 'Stopped', reason: 'Running', isReady: true, unsynced: 'CredentialsSecretNotFound' },
    'failed: CredentialsSecretNotFound: A sentence.',
  ],
  ['nor the end of a pause', { wish: 'Stopped', reason: 'Running', unsynced: 'Paused' }, 'failed: Paused'],
  [
    'a provider that is away comes back by itself',
    { reason: 'Starting', unsynced: 'ProviderUnavailable' },
    'waiting: Starting',
  ],
  ['one that is there already needs no account', { isReady: true, unsynced: 'InvalidCredentials' }, 'done'],
  ['one that is to be released is there when it is', { wish: 'Released', reason: 'Released' }, 'done'],
  ['not when it is merely stopped', { wish: 'Released', reason: 'Stopped' }, 'waiting: Stopped'],
  ['somebody else may ask for another state', { asked: 'Stopped' }, 'failed: somebody has asked for Stopped meanwhile'],
  ['or delete it', { deleting: true }, 'failed: gpuvm/trainer is being deleted'],
])('%s', (_what, seen, expected) => {
  expect(look(seen)).toContain(expected);
});

function member(name: string, asked: PowerState, reason: string, changes: object = {}): ReturnType<typeof vmViewOf> {
  const time = { message: 'A sentence.', lastTransitionTime: '2026-06-01T12:00:00Z' };
  return vmViewOf('GpuVm', {
    metadata: { name, uid: name, resourceVersion: '1', generation: 1, ...changes },
    spec: { ...spec, powerState: asked },
    status: { observedGeneration: 1, conditions: [{ type: 'Ready', status: 'False', reason, ...time }] },
  });
}

test.each<[string, ReturnType<typeof vmViewOf>[], string]>([
  [
    'are there when each of them is',
    [member('a', 'Released', 'Released'), member('b', 'Released', 'Released')],
    'done',
  ],
  [
    'are waited for while one of them is on its way',
    [member('a', 'Released', 'Released'), member('b', 'Released', 'Stopping')],
    'waiting',
  ],
  ['are waited for while the pool has not asked one of them', [member('a', 'Running', 'Running')], 'waiting'],
  ['that are being deleted do not count', [member('a', 'Running', 'Deleting', { deletionTimestamp: 'x' })], 'done'],
])('members of a pool %s', (_what, members, kind) => {
  expect(lookAtMembers(members, { state: 'Released', program: 'gpuvm' }).kind).toBe(kind);
});
