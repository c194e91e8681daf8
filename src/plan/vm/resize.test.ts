import { describe, expect, it } from 'vitest';

import {
  accountOf,
  ago,
  cloudVm,
  hostOf,
  launchOf,
  minute,
  now,
  observeRunning,
  offersOf,
  recordedVm,
  second,
  sizeOf,
  snapshotOf,
  type Seen,
} from '../../../test/support/builders.ts';
import { briefOf, decided, type Brief } from '../../../test/support/verdicts.ts';
import { conditionOf } from '../../api/conditions.ts';
import { money } from '../../lib/money.ts';
import type { Host } from '../../provider/contract.ts';
import type { OffersView } from './observation.ts';
import { statusOfVm } from './status.ts';

const running = cloudVm('vm-1');
const stopped = cloudVm('vm-1', { state: 'stopped', providerStatus: 'Stopped' });
const grow = { spec: { vcpus: 8 } };

/** The VM, and what the inventory says of its host. */
function on(vm: typeof running, host: Partial<Host> = {}, offers: Partial<OffersView> = {}): Seen {
  const account = accountOf({ snapshot: snapshotOf([vm]), offers: offersOf([hostOf('host-1', host)], offers) });
  return { account };
}

const dearer: Partial<Host> = { vcpus: { ...hostOf('host-1').vcpus, price: money('0.5') } };
const full: Partial<Host> = { vcpus: { ...hostOf('host-1').vcpus, available: 2 } };
const call = (kind: 'stop' | 'modify', ms: number): Required<Seen>['facts'] => ({
  lastCall: { call: kind, endedAt: now - ms, failure: undefined, failures: 0, nextTryAt: now - ms },
});
const asked = (ms: number, vcpus = 8): Pick<Seen, 'journal'> => ({
  journal: {
    vm: recordedVm('vm-1'),
    launch: launchOf(),
    resize: { to: sizeOf({ vcpus }), outcome: 'Pending', askedAt: ago(ms) },
  },
});
const eight = { ...stopped, size: sizeOf({ vcpus: 8 }) };
const refused = {
  journal: {
    vm: recordedVm('vm-1'),
    launch: launchOf(),
    resize: { to: sizeOf({ vcpus: 8 }), outcome: 'Refused', message: 'It does not want to.' },
  },
} as const;

describe('another size:', () => {
  it.each<[string, Seen, Partial<Brief>]>([
    ['a running VM is stopped first', { ...on(running), ...grow }, { rule: 'vmHasAnotherSize', step: 'stop' }],
    ['a stopped VM is changed', { ...on(stopped), ...grow }, { rule: 'vmHasAnotherSize', step: 'modify' }],
    [
      'a VM is not stopped for what its host has no room for',
      { ...on(running, full), ...grow },
      { rule: 'vmRuns', step: 'wait', ready: 'True Running' },
    ],
    [
      'a VM is not stopped for what would cost more than allowed',
      { ...on(running), spec: { vcpus: 8, maxHourlyPrice: '0.20' } },
      { rule: 'vmRuns', ready: 'True Running' },
    ],
    [
      'a VM is not stopped by an old inventory',
      { ...on(running, {}, { fresh: false }), ...grow },
      { rule: 'vmRuns', step: 'wait' },
    ],
    [
      'a VM is not stopped again for a size that was refused',
      { ...on(running), ...grow, ...refused },
      { rule: 'vmRuns', ready: 'True Running' },
    ],
    [
      'a stopped VM waits for a fresh inventory rather than start in its old size',
      { ...on(stopped, {}, { fresh: false }), ...grow },
      { rule: 'vmIsStoppedBeforeItsResize', step: 'wait', phase: 'Resizing' },
    ],
    [
      'a stopped VM starts in its old size when there is no inventory to be had',
      { ...on(stopped, {}, { fresh: false, failure: { kind: 'unavailable', message: 'HTTP 502' } }), ...grow },
      { rule: 'vmIsToBeStarted', step: 'start' },
    ],
    ['a smaller size needs no room', { ...on(running, full), spec: { vcpus: 2 } }, { step: 'stop' }],
    [
      'a VM is not stopped for a smaller size by an old inventory: its host may have become dearer',
      { ...on(running, {}, { fresh: false }), spec: { vcpus: 2 } },
      { rule: 'vmRuns', step: 'wait' },
    ],
    [
      'a VM is not stopped for a smaller size that would cost more than allowed by what its host asks now',
      { ...on(running, dearer), spec: { vcpus: 2, maxHourlyPrice: '0.20' } },
      { rule: 'vmRuns', step: 'wait', ready: 'True Running' },
    ],
    [
      'a stop that was accepted is given time to show',
      { ...on(running), ...grow, facts: call('stop', 30 * second) },
      { rule: 'vmHasAnotherSize', step: 'wait', ready: 'False Resizing' },
    ],
    [
      'a change is not followed by another before a later list was read',
      { ...on(stopped), ...grow, facts: call('modify', 500) },
      { rule: 'vmHasAnotherSize', step: 'wait' },
    ],
    [
      'a change that was asked for, and shows, is this resource’s own, also when its user wants the old size by now',
      { ...on(eight), ...asked(5 * second) },
      { rule: 'resizeHasTakenEffect', step: 'record', ready: 'keep' },
    ],
    [
      'a change that was asked for is asked for again while it does not show, and is wanted',
      { ...on(stopped), ...asked(5 * second), ...grow },
      { rule: 'vmHasAnotherSize', step: 'modify' },
    ],
    [
      'a change that nobody wants any more is waited for while it may yet show',
      { ...on(stopped), ...asked(3 * minute) },
      { rule: 'vmIsToBeStarted' },
    ],
    [
      'one that was given up after calls without an answer has taken effect after all',
      { ...on(eight), ...grow, ...refused },
      { rule: 'resizeHasTakenEffect', step: 'record' },
    ],
    [
      'also by a process that came after it was asked for, whoever has a clock that is behind',
      { ...on(stopped), ...asked(60 * minute), facts: { vmSeenAt: now - 3 * minute } },
      { rule: 'vmIsToBeStarted' },
    ],
    [
      'and forgotten once it would: who changes the size after that is somebody else',
      { ...on(stopped), ...asked(4 * minute), facts: { vmSeenAt: now - 4 * minute } },
      { rule: 'resizeIsOver', step: 'record', ready: 'keep' },
    ],
    ['a VM is not resized while it is paused', { ...on(running), ...grow, meta: { paused: true } }, { step: 'wait' }],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observeRunning(seen))).toMatchObject(expected);
  });

  it.each<[string, Seen, string]>([
    ['a VM as asked', on(running), 'True SizeMatches'],
    ['a resize to come', { ...on(running), ...grow }, 'False ResizePending'],
    ['a full host', { ...on(running, full), ...grow }, 'False ResizeNoCapacity'],
    [
      'a price above the cap',
      { ...on(running), spec: { vcpus: 8, maxHourlyPrice: '0.20' } },
      'False ResizeOverPriceCap',
    ],
    ['a refusal', { ...on(running), ...grow, ...refused }, 'False ResizeRefused'],
    ['a size that somebody else changed', on({ ...running, size: sizeOf({ vcpus: 6 }) }), 'False Drifted'],
    [
      'a size that we changed ourselves and the list does not show yet',
      { ...on({ ...running, size: sizeOf({ vcpus: 6 }) }), facts: call('modify', 500) },
      'True SizeMatches',
    ],
  ])('UpToDate tells of %s', (_, seen, expected) => {
    const observation = observeRunning(seen);
    const condition = conditionOf(statusOfVm(observation, decided(observation)).conditions, 'UpToDate');
    expect(`${condition?.status ?? ''} ${condition?.reason ?? ''}`).toBe(expected);
  });

  it('keeps the model that the VM has while the preference list has it', () => {
    const gpu = { models: ['h100', 'a4000'], count: 1 };
    expect(briefOf(observeRunning({ ...on(running), spec: { gpu } }))).toMatchObject({ rule: 'vmRuns' });
  });

  it('looks at the hosts again while there is no room', () => {
    expect(decided(observeRunning({ ...on(running, full), ...grow })).look).toMatchObject({ inMs: 30 * second });
    expect(decided(observeRunning({ ...on(running, full, { fresh: false }), ...grow })).look).toMatchObject({
      hosts: true,
    });
  });
});
