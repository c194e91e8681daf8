import { describe, expect, it } from 'vitest';

import {
  ago,
  answersOf,
  cloudVm,
  installation,
  launchOf,
  markedName,
  minute,
  noRivals,
  now,
  observe,
  observeRunning,
  recordedVm,
  second,
  uid,
  type Seen,
} from '../../../test/support/builders.ts';
import { briefOf, decided, type Brief } from '../../../test/support/verdicts.ts';
import { vmNameOf } from '../../api/vm-name.ts';
import type { RivalsView, VmObservation } from './observation.ts';

const victim = '11111111-1111-4111-8111-111111111111';
const theirs = cloudVm('vm-7', { name: markedName(1, victim) });
const elsewhere = cloudVm('vm-7', { name: vmNameOf({ installation: 'ffffffff', uid: victim, attempt: 1 }) });
const cloned = cloudVm('vm-7', { name: vmNameOf({ installation: 'ffffffff', uid, attempt: 1 }) });
const plain = cloudVm('vm-7', { name: 'by-hand' });
const alive: RivalsView = { ...noRivals, isAlive: (uid) => uid === victim };
const taken = (by: ReturnType<RivalsView['adopterOf']>): RivalsView => ({ ...noRivals, adopterOf: () => by });
const forged = { vm: recordedVm('vm-7'), launch: launchOf() };
const adopted = { vm: recordedVm('vm-7', { name: 'by-hand', adopted: true }) };

const dropped = { rule: 'statusIsOfSomebodyElse', step: 'record' };
const doubted = { rule: 'recordedVmIsDoubtful', step: 'wait', ready: 'False VmNotOurs' };
const shown = (ms: number): Required<Seen>['facts'] => ({
  confirmations: answersOf({ vmId: 'vm-7', askedAt: now - ms, answer: 'exists', name: 'by-hand' }),
});

function deleting(seen: Seen): VmObservation {
  return observe({ ...seen, meta: { deleting: true } });
}

describe('a status that names', () => {
  it.each<[string, Seen, Partial<Brief>]>([
    ["another resource's VM is not believed", { journal: forged, vms: [theirs], rivals: alive }, dropped],
    [
      "another resource's VM as one that was adopted is not believed",
      { journal: adopted, vms: [theirs], rivals: alive },
      dropped,
    ],
    ["another installation's VM is not believed", { journal: adopted, vms: [elsewhere] }, dropped],
    ['the VM of a resource that is gone is not believed', { journal: forged, vms: [theirs] }, dropped],
    [
      'a VM that another resource has adopted is not believed',
      { journal: adopted, vms: [plain], rivals: taken('other') },
      dropped,
    ],
    [
      'a VM by the record of another resource is not believed, as after a restore under a new UID',
      { journal: { vm: recordedVm('vm-7', { ownerUid: victim }) } },
      dropped,
    ],
    [
      'a VM by a name with the mark of another resource is not believed either where the record lacks its UID',
      { journal: { vm: recordedVm('vm-7', { ownerUid: undefined, name: markedName(1, victim) }) } },
      dropped,
    ],
    [
      'its own VM is believed where the record lacks its UID',
      { journal: { vm: recordedVm('vm-1', { ownerUid: undefined }), launch: launchOf() }, vms: [cloudVm('vm-1')] },
      { step: 'writeSecret' },
    ],
    [
      'a deployment of another resource is not waited for',
      { journal: { launch: launchOf({ name: markedName(1, victim), outcome: 'Pending', endedAt: undefined }) } },
      dropped,
    ],
    [
      'its own VM with the id of another installation is left alone, as in a cluster that was cloned',
      { journal: forged, vms: [cloned] },
      doubted,
    ],
    [
      'its own VM with the id of another installation is its own once somebody says so',
      { journal: forged, vms: [cloned], adoption: { vmId: 'vm-7' } },
      { phase: 'keep', step: 'writeSecret' },
    ],
    ['a VM that carries no mark and was not adopted is left alone', { journal: forged, vms: [plain] }, doubted],
    [
      'a VM without a mark that only the provider shows is left alone as well',
      { journal: forged, facts: shown(second) },
      doubted,
    ],
    [
      'a VM without a mark that only the provider shows is asked for again: a person may have deleted it',
      { journal: forged, facts: shown(minute) },
      { ...doubted, step: 'confirmGone' },
    ],
    [
      'a VM that two resources say they adopted is left alone',
      { journal: adopted, vms: [plain], rivals: taken('contested') },
      doubted,
    ],
    [
      'a VM that was adopted by the rules counts',
      { journal: adopted, vms: [plain], rivals: taken('self') },
      { phase: 'keep', step: 'writeSecret' },
    ],
    [
      'an adopted VM that a resource which is gone has made counts',
      { journal: adopted, vms: [theirs], rivals: taken('self') },
      { step: 'writeSecret' },
    ],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observe(seen))).toMatchObject(expected);
  });

  it('a VM that is not ours is not even shown', () => {
    const observation = observeRunning({ vms: [plain], journal: forged });
    expect(decided(observation)).toMatchObject({ rule: 'recordedVmIsDoubtful', stalled: true });
  });

  it('somebody else says so in an Event', () => {
    const { step } = decided(observe({ journal: forged, vms: [theirs], rivals: alive }));
    expect(step).toMatchObject({
      announcement: { type: 'Warning', reason: 'VmNotOurs', message: expect.stringContaining('vm-7') as string },
    });
  });

  it('no VM of this resource while its deployment was recorded as done: the list has to prove that there is none', () => {
    expect(briefOf(observe({ journal: { launch: launchOf() } }))).toMatchObject({
      rule: 'launchIsUncertain',
      step: 'wait',
    });
    const { step } = decided(observe({ journal: forged, vms: [theirs], rivals: alive }));
    expect(step).toMatchObject({ journal: { launch: { outcome: 'Uncertain' } } });
  });

  it('a VM that lost its mark can be given back to its resource by the annotation to adopt', () => {
    const seen: Seen = { journal: forged, vms: [plain], adoption: { vmId: 'vm-7' } };
    const { step } = decided(observe(seen));
    expect(step.kind === 'record' && step.journal.vm === undefined).toBe(true);
  });
});

describe('a resource that is being deleted with such a status', () => {
  it.each<[string, Seen, Partial<Brief>]>([
    ["forgets another resource's VM", { journal: forged, vms: [theirs], rivals: alive }, dropped],
    [
      'asks the provider about a VM that no list shows before it deletes anything',
      { journal: forged },
      { rule: 'recordedVmIsUnproven', step: 'confirmGone' },
    ],
    [
      "forgets another resource's VM that the provider shows when it is asked",
      {
        journal: forged,
        rivals: alive,
        facts: {
          confirmations: answersOf({
            vmId: 'vm-7',
            askedAt: now - second,
            answer: 'exists',
            name: markedName(1, victim),
          }),
        },
      },
      dropped,
    ],
    [
      'deletes its own VM that the provider shows when it is asked',
      {
        journal: forged,
        facts: {
          confirmations: answersOf({ vmId: 'vm-7', askedAt: now - second, answer: 'exists', name: markedName(1) }),
        },
      },
      { rule: 'vmIsToBeDeleted', step: 'delete' },
    ],
    [
      'asks again later when the provider did not answer',
      {
        journal: forged,
        facts: { confirmations: answersOf({ vmId: 'vm-7', askedAt: now - second, answer: 'noAnswer' }) },
      },
      { rule: 'recordedVmIsUnproven', step: 'wait' },
    ],
    [
      'deletes at once what this very process has deployed',
      { journal: forged, facts: { deployed: new Set(['vm-7']) } },
      { rule: 'vmIsToBeDeleted', step: 'delete' },
    ],
    [
      'waits for a person when the VM carries no mark',
      { journal: forged, vms: [plain] },
      { rule: 'doubtfulVmIsNotDeleted', step: 'wait', ready: 'False VmNotOurs' },
    ],
    [
      'waits for a person when the VM may be that of the cluster that this one was cloned from',
      { journal: forged, vms: [cloned] },
      { rule: 'doubtfulVmIsNotDeleted', step: 'wait', ready: 'False VmNotOurs' },
    ],
    [
      'leaves a contested VM to the other one',
      { journal: adopted, vms: [plain], rivals: taken('contested') },
      { rule: 'vmIsContested', step: 'removeFinalizer' },
    ],
    [
      'does not delete a VM that it says was too dear',
      { journal: { vm: recordedVm('vm-7'), launch: launchOf({ outcome: 'Overpriced' }) }, vms: [plain] },
      { rule: 'doubtfulVmIsNotDeleted', step: 'wait' },
    ],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(deleting(seen))).toMatchObject(expected);
  });
});

it('a VM that a status says was too dear is deleted only once the list shows that it is ours', () => {
  const journal = {
    vm: recordedVm('vm-7', { recordedAt: ago(minute) }),
    launch: launchOf({ outcome: 'Overpriced' as const }),
  };
  expect(briefOf(observe({ journal }))).toMatchObject({ step: 'confirmGone' });
  expect(briefOf(observe({ journal, vms: [cloudVm('vm-7')] }))).toMatchObject({ step: 'delete' });
  expect(vmNameOf({ installation, uid: victim, attempt: 1 })).toBe(theirs.name);
});
