import { expect, it } from 'vitest';

import {
  ago,
  cloudVm,
  launchOf,
  minute,
  noRivals,
  observe,
  observeRunning,
  sizeOf,
  uid,
  type Seen,
} from '../../../test/support/builders.ts';
import { briefOf, decided, type Brief } from '../../../test/support/verdicts.ts';
import { vmNameOf } from '../../api/vm-name.ts';
import { unlimited } from '../budget/spending.ts';

const adoption = { vmId: 'vm-5' };
const living = uid.replace('0', '1');
const theirs = cloudVm('vm-5', { name: 'by-hand' });

it.each<[string, Seen, Partial<Brief>]>([
  [
    'a VM that the annotation names is taken over',
    { adoption, vms: [theirs] },
    { rule: 'vmIsToBeAdopted', step: 'record' },
  ],
  [
    'a VM is not taken over by a namespace that may have none, nor is it told whether there is such a VM',
    {
      adoption,
      vms: [theirs],
      spend: { ...unlimited, ban: { reason: 'NamespaceNotAllowed', message: 'Not here.', always: false } },
    },
    { step: 'wait', ready: 'False NamespaceNotAllowed' },
  ],
  [
    'nothing is deployed while the annotation names a VM that is not there',
    { adoption },
    { step: 'wait', ready: 'False AdoptionVmNotFound' },
  ],
  [
    'a VM that is listed as over is not taken over',
    { adoption, vms: [{ ...theirs, state: 'terminated' }] },
    { step: 'wait', ready: 'False AdoptionVmNotFound' },
  ],
  [
    'a VM of another resource is not taken over',
    { adoption, vms: [theirs], rivals: { ...noRivals, adopterOf: () => 'other' } },
    { step: 'wait', ready: 'False AdoptionRefused' },
  ],
  [
    'a VM of another resource that has not recorded it yet is not taken over',
    {
      adoption,
      vms: [cloudVm('vm-5', { name: vmNameOf({ installation: '1a2b3c4d', uid: living, attempt: 1 }) })],
      rivals: { ...noRivals, isAlive: (who) => who === living },
    },
    { step: 'wait', ready: 'False AdoptionRefused' },
  ],
  [
    'a VM of another installation is not taken over',
    {
      adoption,
      vms: [cloudVm('vm-5', { name: vmNameOf({ installation: 'ffffffff', uid: uid.replace('0', '1'), attempt: 1 }) })],
    },
    { step: 'wait', ready: 'False AdoptionRefused' },
  ],
  [
    'a VM that a resource of this installation left behind is taken over',
    {
      adoption,
      vms: [cloudVm('vm-5', { name: vmNameOf({ installation: '1a2b3c4d', uid: uid.replace('0', '1'), attempt: 1 }) })],
    },
    { step: 'record' },
  ],
  [
    'a spot VM is not taken over',
    { adoption, vms: [{ ...theirs, type: 'spot' }] },
    { step: 'wait', ready: 'False AdoptionRefused' },
  ],
  [
    'a VM of another size is not taken over',
    { adoption, vms: [{ ...theirs, size: sizeOf({ vcpus: 8 }) }] },
    { step: 'wait', ready: 'False AdoptionMismatch' },
  ],
  [
    'a deployment in doubt is settled before a VM is taken over',
    { adoption, vms: [theirs], journal: { launch: launchOf({ outcome: 'Uncertain', endedAt: ago(minute) }) } },
    { rule: 'launchIsUncertain', step: 'wait' },
  ],
])('%s', (_, seen, expected) => {
  expect(briefOf(observe(seen))).toMatchObject(expected);
});

it('the annotation means nothing to a resource that has its VM', () => {
  expect(briefOf(observeRunning({ adoption }))).toMatchObject({ rule: 'vmRuns', ready: 'True Running' });
});

it('the record says that the VM was taken over, and its size is the one that it has', () => {
  expect(decided(observe({ adoption, vms: [theirs] })).step).toMatchObject({
    journal: { vm: { id: 'vm-5', name: 'by-hand', adopted: true, applied: sizeOf() } },
    announcement: { reason: 'Adopted' },
  });
});

it('a mismatch is told part by part', () => {
  const vms = [{ ...theirs, size: sizeOf({ vcpus: 8, storageGB: 200 }) }];
  expect(decided(observe({ adoption, vms })).ready).toMatchObject({
    message: expect.stringMatching(/vCPUs 8 instead of 4, GB storage 200 instead of 100/) as string,
  });
});
