import { describe, expect, it } from 'vitest';

import { cloudVm, installation, markedName, uid } from '../../../test/support/builders.ts';
import { vmNameOf } from '../../api/vm-name.ts';
import type { CloudVm } from '../../provider/contract.ts';
import { claims, standingOf, type Claimant, type Keeping, type Standing } from './standing.ts';

const other = '22222222-2222-4222-8222-222222222222';
const elsewhere = vmNameOf({ installation: 'ffffffff', uid, attempt: 1 });
const nothingKept: Keeping = { keepVms: [], keptVms: [] };
const retained: Keeping = {
  keepVms: [],
  keptVms: [{ uid, resource: 'GpuVm research/trainer', why: 'Retained', ids: ['vm-9'] }],
};

it.each<[string, Partial<CloudVm>, { isOwned?: boolean; keeping?: Keeping }, Standing]>([
  ['of a resource is managed', {}, { isOwned: true }, 'managed'],
  ['of a resource is managed also when it was to be kept', {}, { isOwned: true, keeping: retained }, 'managed'],
  ["with this installation's mark and no resource is unmanaged", {}, {}, 'unmanaged'],
  ['with the mark of another installation is foreign, whatever its UID', { name: elsewhere }, {}, 'foreign'],
  ['without a mark is foreign', { name: 'by-hand' }, {}, 'foreign'],
  ['whose name only begins like a mark is foreign', { name: `${markedName(1)}-copy` }, {}, 'foreign'],
  ['that is over is neither', { state: 'terminated' }, {}, 'over'],
  ['with the mark of a resource that left it behind is kept', {}, { keeping: retained }, 'kept'],
  [
    'that came late of a deployment in doubt is kept: it has the mark of a resource that was let go',
    { id: 'vm-late', name: markedName(2) },
    { keeping: retained },
    'kept',
  ],
  [
    'that was taken over, and left behind, is kept whatever mark it has',
    { id: 'vm-9', name: markedName(1, other) },
    { keeping: retained },
    'kept',
  ],
  ['with the mark of another resource is not', { name: markedName(1, other) }, { keeping: retained }, 'unmanaged'],
  ['that the account names is kept', {}, { keeping: { keepVms: ['vm-1'], keptVms: [] } }, 'kept'],
])('a VM %s', (_, vm, { isOwned = false, keeping = nothingKept }, expected) => {
  expect(standingOf(cloudVm('vm-1', vm), { installation, isOwned: () => isOwned, keeping })).toBe(expected);
});

describe('a resource', () => {
  const vm = { id: 'vm-1', name: markedName(1) };
  const adopter = (id: string): Claimant => ({ metadata: { uid: other, annotations: { 'gpuvm.dev/adopt': id } } });

  it.each<[string, Claimant, boolean]>([
    ['has to do with the VM that carries its mark', { metadata: { uid } }, true],
    ['has to do with one that it wants to take over', adopter('vm-1'), true],
    ['has nothing to do with others', adopter('vm-2'), false],
    ['has to do with one that its status records', { metadata: { uid: other }, status: { vm: { id: 'vm-1' } } }, true],
    [
      'has to do with one that its status records anywhere, in whatever shape: it may be damaged',
      { metadata: { uid: other }, status: { vm: 5, retiring: [[{ id: 'vm-1' }]] } },
      true,
    ],
    [
      'has nothing to do with one whose id is longer',
      { metadata: { uid: other }, status: { vm: { id: 'vm-12' } } },
      false,
    ],
    [
      'has nothing to do with one that is only spoken of in a sentence',
      { metadata: { uid: other }, status: { message: 'Dropped from the status: VM vm-1, "vm-1"' } },
      false,
    ],
  ])('%s', (_, object, expected) => {
    expect(claims(object, vm)).toBe(expected);
  });
});
