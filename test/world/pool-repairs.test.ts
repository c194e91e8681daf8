import { expect, it } from 'vitest';

import { gpuBudgetType } from '../../src/api/group.ts';
import { ProbeForbiddenError } from '../../src/controllers/prober.ts';
import { expectGone, PoolOfWorld } from './pool-of-world.ts';
import { createWorld, type SimulatedWorld } from './world.ts';

/** What a pool replaces, and what it leaves alone: a member that is replaced is gone with its disk. */

const minute = 60_000;
const repair = { readyDeadline: '20m', maxFailures: 3 };
const readinessProbe = { tcpSocket: { port: 'ssh' } };

function uids(pool: PoolOfWorld): string[] {
  return pool.members.map(({ metadata }) => metadata.uid).sort();
}

function deployed(world: SimulatedWorld): number {
  return world.requests.get('client/deploy/single') ?? 0;
}

async function untilTime(world: SimulatedWorld, time: string): Promise<void> {
  await world.advance(Date.parse(time) - world.clock.now());
}

async function setBudget(world: SimulatedWorld, gpus: number): Promise<void> {
  const ref = { namespace: 'research', name: 'team' };
  const spec = { hard: { gpus }, onExceeded: 'StopByPriority' };
  if (world.api.peek(gpuBudgetType, 'research/team') === undefined) {
    await world.api.create(gpuBudgetType, {
      ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuBudget', metadata: ref },
      spec,
    });
  } else await world.api.mergePatch(gpuBudgetType, ref, { spec });
}

it.each<[string, (pool: PoolOfWorld) => Promise<void>, (pool: PoolOfWorld) => Promise<void>]>([
  ['a budget', ({ world }) => setBudget(world, 0), ({ world }) => setBudget(world, 1)],
  [
    'its schedule',
    (pool) => pool.patch({ schedule: { start: '0 8 * * *', stop: '30 0 * * *' } }),
    (pool) => pool.patch({ schedule: null }),
  ],
  [
    'its powerState',
    (pool) => pool.patch({ template: { spec: { powerState: 'Released' } } }),
    (pool) => pool.patch({ template: { spec: { powerState: 'Running' } } }),
  ],
])(
  'a member that does not stop, as %s wants it to, keeps its disk for as long as that lasts',
  async (_, hold, release) => {
    const world = await createWorld({ seed: 91 });
    await setBudget(world, 1);
    const pool = await PoolOfWorld.in(world, { replicas: 1, repair });
    await pool.untilReady(1);
    const before = uids(pool);
    world.fault({ endpoint: 'client/stop/single', kind: 'error-500' });
    await hold(pool);
    await world.advance(4 * 60 * minute);
    expect(pool.ready).toBe(0);
    expect(uids(pool)).toEqual(before);
    world.clearFaults();
    await release(pool);
    await pool.untilReady(1);
    expect([uids(pool), deployed(world)]).toEqual([before, 1]);
    await expectGone(pool);
  },
);

it('members whose hosts were rented to others over night are replaced by ones on other hosts, however many they are', async () => {
  const world = await createWorld({ seed: 92, simulator: { hosts: 120 } });
  const schedule = { start: '0 8 * * *', stop: '0 18 * * *' };
  const spread = { by: 'Hostnode', maxPerDomain: 1 };
  const pool = await PoolOfWorld.in(world, { replicas: 8, repair, schedule, spread });
  await untilTime(world, '2026-01-01T12:00:00Z');
  expect(pool.ready).toBe(8);
  await untilTime(world, '2026-01-01T20:00:00Z');
  for (const { host, size } of world.vms().slice(0, 5)) {
    world.control('POST', `hosts/${host.id}`, { gpu: { [size.gpuModel]: { amount: 0 } } });
  }
  await untilTime(world, '2026-01-02T08:15:00Z');
  expect(pool.ready).toBe(3);
  await untilTime(world, '2026-01-02T09:30:00Z');
  expect([pool.ready, deployed(world)]).toEqual([8, 13]);
  expect(await pool.events('TooManyUnhealthy')).toEqual([]);
});

it('a member that the operator may not probe is not replaced for that', async () => {
  const world = await createWorld({ seed: 93 });
  world.connect = () => Promise.reject(new ProbeForbiddenError('10.0.0.1 is a private address'));
  const pool = await PoolOfWorld.in(world, { replicas: 1, repair }, { readinessProbe });
  await world.advance(4 * 60 * minute);
  expect([pool.ready, deployed(world)]).toEqual([0, 1]);
  expect(pool.status.message).toContain('may not be probed');
  world.connect = () => Promise.resolve();
  await pool.untilReady(1);
  await expectGone(pool);
});
