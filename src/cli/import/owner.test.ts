import { expect, test } from 'vitest';

import type { CustomObject } from '../../controllers/objects.ts';
import { ownerOf } from './owner.ts';
import { retainWarning } from './retention.ts';

const vm = { id: 'vm-1', name: 'My GPU box' };

function resource(changes: { readonly annotations?: Record<string, string>; readonly status?: object }): CustomObject {
  const { annotations = {}, status = {} } = changes;
  return {
    ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', spec: {}, status },
    metadata: { name: 'box', namespace: 'default', uid: 'uid-1', resourceVersion: '1', annotations },
  };
}

test.each([
  ['one that records it', { status: { vm: { id: 'vm-1' } } }, 'GpuVm default/box'],
  ['one that is to take it over', { annotations: { 'gpuvm.dev/adopt': 'vm-1' } }, 'GpuVm default/box'],
  ['not one that has another', { status: { vm: { id: 'vm-2' } } }, undefined],
])('a VM without a mark belongs to %s', (_what, changes, owner) => {
  expect(ownerOf(vm, [resource(changes)])).toBe(owner);
});

test('a budget that forbids Retain is named before the VM is taken over', () => {
  const budget = (name: string, spec: object): Pick<CustomObject, 'metadata' | 'spec'> => ({
    ...{ spec, metadata: { name, uid: name, resourceVersion: '1' } },
  });
  expect(retainWarning([budget('open', { allowRetain: true }), budget('team', {})])).toContain('GpuBudget "team"');
  expect(retainWarning([budget('open', { allowRetain: true })])).toBeUndefined();
  expect(retainWarning([])).toBeUndefined();
});
