import { expect, it } from 'vitest';

import { minute, now, uid } from '../../../test/support/builders.ts';
import { vmNameOf } from '../../api/vm-name.ts';
import { plain } from '../common/io.ts';
import { renderUnmanaged } from './render.ts';
import { refusalOf, type UnmanagedView, type VmLine } from './view.ts';

const line = (id: string, changes: Partial<VmLine> = {}): VmLine => ({
  ...{ id, name: `name-of-${id}`, standing: 'unmanaged', status: 'Running', gpu: '1x v100-pcie-16gb' },
  ...{ location: 'Winnipeg, Canada', hourly: '0.2', resource: undefined, kept: undefined, since: undefined },
  ...{ goesInMs: undefined, isBeingDeleted: false, message: undefined },
  ...changes,
});

function rendered(lines: readonly VmLine[], all = false): readonly string[] {
  const view: UnmanagedView = { installation: '1a2b3c4d', ofCluster: '1a2b3c4d', areAccountsKnown: true, lines };
  return renderUnmanaged(view, { now, paint: plain, program: 'gpuvm', all });
}

const managed = line('vm-m', { standing: 'managed', resource: 'GpuVm research/trainer' });
const foreign = line('vm-f', { standing: 'foreign' });
const kept = line('vm-k', { standing: 'kept', kept: 'Retained: GpuVm research/old' });

it('where every VM has a resource or is of others, that is said in one line', () => {
  expect(rendered([managed, foreign])).toEqual([
    'Every VM of this installation (1a2b3c4d) has a resource, or was to be kept. There are: 1 of resources, 1 of others.',
  ]);
});

it('another installation is not called this one, and its own VMs are told from those of others', () => {
  const own = line('vm-o', { standing: 'foreign', name: vmNameOf({ installation: '1a2b3c4d', uid, attempt: 1 }) });
  const view = { ofCluster: '1a2b3c4d', areAccountsKnown: true, installation: '12345678' };
  const look = { now, paint: plain, program: 'gpuvm', all: false };
  expect(renderUnmanaged({ ...view, lines: [managed, foreign, own] }, look)).toEqual([
    'Every VM of installation 12345678 has a resource, or was to be kept. There are: 1 of resources, 1 with the mark of this cluster (1a2b3c4d) and without a resource, 1 of others.',
  ]);
});

it('VMs without a resource come with what becomes of them, and with what to do', () => {
  const since = new Date(now - 50 * minute).toISOString();
  const going = line('vm-1', { since, goesInMs: 10 * minute });
  const stuck = line('vm-2', { since, isBeingDeleted: true, message: 'It could not be deleted' });
  expect(rendered([foreign, kept, managed, going, stuck])).toEqual([
    'ID     STATUS    GPU                 LOCATION           $/H     SEEN   WHOSE',
    "vm-1   Running   1x v100-pcie-16gb   Winnipeg, Canada   $0.20   50m    nobody's: deleted in about 10m",
    "vm-2   Running   1x v100-pcie-16gb   Winnipeg, Canada   $0.20   50m    nobody's: being deleted. It could not be deleted",
    'vm-k   Running   1x v100-pcie-16gb   Winnipeg, Canada   $0.20          kept (Retained: GpuVm research/old)',
    '',
    '2 VMs of this installation (1a2b3c4d) have no resource, and cost $0.40 per hour. Beside them: 1 kept ($0.20 per hour), 1 of resources, 1 of others.',
    '',
    'gpuvm unmanaged delete vm-1    or, to keep it: gpuvm import vm-1 --apply',
  ]);
});

it('VMs of resources and of others are shown where all are asked for', () => {
  expect(rendered([foreign, managed], true).slice(1, 3)).toEqual([
    'vm-m   Running   1x v100-pcie-16gb   Winnipeg, Canada   $0.20          GpuVm research/trainer',
    "vm-f   Running   1x v100-pcie-16gb   Winnipeg, Canada   $0.20          somebody else's: name-of-vm-f",
  ]);
});

it.each([
  [line('vm-1'), undefined],
  [kept, undefined],
  [managed, 'belongs to GpuVm research/trainer: delete that'],
  [foreign, '("name-of-vm-f") is not one that this installation (1a2b3c4d) has made'],
  [line('vm-1', { standing: 'over' }), 'is over already'],
])('of a VM that is $standing: %#', (given, expected) => {
  expect(refusalOf(given, '1a2b3c4d')).toBe(expected);
});
