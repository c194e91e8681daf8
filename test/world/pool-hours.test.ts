import { expect, it } from 'vitest';

import { expectGone, PoolOfWorld } from './pool-of-world.ts';
import { createWorld, type SimulatedWorld } from './world.ts';

/** Pools whose members do not run all the time. */

const second = 1000;
const minute = 60 * second;
const day = 24 * 60 * minute;

/** The world begins at midnight. */
const nights = { start: '0 8 * * *', stop: '0 18 * * *' };
const repair = { readyDeadline: '20m', maxFailures: 3 };

async function untilTime(world: SimulatedWorld, time: string): Promise<void> {
  await world.advance(Date.parse(time) - world.clock.now());
}

function uids(pool: PoolOfWorld): string[] {
  return pool.members.map(({ metadata }) => metadata.uid).sort();
}

it.each(['Release', 'Stop'])(
  'members that start slowly in the morning are not taken for broken (%s)',
  { timeout: 60_000 },
  async (action) => {
    const world = await createWorld({ seed: 31, simulator: { hosts: 20, bootDelayMs: 5 * minute } });
    const pool = await PoolOfWorld.in(world, { replicas: 3, repair, schedule: { ...nights, action } });
    await untilTime(world, '2026-01-01T12:00:00Z');
    expect(pool.ready).toBe(3);
    const before = uids(pool);
    let wasStarting = false;
    for (let at = 0; at < 2 * day; at += minute) {
      await world.advance(minute);
      wasStarting ||= pool.members.some(({ status }) => JSON.stringify(status).includes('"Starting"'));
    }
    expect(wasStarting).toBe(true);
    expect(pool.ready).toBe(3);
    expect(uids(pool)).toEqual(before);
    expect([await pool.events('MemberDeleted'), await pool.events('TooManyUnhealthy')]).toEqual([[], []]);
    await expectGone(pool);
  },
);

it('members that were stopped by their users for hours are not taken for broken while they start', async () => {
  const world = await createWorld({ seed: 32, simulator: { hosts: 20, bootDelayMs: 5 * minute } });
  const pool = await PoolOfWorld.in(world, { replicas: 1, repair });
  await pool.untilReady(1);
  const before = uids(pool);
  await pool.patch({ template: { spec: { powerState: 'Released' } } });
  await world.advance(5 * 60 * minute);
  expect(pool.ready).toBe(0);
  await pool.patch({ template: { spec: { powerState: 'Running' } } });
  await pool.untilReady(1);
  expect(uids(pool)).toEqual(before);
  await expectGone(pool);
});

it('a member that does not start in the morning is repaired, once that has lasted for the deadline', async () => {
  const world = await createWorld({ seed: 33, simulator: { hosts: 20, bootDelayMs: 5 * minute } });
  const pool = await PoolOfWorld.in(world, { replicas: 1, repair, schedule: nights });
  await untilTime(world, '2026-01-01T18:30:00Z');
  const [before] = uids(pool);
  const [vm] = world.vms();
  await untilTime(world, '2026-01-02T08:02:00Z');
  expect(pool.ready).toBe(0);
  world.control('POST', `vms/${vm?.id ?? ''}`, { status: 'Rescuing' });
  await untilTime(world, '2026-01-02T08:19:00Z');
  expect(uids(pool)).toEqual([before]);
  await untilTime(world, '2026-01-02T08:25:00Z');
  expect(uids(pool)).not.toEqual([before]);
  expect(world.vms().map(({ id }) => id)).not.toContain(vm?.id);
});

it.each([
  ['waits for one where it may not go on demand', undefined, 0],
  ['goes on demand once no bid has won for long enough', '30m', 2],
])('a spot member that gets no spot VM in the morning %s', async (_, after, onDemand) => {
  const world = await createWorld({ seed: 34, simulator: { hosts: 20 } });
  const market = (price: string): void => {
    world.control('POST', 'market', { gpuModel: 'v100-pcie-16gb', price });
  };
  market('0.22');
  const capacity = { type: 'Spot', bid: { price: '0.10', maxPrice: '0.30' }, fallbackToOnDemandAfter: after };
  const pool = await PoolOfWorld.in(
    world,
    { replicas: 2, capacity, schedule: nights },
    { gpu: { models: ['v100-pcie-16gb'], count: 1 }, maxHourlyPrice: '2.00' },
  );
  await untilTime(world, '2026-01-01T12:00:00Z');
  expect(pool.status).toMatchObject({ spotReplicas: 2, readyReplicas: 2 });
  const before = uids(pool);
  await untilTime(world, '2026-01-01T20:00:00Z');
  market('0.90');
  await untilTime(world, '2026-01-02T08:25:00Z');
  expect(pool.ready).toBe(0);
  await untilTime(world, '2026-01-02T08:45:00Z');
  expect(pool.status.onDemandReplicas).toBe(onDemand);
  expect([pool.ready, uids(pool)]).toEqual([onDemand, before]);
  await expectGone(pool);
});
