import { describe, expect, it } from 'vitest';

import type { CustomObject } from '../../src/controllers/objects.ts';
import { expectGone, PoolOfWorld } from './pool-of-world.ts';
import { createWorld, type SimulatedWorld } from './world.ts';

const second = 1000;
const minute = 60 * second;

describe('the life of a GpuPool', () => {
  it('has as many members as are wanted, and leaves nothing behind', async () => {
    const world = await createWorld({ seed: 1 });
    const pool = await PoolOfWorld.in(world, { replicas: 4 });
    await pool.untilReady(4);
    expect(pool.members.map(({ metadata }) => metadata.name).sort()).toEqual([
      'inference-0',
      'inference-1',
      'inference-2',
      'inference-3',
    ]);
    await pool.patch({ replicas: 1 });
    await pool.untilReady(1);
    expect(world.vms()).toHaveLength(1);
    const { writes } = world;
    await world.advance(30 * minute);
    expect(world.writes).toBe(writes);
    await expectGone(pool);
  });

  it('rolls a new template through without ever having fewer than wanted, where none may be unavailable', async () => {
    const world = await createWorld({ seed: 2, simulator: { bootDelayMs: 30 * second } });
    const pool = await PoolOfWorld.in(world, { replicas: 6 });
    await pool.untilReady(6);
    const old = new Set(pool.members.map(({ metadata }) => metadata.uid));
    await pool.patch({ template: { spec: { memoryGB: 8 } } });
    let [fewest, most] = [6, 6];
    await pool.until('all are replaced', () => {
      fewest = Math.min(fewest, pool.ready);
      most = Math.max(most, pool.members.filter(({ metadata }) => metadata.deletionTimestamp === undefined).length);
      return (
        pool.members.length === 6 && pool.ready === 6 && pool.members.every(({ metadata }) => !old.has(metadata.uid))
      );
    });
    expect([fewest, most]).toEqual([6, 7]);
    await expectGone(pool);
  });

  it('changes in place what can be changed, and replaces nobody for it', async () => {
    const world = await createWorld({ seed: 3 });
    const pool = await PoolOfWorld.in(world, { replicas: 3 });
    await pool.untilReady(3);
    const ids = world
      .vms()
      .map(({ id }) => id)
      .sort();
    await pool.patch({
      template: { metadata: { labels: { app: 'inference' } }, spec: { maxHourlyPrice: '5.00', priority: 7 } },
    });
    const isChanged = ({ metadata, spec }: CustomObject): boolean =>
      metadata.labels?.['app'] === 'inference' && (spec as { priority: number }).priority === 7;
    await pool.until('all are changed', () => pool.members.every(isChanged));
    await pool.patch({ template: { metadata: { labels: { app: null } }, spec: { maxHourlyPrice: null } } });
    const isBack = ({ metadata, spec }: CustomObject): boolean =>
      metadata.labels?.['app'] === undefined && !('maxHourlyPrice' in (spec as object));
    await pool.until('what is no longer there is taken out', () => pool.members.every(isBack));
    expect(
      world
        .vms()
        .map(({ id }) => id)
        .sort(),
    ).toEqual(ids);
    await expectGone(pool);
  });

  it('does nothing while it is paused, and catches up afterwards', async () => {
    const world = await createWorld({ seed: 4 });
    const pool = await PoolOfWorld.in(world, { replicas: 2 });
    await pool.untilReady(2);
    await pool.annotate({ 'gpuvm.dev/paused': 'true' });
    await pool.patch({ replicas: 5 });
    await world.advance(10 * minute);
    expect(pool.members).toHaveLength(2);
    expect(pool.condition('Synced')).toBe('False Paused');
    await pool.annotate({ 'gpuvm.dev/paused': null });
    await pool.untilReady(5);
    await expectGone(pool);
  });

  it('goes by itself when it is older than it may become', async () => {
    const world = await createWorld({ seed: 5 });
    const pool = await PoolOfWorld.in(world, { replicas: 2, expireAfter: '2h' });
    await pool.untilReady(2);
    expect(pool.status.nextEvent).toMatchObject({ what: 'Expire' });
    await world.advance(119 * minute);
    expect(pool.ready).toBe(2);
    await pool.until('it is gone', () => pool.object === undefined, 10 * minute);
    expect(world.vms()).toEqual([]);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('makes no member too many, whenever the process dies while it makes and deletes them', async () => {
    for (let points = 0; points < 40; points += 3) {
      const world = await createWorld({ seed: 100 + points });
      world.restartAfterMs = 3 * second;
      world.crashAfter(points);
      const pool = await PoolOfWorld.in(world, { replicas: 3 });
      await pool.untilReady(3);
      expect(world.vms()).toHaveLength(3);
      world.crashAfter(points % 20);
      await pool.patch({ replicas: 1 });
      await pool.untilReady(1);
      await expectGone(pool);
      world.end();
    }
  });
});

it('writes the status of a pool at most once a second while many members start, and not once each', async () => {
  const world = await createWorld({ seed: 13, simulator: { hosts: 60 }, requestsPerSecond: 10 });
  const pool = await PoolOfWorld.in(world, { replicas: 40 });
  const begun = world.clock.now();
  await pool.untilReady(40);
  const seconds = (world.clock.now() - begun) / second;
  const writes = world.api.calls.filter(
    ({ verb, type, subresource }) => verb === 'mergePatch' && type.kind === 'GpuPool' && subresource === 'status',
  );
  expect(writes.length).toBeLessThanOrEqual(seconds + 2);
  await expectGone(pool);
});

describe('members that do not become Ready', () => {
  const never = { bootDelayMs: 10_000 * minute };

  function deployed(world: SimulatedWorld): number {
    return world.requests.get('client/deploy/single') ?? 0;
  }

  it('are replaced a bounded number of times, and then a person is told how to go on', async () => {
    const world = await createWorld({ seed: 7, simulator: never });
    const pool = await PoolOfWorld.in(world, { replicas: 1, repair: { readyDeadline: '20m', maxFailures: 3 } });
    await pool.until('repairs stop', () => pool.condition('Repairing') === 'False BreakerOpen', 120 * minute);
    expect(deployed(world)).toBe(4);
    expect(pool.status.message).toMatch(
      /3 replacements in a row .* repairs have stopped \(1 broken member left as it is, and billed\)\. A single one is tried again at .*reconcile-requested-at to begin anew/,
    );
    await world.advance(24 * 60 * minute);
    expect(deployed(world)).toBe(9);
    expect(pool.condition('Stalled')).toBe('True BreakerOpen');
    expect(pool.status.message).toContain('5 single tries since then failed as well; there are no more');
    expect(world.vms()).toHaveLength(1);

    await pool.annotate({ 'gpuvm.dev/reconcile-requested-at': 'now' });
    await pool.until('it begins anew', () => deployed(world) === 10, 30 * minute);
    expect(pool.condition('Repairing')).toBe('True ReplicasAsWanted');
    await expectGone(pool);
  });

  it('are repaired again once a replacement has become Ready', async () => {
    const world = await createWorld({ seed: 8, simulator: never });
    const pool = await PoolOfWorld.in(world, { replicas: 1, repair: { readyDeadline: '20m', maxFailures: 1 } });
    await pool.until('repairs stop', () => pool.condition('Repairing') === 'False BreakerOpen', 120 * minute);
    await pool.until('one is tried', () => deployed(world) === 3 && world.vms().length === 1, 30 * minute);
    const [vm] = world.vms();
    world.control('POST', `vms/${vm?.id ?? ''}`, { status: 'Running' });
    await pool.untilReady(1);
    expect(pool.status.breaker).toBeUndefined();
    expect(pool.condition('Repairing')).toBe('True ReplicasAsWanted');
    await expectGone(pool);
  });

  it('are left alone where nothing can be had: a market without offers makes and deletes nothing', async () => {
    const world = await createWorld({ seed: 9, simulator: { hosts: 0 } });
    const pool = await PoolOfWorld.in(world, { replicas: 3 });
    await pool.until('all wait', () => pool.members.length === 3, minute);
    const uids = pool.members.map(({ metadata }) => metadata.uid).sort();
    await world.advance(4 * 60 * minute);
    expect(pool.members.map(({ metadata }) => metadata.uid).sort()).toEqual(uids);
    expect(pool.status.message).toMatch(/^0 of 3 members are available; 3 NoOffer\. inference-0: /);
    await expectGone(pool);
  });
});

describe('a pool of spot members', () => {
  const v100 = { gpu: { models: ['v100-pcie-16gb'], count: 1 }, maxHourlyPrice: '2.00' };

  function market(world: SimulatedWorld, price: string | null): void {
    world.control('POST', 'market', { gpuModel: 'v100-pcie-16gb', price });
  }

  it('goes on demand when the market is taken away for long enough, and returns to spot by itself', async () => {
    const world = await createWorld({ seed: 10 });
    market(world, '0.22');
    const bid = { price: '0.10', maxPrice: '0.30' };
    const capacity = { type: 'Spot', bid, onDemandBase: 1, fallbackToOnDemandAfter: '5m', returnToSpotAfter: '15m' };
    const pool = await PoolOfWorld.in(world, { replicas: 4, capacity }, v100);
    await pool.untilReady(4);
    expect(pool.status).toMatchObject({ spotReplicas: 3, onDemandReplicas: 1 });
    const uids = pool.members.map(({ metadata }) => metadata.uid).sort();
    market(world, '0.90');
    await pool.until('all but one are outbid', () => pool.status.readyReplicas === 1, minute);
    await world.advance(3 * minute);
    expect(pool.status).toMatchObject({ readyReplicas: 1, onDemandReplicas: 1 });
    await pool.until('all are on demand', () => pool.status.readyReplicas === 4, 30 * minute);
    expect(pool.status).toMatchObject({ spotReplicas: 0, onDemandReplicas: 4 });
    market(world, '0.15');
    await world.advance(10 * minute);
    expect(pool.status.onDemandReplicas).toBe(4);
    await pool.until(
      'all are back',
      () => pool.status.spotReplicas === 3 && pool.status.readyReplicas === 4,
      60 * minute,
    );
    expect(pool.members.map(({ metadata }) => metadata.uid).sort()).toEqual(uids);
    await pool.until(
      'they are held to the spot market again',
      () =>
        pool.members.every(
          ({ kind, spec }) => kind === 'GpuVm' || (spec as { onOutbid: string }).onOutbid === 'Replace',
        ),
      minute,
    );
    await expectGone(pool);
  });
});

describe('a pool that is spread', () => {
  it('has no more members on one host than are allowed, and says why others wait', async () => {
    const world = await createWorld({ seed: 11, simulator: { hosts: 12 } });
    const spread = { by: 'Hostnode', maxPerDomain: 1 };
    const pool = await PoolOfWorld.in(
      world,
      { replicas: 12, spread },
      { gpu: { models: ['v100-pcie-16gb'], count: 1 } },
    );
    await pool.until('no host is left', () => /spread allows/.test(pool.status.message ?? ''), 20 * minute);
    const hosts = world.vms().map(({ host }) => host.id);
    expect(hosts.length).toBeGreaterThan(1);
    expect(new Set(hosts).size).toBe(hosts.length);
    await pool.patch({ spread: { maxPerDomain: 3 } });
    await pool.until('more have their VM', () => world.vms().length > hosts.length, 20 * minute);
    await expectGone(pool);
  });

  it('keeps to it where answers are slow and members choose at the same time', async () => {
    const world = await createWorld({ seed: 12, simulator: { hosts: 40 } });
    world.kubeWeather.delay = { least: 50, most: 2000 };
    world.providerWeather.delay = { least: 100, most: 3000 };
    const pool = await PoolOfWorld.in(world, { replicas: 8, spread: { by: 'Location', maxPerDomain: 2 } });
    await pool.until('those that can are Ready', () => pool.ready >= 4, 20 * minute);
    await world.advance(5 * minute);
    const places = pool.members.flatMap(({ status }) => (status as { location?: string } | undefined)?.location ?? []);
    for (const place of new Set(places))
      expect(places.filter((other) => other === place).length).toBeLessThanOrEqual(2);
    await expectGone(pool);
  });
});
