import { describe, expect, it } from 'vitest';

import { cloudVm, minute, now, observeRunning, second, type Seen } from '../../../test/support/builders.ts';
import { briefOf, decided, type Brief } from '../../../test/support/verdicts.ts';
import type { CallFact } from './observation.ts';

const stopped = { vms: [cloudVm('vm-1', { state: 'stopped', providerStatus: 'Stopped' })] };
const released = { vms: [cloudVm('vm-1', { state: 'released', providerStatus: 'StoppedDisassociated' })] };

function called(call: CallFact['call'], agoMs: number, failure?: CallFact['failure']): Required<Seen>['facts'] {
  const endedAt = now - agoMs;
  const failures = failure === undefined ? 0 : 1;
  return { lastCall: { call, endedAt, failure, failures, nextTryAt: endedAt + 30 * second } };
}

const noRoom = { kind: 'noCapacity', message: 'not enough resources' } as const;
const noMoney = { kind: 'insufficientBalance', message: 'balance too low' } as const;
const noAnswer = { kind: 'unavailable', message: 'HTTP 502' } as const;

describe('the power state:', () => {
  it.each<[string, Seen, Partial<Brief>]>([
    ['a running VM that is to be stopped is stopped', { spec: { powerState: 'Stopped' } }, { step: 'stop' }],
    ['a running VM that is to be released is stopped', { spec: { powerState: 'Released' } }, { step: 'stop' }],
    ['a stopped VM that is to run is started', stopped, { rule: 'vmIsToBeStarted', step: 'start', phase: 'Starting' }],
    ['a released VM that is to run is started', released, { step: 'start' }],
    [
      'a stopped VM that is to be released is released',
      { ...stopped, spec: { powerState: 'Released' } },
      { rule: 'vmIsToBeStopped', step: 'stop' },
    ],
    [
      'a stopped VM that cannot be released as it is has to start first',
      { ...stopped, spec: { powerState: 'Released' }, facts: { releaseNeedsStart: true } },
      { rule: 'vmIsToBeStarted', step: 'start' },
    ],
    [
      'a released VM is good enough for Stopped',
      { ...released, spec: { powerState: 'Stopped' } },
      { step: 'wait', phase: 'Released', ready: 'False Released' },
    ],
    [
      'a stopped VM is as asked for Stopped',
      { ...stopped, spec: { powerState: 'Stopped' } },
      { rule: 'vmIsStoppedAsAsked', step: 'wait', ready: 'False Stopped' },
    ],
    [
      'a call is not repeated before a later list was read',
      { ...stopped, facts: called('start', 500) },
      { rule: 'powerCallIsNotInTheListYet', step: 'wait', phase: 'Starting' },
    ],
    [
      'a call that was accepted is given time to show',
      { ...stopped, facts: called('start', 30 * second) },
      { rule: 'powerCallIsTakingEffect', step: 'wait', phase: 'Starting' },
    ],
    [
      'a call that was accepted and shows nothing is made again',
      { ...stopped, facts: called('start', minute) },
      { rule: 'vmIsToBeStarted', step: 'start' },
    ],
    [
      'a call that failed is not repeated before its pause is over',
      { ...stopped, facts: called('start', 5 * second, noAnswer) },
      { rule: 'powerCallIsBackingOff', step: 'wait', ready: 'False PowerCallFailed' },
    ],
    [
      'a host without room is named, and the disk said to be safe',
      { ...released, facts: called('start', 5 * second, noRoom) },
      { rule: 'powerCallIsBackingOff', ready: 'False StartBlockedNoCapacity', phase: 'Released' },
    ],
    [
      'a balance that does not allow it is named',
      { ...stopped, facts: called('start', 5 * second, noMoney) },
      { rule: 'powerCallIsBackingOff', ready: 'False InsufficientBalance' },
    ],
    [
      'a call that failed is made again after its pause',
      { ...stopped, facts: called('start', 30 * second, noRoom) },
      { step: 'start' },
    ],
    [
      'a pause after a failed start does not hold a stop',
      { spec: { powerState: 'Stopped' }, facts: called('start', 5 * second, noAnswer) },
      { step: 'stop' },
    ],
    [
      'a paused resource starts nothing, and says that its VM does not run',
      { ...stopped, meta: { paused: true } },
      { rule: 'vmIsToBeStarted', step: 'wait', phase: 'Stopped', ready: 'False Stopped' },
    ],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observeRunning(seen))).toMatchObject(expected);
  });

  it.each([
    ['Stopped', false],
    ['Released', true],
  ])('%s asks the provider for release: %s', (powerState, release) => {
    expect(decided(observeRunning({ spec: { powerState } })).step).toEqual({ kind: 'stop', vmId: 'vm-1', release });
  });
});
