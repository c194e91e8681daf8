import { describe, expect, it } from 'vitest';

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

describe('a pool that becomes larger while half of it is broken', () => {
  async function halfBroken(seed: number): Promise<{ pool: PoolOfWorld; ids: readonly string[] }> {
    const world = await createWorld({ seed, requestsPerSecond: 10, simulator: { hosts: 60 } });
    const pool = await PoolOfWorld.in(world, { replicas: 6, repair: { ...repair, maxUnhealthyPercent: 30 } });
    await pool.untilReady(6);
    const ids = world
      .vms()
      .slice(0, 3)
      .map(({ id }) => id);
    for (const id of ids) world.control('POST', `vms/${id}`, { status: 'Maintenance' });
    await pool.until('repairs stop', () => pool.condition('Repairing') === 'False TooManyUnhealthy');
    return { pool, ids };
  }

  function listHosts(world: SimulatedWorld, listed: boolean): void {
    for (const id of world.provider.machine.world.hosts.keys()) world.control('POST', `hosts/${id}`, { listed });
  }

  function left({ world }: PoolOfWorld, ids: readonly string[]): number {
    return world.vms().filter(({ id }) => ids.includes(id)).length;
  }

  it('repairs the one that stays broken, though there are no offers', async () => {
    const { pool, ids } = await halfBroken(94);
    const { world } = pool;
    listHosts(world, false);
    await pool.patch({ replicas: 10 });
    await pool.until('there are more members', () => pool.members.length === 10, minute);
    for (const id of ids.slice(1)) world.control('POST', `vms/${id}`, { status: 'Running' });
    await pool.until('the broken one is gone', () => left(pool, ids) === 2, 5 * minute);
    listHosts(world, true);
    await pool.untilReady(10);
    await expectGone(pool);
  });

  it('tries a single one in time, however often it becomes larger', async () => {
    const { pool, ids } = await halfBroken(95);
    // Each of these is Ready before the time of the single try has come.
    for (const replicas of [7, 8]) {
      expect([pool.condition('Repairing'), left(pool, ids)]).toEqual(['False TooManyUnhealthy', 3]);
      await pool.patch({ replicas });
      await pool.world.advance(5 * minute);
    }
    await pool.until('a single one is tried', () => left(pool, ids) === 2, minute);
  });
});

it.each<[string, object]>([
  ['of a VM that is being built', {}],
  ['of a VM that does not answer its probe', { readinessProbe: { ...readinessProbe, periodSeconds: 30 } }],
])('a process that was suspended counts that time as none in which it has seen the trouble %s', async (_, template) => {
  const world = await createWorld({ seed: 41, simulator: { bootDelayMs: 3 * minute } });
  const pool = await PoolOfWorld.in(world, { replicas: 1, repair }, template);
  await pool.until('it is being built', () => world.vms().length === 1, 5 * minute);
  await world.advance(5_000);
  const before = uids(pool);
  // When it goes on it can act before it has heard anything of the provider.
  world.providerWeather.delay = { least: 1_000, most: 2_000 };
  world.replicas[0]?.freeze(25 * minute);
  await world.advance(35 * minute);
  expect([uids(pool), deployed(world)]).toEqual([before, 1]);
  expect(await pool.events('MemberDeleted')).toEqual([]);
});
