import { describe, expect, it } from 'vitest';

import {
  accountOf,
  cloudVm,
  installation,
  markedName,
  minute,
  now,
  observe,
  observeSpot,
  second,
  uid,
  type Seen,
} from '../../../test/support/builders.ts';
import { briefOf, decided, type Brief } from '../../../test/support/verdicts.ts';
import { gpuVmStatusSchema } from '../../api/gpu-vm.ts';
import type { VmStatus } from '../../api/vm.ts';
import type { VmFacts } from './observation.ts';
import { forgottenLaunch, isEmptied } from './forgotten.ts';
import { statusOfVm } from './status.ts';

const launch = forgottenLaunch({ installation, uid, now: now - 10 * minute });
const journal = { launch };
const proof = {
  launchSeenAt: now - 10 * minute,
  absence: { launchName: launch.name, firstAt: now - 5 * minute, latestAt: now - second },
};

/** What is written first of a new resource, whatever it waits for. */
function firstStatus(seen: Seen = {}): VmStatus {
  const observation = observe(seen);
  return statusOfVm(observation, decided(observation));
}

describe('a status without a VM and without a deployment', () => {
  it.each<[string, VmStatus]>([
    ['there was none', firstStatus({ spec: { powerState: 'Stopped' } })],
    ['there was none, for want of an account', firstStatus({ account: { kind: 'missing' } })],
    ['there was none, for an invalid spec', firstStatus({ specProblem: 'The spec is not valid.' })],
  ])('that the operator has written says that %s', (_, status) => {
    expect(isEmptied(status)).toBe(false);
  });

  it.each<[string, VmStatus]>([
    ['nothing else', {}],
    ['conditions', { ...firstStatus(), conditions: [] }],
    ['what it said of an intent', { ...firstStatus({ journal }), launch: undefined }],
    [
      'what it said of a failure alone',
      { conditions: firstStatus().conditions?.filter(({ type }) => type === 'Synced') },
    ],
  ])('that has lost %s was emptied', (_, status) => {
    expect(isEmptied(status)).toBe(true);
  });
});

describe('a launch that is forgotten', () => {
  it('fits into the status', () => {
    const status = firstStatus({ journal });
    expect(gpuVmStatusSchema.parse(status).launch).toEqual(launch);
    expect(status.conditions?.find(({ type }) => type === 'Launched')).toMatchObject({
      status: 'Unknown',
      reason: 'CreateUncertain',
    });
  });

  it.each<[string, Seen, Partial<Brief>]>([
    ['lets nothing be deployed', {}, { rule: 'launchIsUncertain', step: 'wait', ready: 'False CreateUncertain' }],
    [
      'ends with a VM of the resource, whichever deployment made it',
      { vms: [cloudVm('vm-3', { name: markedName(3) })] },
      { rule: 'markedVmIsNotRecorded', step: 'record' },
    ],
    [
      'goes on while the list has an old VM of the resource that is over',
      { vms: [cloudVm('vm-1', { state: 'terminated' })] },
      { rule: 'launchIsUncertain', step: 'wait' },
    ],
    ['ends when two lists prove that there is no VM', { facts: proof }, { rule: 'launchIsUncertain', step: 'record' }],
    ['lets no resource go', { meta: { deleting: true } }, { rule: 'launchIsStillUncertain', step: 'wait' }],
    [
      'lets a resource go when two lists prove that there is no VM',
      { meta: { deleting: true }, facts: proof },
      { rule: 'everythingIsGone', step: 'removeFinalizer' },
    ],
    [
      'lets no resource go whose account is refused',
      {
        meta: { deleting: true },
        account: { kind: 'notReady', reason: 'InvalidCredentials', message: 'the key is refused.' },
      },
      { rule: 'accountIsAway', step: 'wait' },
    ],
    [
      'lets a resource go whose account does not exist',
      { meta: { deleting: true }, account: { kind: 'missing' } },
      { rule: 'nothingCanBeListed', step: 'removeFinalizer' },
    ],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observe({ journal, ...seen }))).toMatchObject(expected);
  });

  it('counts for no failure, and the first deployment comes at once when it has ended', () => {
    const { step } = decided(observe({ journal, facts: proof }));
    if (step.kind !== 'record') throw new Error(step.kind);
    expect(step.journal.launch).toMatchObject({ attempt: 0, outcome: 'Absent', failures: 0 });
    expect(decided(observe({ journal: step.journal })).step).toMatchObject({
      kind: 'launch',
      plan: { attempt: 1, name: markedName(1) },
    });
  });

  it('is recorded under the attempt of the VM that was found, as far as the list tells of it', () => {
    const { step } = decided(observe({ journal, vms: [cloudVm('vm-3', { name: markedName(3) })] }));
    if (step.kind !== 'record') throw new Error(step.kind);
    expect(step.journal.launch).toMatchObject({
      attempt: 3,
      name: markedName(3),
      hostnode: 'host-1',
      outcome: 'Launched',
    });
  });

  it.each<[string, Partial<VmFacts>, Partial<Brief>]>([
    ['is waited for as long as', {}, { rule: 'launchIsUncertain', step: 'wait' }],
    ['is taken for the last one once two lists prove that', proof, { rule: 'markedVmIsNotRecorded', step: 'record' }],
  ])('of a spot VM %s no list may lack a later one', (_, facts, expected) => {
    const vms = [cloudVm('vm-1', { name: markedName(1), type: 'spot', state: 'outbid' })];
    expect(briefOf(observeSpot({ journal, facts, vms }))).toMatchObject(expected);
  });

  it('says to people what is the matter', () => {
    expect(decided(observe({ journal })).ready).toMatchObject({
      message: expect.stringMatching(/^The status does not say any more whether a VM has been deployed\. /) as string,
    });
    expect(decided(observe({ journal, account: accountOf(), meta: { deleting: true } })).ready).toMatchObject({
      message: expect.stringContaining('The status does not say any more') as string,
    });
  });
});
