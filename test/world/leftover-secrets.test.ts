import { describe, expect, it } from 'vitest';

import { conditionOf } from '../../src/api/conditions.ts';
import { gpuVmType, spotVmType } from '../../src/api/group.ts';
import type { VmStatus } from '../../src/api/vm.ts';
import { secretType, type CustomObject, type SecretObject } from '../../src/controllers/objects.ts';
import {
  KubeError,
  type KubeApi,
  type KubeObject,
  type ListSelector,
  type ResourceType,
} from '../../src/kube/contract.ts';
import { createWorld, easySpec, type SimulatedWorld } from './world.ts';

/** Two kinds share the names of connection Secrets, and nobody collects those of resources that are gone. */

const ref = { namespace: 'research', name: 'sweep' };
const bid = { price: '0.15', maxPrice: '0.30' };

async function create(world: SimulatedWorld, type: ResourceType, spec: object): Promise<void> {
  const { kind } = type;
  const object = { apiVersion: 'gpuvm.dev/v1alpha1', kind, metadata: ref, spec: { ...easySpec, ...spec } };
  await world.api.create(type, object);
}

function ready(world: SimulatedWorld, type: ResourceType): string | undefined {
  const object = world.api.peek(type, 'research/sweep') as CustomObject | undefined;
  return conditionOf((object?.status as VmStatus | undefined)?.conditions, 'Ready')?.reason;
}

function secret(world: SimulatedWorld): SecretObject | undefined {
  return world.api.peek(secretType, 'research/sweep-connection');
}

describe('a VM that is gone', () => {
  it('is in its Secret no more while there is no other one; password and user stay', async () => {
    const world = await createWorld({ seed: 7 });
    await create(world, gpuVmType, {});
    await world.until(() => ready(world, gpuVmType) === 'Running', 600_000);
    expect(Object.keys(secret(world)?.data ?? {})).toEqual(expect.arrayContaining(['host', 'port', 'ssh_config']));
    for (const host of world.provider.machine.world.hosts.values()) {
      world.control('POST', `hosts/${host.id}`, { online: false });
    }
    world.control('POST', `vms/${world.vms()[0]?.id ?? ''}`, { remove: true });
    await world.until(() => ready(world, gpuVmType) === 'NoOffer', 1_800_000);
    expect(Object.keys(secret(world)?.data ?? {}).sort()).toEqual(['password', 'user']);
  });
});

describe('a Secret that nothing can be taken out of', () => {
  it('keeps nobody from another VM when the first one is gone', async () => {
    const world = await createWorld({ seed: 7 });
    await create(world, gpuVmType, {});
    await world.until(() => ready(world, gpuVmType) === 'Running', 600_000);
    const first = world.vms()[0]?.id ?? '';
    const mergePatch = world.api.mergePatch.bind(world.api);
    world.api.mergePatch = async <T extends KubeObject>(...given: Parameters<KubeApi['mergePatch']>): Promise<T> => {
      const { data } = given[2] as { data?: Record<string, unknown> };
      if (given[0] !== secretType || data?.['host'] !== null) return mergePatch<T>(...given);
      throw new KubeError('data: Forbidden: field is immutable when `immutable` is set', 'invalid');
    };
    world.control('POST', `vms/${first}`, { remove: true });
    const hasAnother = (): boolean => world.vms().some(({ id }) => id !== first);
    expect(await world.until(hasAnother, 1_800_000)).toBeDefined();
    await world.until(() => ready(world, gpuVmType) === 'Running', 600_000);
    expect(ready(world, gpuVmType)).toBe('Running');
  });
});

describe('a GpuVm with the name of a SpotVm', () => {
  it('waits while that is there, and leaves its Secret alone', async () => {
    const world = await createWorld({ seed: 7 });
    await create(world, spotVmType, { bid });
    await world.until(() => ready(world, spotVmType) === 'Running', 600_000);
    const before = secret(world);
    await create(world, gpuVmType, {});
    await world.advance(600_000);
    expect(ready(world, gpuVmType)).toBe('SecretConflict');
    expect(secret(world)).toEqual(before);
    expect(world.vms()).toHaveLength(1);
  });

  it('runs when that is gone, though nobody has deleted its Secret', async () => {
    const world = await createWorld({ seed: 7 });
    await create(world, spotVmType, { bid });
    await world.until(() => ready(world, spotVmType) === 'Running', 600_000);
    await create(world, gpuVmType, {});
    await world.until(() => ready(world, gpuVmType) === 'SecretConflict', 600_000);
    const before = secret(world);
    await world.api.delete(spotVmType, ref);
    await world.until(() => ready(world, gpuVmType) === 'Running', 1_800_000);
    expect(ready(world, gpuVmType)).toBe('Running');
    expect(secret(world)?.metadata.ownerReferences?.map(({ kind }) => kind)).toEqual(['GpuVm']);
    expect(secret(world)?.metadata.uid).not.toBe(before?.metadata.uid);
    expect(world.vms()).toHaveLength(1);
  });

  it('leaves its Secret alone while it only has not heard of it', async () => {
    const world = await createWorld({ seed: 7 });
    await create(world, spotVmType, { bid });
    await world.until(() => ready(world, spotVmType) === 'Running', 600_000);
    const before = secret(world);
    world.crash();
    const list = world.api.list.bind(world.api);
    world.api.list = async <T extends KubeObject>(type: ResourceType, selector?: ListSelector) => {
      const listed = await list<T>(type, selector);
      return type.kind === spotVmType.kind ? { ...listed, items: [] } : listed;
    };
    await create(world, gpuVmType, {});
    await world.start();
    await world.advance(600_000);
    expect(ready(world, gpuVmType)).toBe('SecretConflict');
    expect(secret(world)).toEqual(before);
  });
});
