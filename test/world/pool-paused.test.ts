import { expect, it } from 'vitest';

import { gpuPoolType, gpuVmType } from '../../src/api/group.ts';
import { expectGone, PoolOfWorld, ref } from './pool-of-world.ts';
import { createWorld } from './world.ts';

/** Pools that are paused while the operator has not heard of that yet: annotations do not change the generation. */

const minute = 60_000;
const paused = { 'gpuvm.dev/paused': 'true' };

it('a pool that was paused just before its time does not expire', async () => {
  const world = await createWorld({ seed: 41 });
  const pool = await PoolOfWorld.in(world, { replicas: 2, expireAfter: '2h' });
  await pool.untilReady(2);
  await world.advance(118 * minute);
  world.api.holdWatches(true, gpuPoolType);
  await pool.annotate(paused);
  await world.advance(10 * minute);
  world.api.holdWatches(false, gpuPoolType);
  await world.advance(10 * minute);
  expect(pool.object?.metadata.deletionTimestamp).toBeUndefined();
  expect([pool.ready, await pool.events('Expired')]).toEqual([2, []]);
  await pool.annotate({ 'gpuvm.dev/paused': null });
  await pool.until('it is gone', () => pool.object === undefined, 10 * minute);
});

it('a pool that is paused between the last look at it and its deletion stays', async () => {
  const world = await createWorld({ seed: 42 });
  const pool = await PoolOfWorld.in(world, { replicas: 1, expireAfter: '2h' });
  await pool.untilReady(1);
  const remove = world.api.delete.bind(world.api);
  let isRaced = false;
  world.api.delete = async (type, object, preconditions) => {
    if (type.kind === gpuPoolType.kind && !isRaced) {
      isRaced = true;
      await pool.annotate(paused);
    }
    return remove(type, object, preconditions);
  };
  await world.advance(130 * minute);
  expect(isRaced).toBe(true);
  expect([pool.object?.metadata.deletionTimestamp, pool.ready, await pool.events('Expired')]).toEqual([
    undefined,
    1,
    [],
  ]);
  await expectGone(pool);
});

it('a pool that was paused gets no member in the place of one that its user has deleted then', async () => {
  const world = await createWorld({ seed: 43 });
  const pool = await PoolOfWorld.in(world, { replicas: 2 });
  await pool.untilReady(2);
  world.api.holdWatches(true, gpuPoolType);
  await pool.annotate(paused);
  await world.api.delete(gpuVmType, { namespace: ref.namespace, name: 'inference-1' });
  await world.advance(10 * minute);
  expect(pool.members.map(({ metadata }) => metadata.name)).toEqual(['inference-0']);
  world.api.holdWatches(false, gpuPoolType);
  await pool.annotate({ 'gpuvm.dev/paused': null });
  await pool.untilReady(2);
  await expectGone(pool);
});
