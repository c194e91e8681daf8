import { describe, expect, it } from 'vitest';

import {
  accountOf,
  ago,
  cloudVm,
  launchOf,
  minute,
  now,
  observe,
  observeRunning,
  priceOf,
  recordedVm,
  snapshotOf,
  type Seen,
} from '../../../test/support/builders.ts';
import { problemsOfVmStatus } from '../../../test/support/status-check.ts';
import { decided } from '../../../test/support/verdicts.ts';
import { conditionOf, type ConditionType } from '../../api/conditions.ts';
import type { GpuVmStatus } from '../../api/gpu-vm.ts';
import type { VmObservation } from './observation.ts';
import { statusAfterFailure, statusOfVm } from './status.ts';

function statusFor(observation: VmObservation): GpuVmStatus {
  return statusOfVm(observation, decided(observation));
}

function told(status: GpuVmStatus, type: ConditionType): string | undefined {
  const condition = conditionOf(status.conditions, type);
  return condition === undefined ? undefined : `${condition.status} ${condition.reason}`;
}

describe('the status of a VM that runs', () => {
  it('says what it is, where it is, how to reach it and what it costs', () => {
    expect(statusFor(observeRunning())).toMatchObject({
      observedGeneration: 3,
      phase: 'Running',
      gpu: '1x a4000',
      location: 'Winnipeg, Canada',
      address: '203.0.113.10',
      user: 'user',
      ports: [{ name: 'ssh', internal: 22, external: 30_001 }],
      ssh: 'ssh -p 30001 user@203.0.113.10',
      connectionSecretName: 'trainer-connection',
      hourlyPrice: { running: '0.199', storage: '0.01', billedNow: '0.199' },
      vm: { id: 'vm-1', providerStatus: 'Running' },
      launch: { outcome: 'Launched' },
    });
  });

  it('is the same when it is made again from itself: nothing is written while nothing changes', () => {
    const first = statusFor(observeRunning());
    const later = observeRunning({
      status: first,
      now: now + 10 * minute,
      journal: { vm: first.vm, launch: first.launch },
    });
    expect(statusFor(later)).toEqual(first);
  });

  it('keeps what was seen last while the VM cannot be seen', () => {
    const status = statusFor(observeRunning());
    const account = { kind: 'notReady', reason: 'CredentialsSecretNotFound', message: 'no Secret.' } as const;
    const unseen = statusFor(observeRunning({ status, account }));
    expect(unseen).toMatchObject({ phase: 'Running', address: '203.0.113.10', gpu: '1x a4000' });
    expect([told(unseen, 'Ready'), told(unseen, 'Synced')]).toEqual([
      'True Running',
      'False CredentialsSecretNotFound',
    ]);
  });

  it('forgets what was seen when the VM is lost', () => {
    const before = statusFor(observeRunning());
    const launch = launchOf({ outcome: 'Lost', failures: 1, endedAt: ago(0) });
    const status = statusFor(observe({ status: before, journal: { launch } }));
    for (const field of ['vm', 'address', 'gpu', 'ports', 'ssh', 'hourlyPrice'])
      expect(status).not.toHaveProperty(field);
  });
});

describe('a VM whose end could not be written yet', () => {
  const before = statusFor(observeRunning());
  const launch = launchOf({ outcome: 'Lost', failures: 1, endedAt: ago(0) });

  const keeps = { rule: 'any', step: { kind: 'wait' }, phase: 'keep', ready: 'keep' } as const;

  it('is not said to run by what keeps the status as it is, such as a pause', () => {
    const status = statusOfVm(observe({ status: before, journal: { launch } }), keeps);
    expect([status.phase, told(status, 'Ready')]).toEqual(['Lost', 'False VmLost']);
    const paused = statusFor(observe({ status: before, journal: { launch }, meta: { paused: true } }));
    expect(told(paused, 'Ready')).toBe('False VmLost');
  });

  it('is still spoken of as it was while it is on its way out', () => {
    const retiring = [{ ...recordedVm('vm-1'), retiredAt: ago(0) }];
    const status = statusOfVm(observe({ status: before, journal: { retiring } }), keeps);
    expect([status.phase, told(status, 'Ready')]).toEqual(['Running', 'True Running']);
  });

  it('is not said to be gone where its record was copied from another resource', () => {
    const copied = { ...before, vm: { ...before.vm!, ownerUid: 'somebody-else' } };
    expect(statusOfVm(observe({ status: copied }), keeps).phase).toBe('Running');
  });
});

describe('what is billed now', () => {
  it.each([
    ['running', '0.199'],
    ['stopped', '0.199'],
    ['released', '0.01'],
  ] as const)('for a VM that is %s is $%s', (state, billedNow) => {
    const spec = { powerState: { running: 'Running', stopped: 'Stopped', released: 'Released' }[state] };
    const vms = [cloudVm('vm-1', { state, price: priceOf('0.199') })];
    expect(statusFor(observeRunning({ vms, spec })).hourlyPrice?.billedNow).toBe(billedNow);
  });

  it('is not said while nobody knows the price', () => {
    expect(statusFor(observeRunning({ vms: [cloudVm('vm-1', { price: undefined })] }))).not.toHaveProperty(
      'hourlyPrice',
    );
  });
});

describe('conditions', () => {
  it.each<[string, VmObservation, Partial<Record<ConditionType, string | undefined>>]>([
    [
      'a VM that works: no kstatus conditions',
      observeRunning(),
      { Ready: 'True Running', Synced: 'True ReconcileSuccess', Launched: 'True VmExists', Reconciling: undefined },
    ],
    [
      'a launch to come is Reconciling',
      observe(),
      { Launched: 'Unknown NotLaunched', Reconciling: 'True Launching', Stalled: undefined },
    ],
    [
      'an invalid spec is Stalled',
      observe({ specProblem: 'vcpus: odd' }),
      { Stalled: 'True InvalidSpec', Reconciling: undefined },
    ],
    [
      'a VM stopped as asked is neither',
      observeRunning({ spec: { powerState: 'Stopped' }, vms: [cloudVm('vm-1', { state: 'stopped' })] }),
      { Ready: 'False Stopped', Reconciling: undefined, Stalled: undefined },
    ],
    [
      'a launch in doubt is not said to have failed',
      observe({ journal: { launch: launchOf({ outcome: 'Uncertain' }) } }),
      { Launched: 'Unknown CreateUncertain' },
    ],
    [
      'a launch that was refused is said to have failed',
      observe({ journal: { launch: launchOf({ outcome: 'Refused' }) } }),
      { Launched: 'False NotLaunched' },
    ],
    [
      'a pause shows in Synced',
      observeRunning({ meta: { paused: true } }),
      { Ready: 'True Running', Synced: 'False Paused' },
    ],
    ['Reachable is absent without a probe', observeRunning(), { Reachable: undefined }],
    [
      'Reachable is there from the beginning with a probe',
      observe({ spec: { readinessProbe: { tcpSocket: { port: 'ssh' } } } }),
      { Reachable: 'Unknown ProbePending' },
    ],
  ])('%s', (_, observation, expected) => {
    const status = statusFor(observation);
    for (const [type, words] of Object.entries(expected)) expect(told(status, type as ConditionType)).toBe(words);
  });

  it('a failed poll does not change Ready', () => {
    const seen: Seen = { journal: { vm: recordedVm('vm-1'), launch: launchOf() } };
    const status = statusFor(observeRunning(seen));
    const failed = observeRunning({ ...seen, status, vms: [cloudVm('vm-1')] });
    const account = failed.account;
    if (account.kind !== 'ready') throw new Error('the account is ready');
    const pollFailure = { kind: 'unavailable', message: 'HTTP 502', since: now, consecutive: 3 };
    expect(told(statusFor({ ...failed, account: { ...account, pollFailure } }), 'Ready')).toBe('True Running');
  });

  it('the transition time moves with the status only, not with reason or message', () => {
    const before = statusFor(observe());
    const later = statusFor(observe({ now: now + minute, status: before, meta: { generation: 4 } }));
    const changed = statusFor(observeRunning({ now: now + minute, status: before }));
    expect(conditionOf(later.conditions, 'Ready')?.lastTransitionTime).toBe('2026-06-01T12:00:00Z');
    expect(conditionOf(changed.conditions, 'Ready')?.lastTransitionTime).toBe('2026-06-01T12:01:00Z');
  });
});

describe('a list that could not be read', () => {
  const failing = (ms: number): Seen => ({
    account: accountOf({
      snapshot: snapshotOf([cloudVm('vm-1')]),
      pollFailure: { kind: 'unavailable', message: 'HTTP 502', since: now - ms, consecutive: 9 },
    }),
  });

  it('is no word in the status of a VM for two minutes', () => {
    const observation = observeRunning(failing(minute));
    expect(told(statusFor(observation), 'Synced')).toBe('True ReconcileSuccess');
    expect(decided(observation).look?.inMs).toBe(minute);
  });

  it('is then said in Synced, and is no news about the VM', () => {
    const status = statusFor(observeRunning(failing(2 * minute)));
    expect([told(status, 'Synced'), told(status, 'Ready')]).toEqual(['False ProviderUnavailable', 'True Running']);
    expect(conditionOf(status.conditions, 'Synced')?.message).toContain('since 2026-06-01T11:58:00Z: HTTP 502');
  });

  it('is not said instead of what else is in the way', () => {
    const observation = observeRunning({ ...failing(5 * minute), meta: { paused: true } });
    expect(told(statusFor(observation), 'Synced')).toBe('False Paused');
  });
});

describe('a reconcile that failed', () => {
  const failure = { message: 'The API server refused it.', now, generation: 4 };

  it('leaves what was said as it is, but for Synced', () => {
    const before = statusFor(observeRunning());
    const after = statusAfterFailure(before, failure);
    expect(told(after, 'Synced')).toBe('False ReconcileFailed');
    expect({ ...after, conditions: [] }).toEqual({ ...before, conditions: [] });
    expect(problemsOfVmStatus(after, { before, generation: 3, now })).toEqual([]);
    expect(statusAfterFailure(after, { ...failure, now: now + minute })).toEqual(after);
  });

  it('speaks of the generation that its conditions speak of, also when somebody has edited the status', () => {
    const { observedGeneration, ...before } = statusFor(observeRunning());
    const after = statusAfterFailure(before, failure);
    expect([observedGeneration, after.observedGeneration]).toEqual([3, 3]);
    expect(problemsOfVmStatus(after, { before, generation: 3, now })).toEqual([]);
  });

  it('is told of also when it was the first one', () => {
    const after = statusAfterFailure({}, failure);
    expect([told(after, 'Ready'), told(after, 'Synced')]).toEqual(['Unknown Pending', 'False ReconcileFailed']);
    expect(problemsOfVmStatus(after, { generation: 4, now })).toEqual([]);
  });
});
