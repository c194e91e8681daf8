import { expect, it } from 'vitest';

import { gpuPoolType, gpuVmType } from '../../src/api/group.ts';
import { createWorld, easySpec } from './world.ts';

const minute = 60_000;
const namespace = 'research';
const pool = { namespace, name: 'inference' };

it('members that have lost their owner stay when their pool goes, though the operator has not heard of that yet', async () => {
  const world = await createWorld({ seed: 1 });
  await world.api.create(gpuPoolType, {
    apiVersion: 'gpuvm.dev/v1alpha1',
    kind: 'GpuPool',
    metadata: pool,
    spec: { replicas: 2, template: { spec: easySpec } },
  });
  const names = ['inference-0', 'inference-1'];
  const areReady = (): boolean => names.every((name) => world.conditionOf(name, 'Ready') === 'True Running');
  expect(await world.until(areReady, 10 * minute)).toBeDefined();

  // What the garbage collector does for --cascade=orphan, in this order.
  world.api.holdWatches(true, gpuVmType);
  for (const name of names)
    await world.api.mergePatch(gpuVmType, { namespace, name }, { metadata: { ownerReferences: null } });
  await world.api.delete(gpuPoolType, pool);
  const isGone = (): boolean => world.api.peek(gpuPoolType, `${namespace}/${pool.name}`) === undefined;
  expect(await world.until(isGone, 10 * minute)).toBeDefined();
  world.api.holdWatches(false, gpuVmType);
  await world.advance(10 * minute);
  expect(world.resources().map(({ metadata: { name, deletionTimestamp } }) => [name, deletionTimestamp])).toEqual([
    ['inference-0', undefined],
    ['inference-1', undefined],
  ]);
  expect(world.vms()).toHaveLength(2);
  expect(areReady()).toBe(true);
  expect(world.watchdog.breaches).toEqual([]);
});
