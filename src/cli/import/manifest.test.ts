import { describe, expect, test } from 'vitest';

import { sizeOf } from '../../../test/support/builders.ts';
import { money } from '../../lib/money.ts';
import type { CloudVm } from '../../provider/contract.ts';
import { vmViewOf } from '../common/vm-view.ts';
import { lookAtAdoption } from '../import.ts';
import { manifestOf, resourceNameOf, vmIn } from './manifest.ts';

function vmOf(changes: Partial<CloudVm> = {}): CloudVm {
  return {
    ...{ id: '3f1c0a52-aaaa', name: 'My GPU box', state: 'running', providerStatus: 'Running', type: 'ondemand' },
    size: sizeOf(),
    ...{ operatingSystem: 'Ubuntu 22.04 LTS', hostnode: 'h', location: { city: 'X', region: undefined, country: 'Y' } },
    ...{ address: '192.0.2.7', user: 'user', createdAt: undefined },
    portForwards: [
      { external: 30_002, internal: 8888 },
      { external: 30_001, internal: 22 },
      { external: 30_003, internal: 7777 },
    ],
    price: { compute: money('0.194'), storage: money('0.005'), total: money('0.199') },
    ...changes,
  };
}

const wish = { name: undefined, namespace: undefined, account: 'default', deletionPolicy: 'Retain' } as const;

describe('the manifest for a VM that exists', () => {
  test('asks for the VM as it is, takes it over, and leaves it behind when it is deleted', () => {
    expect(manifestOf(vmOf(), wish)).toEqual({
      apiVersion: 'gpuvm.dev/v1alpha1',
      kind: 'GpuVm',
      metadata: { name: 'my-gpu-box', annotations: { 'gpuvm.dev/adopt': '3f1c0a52-aaaa' } },
      spec: {
        accountName: 'default',
        gpu: { models: ['a4000'], count: 1 },
        ...{ vcpus: 4, memoryGB: 16, storageGB: 100, operatingSystem: 'Ubuntu 22.04 LTS' },
        ports: [
          { name: 'ssh', internal: 22 },
          { name: 'port-7777', internal: 7777 },
          { name: 'notebook', internal: 8888 },
        ],
        powerState: 'Running',
        deletionPolicy: 'Retain',
      },
    });
  });

  test('of a spot VM is a SpotVm with its bid', () => {
    expect(manifestOf(vmOf({ type: 'spot' }), wish)).toMatchObject({
      kind: 'SpotVm',
      spec: { bid: { price: '0.194' } },
    });
  });

  test.each<[CloudVm['state'], string]>([
    ['running', 'Running'],
    ['outbid', 'Running'],
    ['stopped', 'Stopped'],
    ['released', 'Released'],
  ])('of one that is %s leaves it so', (state, powerState) => {
    expect(manifestOf(vmOf({ state }), wish)).toMatchObject({ spec: { powerState } });
  });

  test.each<[string, Partial<CloudVm>, RegExp]>([
    ['is on its way somewhere', { state: 'unknown', providerStatus: 'Rebooting' }, /in the state "Rebooting"/],
    ['has no GPU', { size: sizeOf({ gpuCount: 0 }) }, /none that a GpuVm can stand for: gpu\.count/],
    ['is a spot VM with an unknown bid', { type: 'spot', price: undefined }, /what is bid/],
  ])('is refused for a VM that %s', (_what, changes, message) => {
    expect(() => manifestOf(vmOf(changes), wish)).toThrow(message);
  });
});

test.each([
  ['trainer', 'trainer'],
  ['  My GPU_box #2 ', 'my-gpu-box-2'],
  ['日本', 'vm-3f1c0a52'],
  ['x'.repeat(90), 'x'.repeat(58)],
])('a VM named %j becomes the resource %j', (name, resource) => {
  expect(resourceNameOf(vmOf({ name }))).toBe(resource);
});

describe('a VM that the list lacks', () => {
  const listing = { vms: [vmOf()], unreadable: ['broken'] };
  test.each([
    ['3f1c0a52-aaab', 'no VM "3f1c0a52-aaab"'],
    ['broken', 'cannot be understood'],
    ['nothing-like-it', 'no VM "nothing-like-it"'],
  ])('by the id %j is said to be so', (id, message) => {
    expect(() => vmIn(listing, id)).toThrow(message);
  });

  test.each([
    ['3f1c0a52-aaab', 'Did you mean 3f1c0a52-aaaa?'],
    ['My GPU box', 'Did you mean 3f1c0a52-aaaa, whose name that is?'],
    ['nothing-like-it', 'There are 1: 3f1c0a52-aaaa'],
  ])('by %j may be another: %s', (id, hint) => {
    expect(() => vmIn(listing, id)).toThrow(expect.objectContaining({ hint }) as Error);
  });
});

test.each([
  [{ reason: 'Running', status: 'True', vm: true }, 'done'],
  [{ reason: 'Building', status: 'False', vm: true }, 'waiting'],
  [{ reason: 'Pending', status: 'False', vm: false }, 'waiting'],
  [{ reason: 'AdoptionMismatch', status: 'False', vm: false }, 'failed'],
  [{ reason: 'AdoptionRefused', status: 'False', vm: false }, 'failed'],
  // The operator's list may be older than the VM.
  [{ reason: 'AdoptionVmNotFound', status: 'False', vm: false }, 'waiting'],
])('an adoption whose status is %j is %s', ({ reason, status, vm }, kind) => {
  const time = '2026-06-01T12:00:00Z';
  const recorded = { id: 'v', name: 'n', recordedAt: time, applied: sizeOf() };
  const view = vmViewOf('GpuVm', {
    metadata: { name: 'trainer', uid: 'u', resourceVersion: '1' },
    status: {
      conditions: [{ type: 'Ready', status, reason, message: 'A sentence.', lastTransitionTime: time }],
      ...(vm ? { vm: recorded } : {}),
    },
  });
  expect(lookAtAdoption(view).kind).toBe(kind);
});
