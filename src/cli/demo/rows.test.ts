import { describe, expect, it } from 'vitest';

import type { CustomObject } from '../../controllers/objects.ts';
import { describeRow, rowOf } from './rows.ts';

function vm({
  powerState = 'Running',
  ready,
  observed = 1,
  deleting = false,
}: {
  powerState?: string;
  ready?: [status: string, reason: string];
  observed?: number;
  deleting?: boolean;
}): CustomObject {
  const conditions =
    ready === undefined
      ? []
      : [
          {
            type: 'Ready',
            status: ready[0],
            reason: ready[1],
            message: 'A sentence.',
            lastTransitionTime: '2026-01-01T00:00:00Z',
          },
        ];
  return {
    metadata: {
      ...{ name: 'trainer', namespace: 'default', uid: 'u', resourceVersion: '1', generation: 1 },
      ...(deleting ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: { gpu: { models: ['v100-pcie-16gb'] }, vcpus: 2, memoryGB: 4, storageGB: 20, powerState },
    status: { observedGeneration: observed, conditions },
  };
}

describe('rowOf', () => {
  it.each([
    ['a VM that is Ready has settled', vm({ ready: ['True', 'Running'] }), true],
    ['a VM that is being built has not', vm({ ready: ['False', 'Building'] }), false],
    ['one that nobody has looked at has not', vm({}), false],
    ['Ready of an older spec does not count', vm({ ready: ['True', 'Running'], observed: 0 }), false],
    ['a VM released as asked has settled', vm({ powerState: 'Released', ready: ['False', 'Released'] }), true],
    ['a released VM is also stopped as asked', vm({ powerState: 'Stopped', ready: ['False', 'Released'] }), true],
    ['a stopped VM that is to run has not', vm({ ready: ['False', 'Stopped'] }), false],
    ['a VM on its way to Released has not', vm({ powerState: 'Released', ready: ['False', 'Stopping'] }), false],
    ['a VM that is being deleted has not', vm({ ready: ['True', 'Running'], deleting: true }), false],
  ])('%s', (_, object, settled) => {
    expect(rowOf(object).settled).toBe(settled);
  });

  it('shows a resource that the operator has not seen as pending', () => {
    expect(rowOf({ ...vm({}), status: undefined })).toMatchObject({
      name: 'trainer',
      ready: 'Unknown',
      status: 'Pending',
      gpu: '',
      price: '',
    });
  });

  it('shows where the VM is and what is billed now', () => {
    const status = { gpu: '1x v100', location: 'A, B', address: '127.0.0.1' };
    const object = { ...vm({}), status: { ...status, hourlyPrice: { running: '0.30', billedNow: '0.02' } } };
    expect(rowOf(object)).toMatchObject({ ...status, price: '0.02', bid: '' });
  });
});

it('shows the bid of a spot VM', () => {
  const applied = { gpuModel: 'v100', gpuCount: 1, vcpus: 2, memoryGB: 4, storageGB: 20 };
  const record = { id: 'vm-1', name: 'gpuvm-1', recordedAt: '2026-01-01T00:00:00Z', applied, bid: '0.20' };
  expect(rowOf({ ...vm({}), kind: 'SpotVm', status: { vm: record } })).toMatchObject({ bid: '0.20' });
});

describe('describeRow', () => {
  it('gives the reason and the sentence', () => {
    expect(describeRow(rowOf(vm({ ready: ['False', 'NoOffer'] })))).toBe('trainer: NoOffer (A sentence.)');
  });
});
