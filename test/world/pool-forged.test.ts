import { expect, it } from 'vitest';

import { conditionOf } from '../../src/api/conditions.ts';
import { gpuPoolType, gpuVmType } from '../../src/api/group.ts';
import type { VmStatus } from '../../src/api/vm.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import { controllerReference } from '../../src/controllers/owned.ts';
import { PoolOfWorld, ref } from './pool-of-world.ts';
import { createWorld, easySpec, type SimulatedWorld } from './world.ts';

const minute = 60_000;
const names = ['intruder-0', 'intruder-1', 'intruder-2', 'intruder-3'];
const v100 = { ...easySpec, gpu: { models: ['v100-pcie-16gb'], count: 1 } };

const namespace = 'other';

async function rentBeside(world: SimulatedWorld): Promise<void> {
  for (const name of names) {
    const metadata = { namespace, name };
    await world.api.create(gpuVmType, { apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', metadata, spec: v100 });
  }
}

/** Their user writes an owner reference of another namespace into them: the UID is no secret. */
async function intrude(world: SimulatedWorld, pool: CustomObject): Promise<void> {
  const ownerReferences = [controllerReference(gpuPoolType, pool)];
  const metadata = { ownerReferences, labels: { 'gpuvm.dev/pool': 'inference' } };
  for (const name of names) await world.api.mergePatch(gpuVmType, { namespace, name }, { metadata });
}

function intruders(world: SimulatedWorld): CustomObject[] {
  return world.resources().filter(({ metadata }) => metadata.namespace === 'other');
}

it('a pool has no members in another namespace, whatever their owner references say', async () => {
  const world = await createWorld({ seed: 51, namespaces: ['other'], simulator: { hosts: 30 } });
  const pool = await PoolOfWorld.in(world, { replicas: 1 }, v100);
  await pool.untilReady(1);
  const { hourlyCost } = pool.status;
  const before = pool.object;
  if (before === undefined) throw new Error('there is no pool');
  await rentBeside(world);
  await pool.until('theirs run', () =>
    intruders(world).every(({ status }) => (status as VmStatus | undefined)?.phase === 'Running'),
  );
  await intrude(world, before);
  await world.advance(minute);
  expect(pool.status).toMatchObject({ replicas: 1, readyReplicas: 1, hourlyCost });

  // Room for one more, and not for one more beside theirs.
  await pool.patch({ replicas: 2, maxHourlyCost: (3 * Number(hourlyCost)).toFixed(2) });
  await pool.untilReady(2);

  await world.api.delete(gpuPoolType, ref);
  await pool.until('it is gone', () => pool.object === undefined, 10 * minute);
  expect(world.resources().map(({ metadata }) => metadata.name)).toEqual(names);
  expect(intruders(world).every(({ metadata }) => metadata.deletionTimestamp === undefined)).toBe(true);
  expect(world.vms()).toHaveLength(names.length);
  expect(world.watchdog.breaches).toEqual([]);
});

it('a resource that says it is of a pool which its namespace does not have gets no VM, and says why', async () => {
  const world = await createWorld({ seed: 52, namespaces: ['other'], simulator: { hosts: 30 } });
  const pool = await PoolOfWorld.in(world, { replicas: 1 }, v100);
  await pool.untilReady(1);
  const object = pool.object;
  if (object === undefined) throw new Error('there is no pool');
  const metadata = { namespace, name: 'intruder-0', ownerReferences: [controllerReference(gpuPoolType, object)] };
  await world.api.create(gpuVmType, { apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', metadata, spec: v100 });
  await world.advance(5 * minute);
  const [intruder] = intruders(world);
  expect(conditionOf((intruder?.status as VmStatus).conditions, 'Ready')).toMatchObject({ reason: 'PoolNotFound' });
  expect(world.vms()).toHaveLength(1);
});
