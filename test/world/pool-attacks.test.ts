import { describe, expect, it } from 'vitest';

import { gpuBudgetType, gpuPoolType, gpuVmType } from '../../src/api/group.ts';
import type { KubeApi, KubeObject, ResourceType } from '../../src/kube/contract.ts';
import { PoolOfWorld } from './pool-of-world.ts';
import { createWorld, easySpec, SimulatedWorld } from './world.ts';

/** What somebody found who tried to make pools spend, or destroy, more than they may. */

type WatchOptions = Parameters<KubeApi['watch']>[1];

const second = 1000;
const minute = 60 * second;

const roomy = { requestsPerSecond: 5, simulator: { hosts: 60 } };

/** Two processes, of which the one that waits hears nothing of this kind from now on. */
async function deafStandby(
  kind: ResourceType,
): Promise<{ readonly world: SimulatedWorld; readonly takeOver: () => void }> {
  const world = new SimulatedWorld({ seed: 7, replicas: 2, ...roomy });
  const deaf = new Set<number>();
  const watch = world.api.watch.bind(world.api);
  let opened = 0;
  world.api.watch = async function* <T extends KubeObject>(type: ResourceType, options: WatchOptions) {
    const number = type.plural === kind.plural ? opened++ : -1;
    for await (const event of watch<T>(type, options)) {
      while (deaf.has(number)) await new Promise<void>((resolve) => void world.clock.after(500, resolve));
      yield event;
    }
  };
  await world.begin();
  await world.advance(30 * second);
  const leader = world.replicas[0]?.isLeading === true ? 0 : 1;
  deaf.add(1 - leader);
  return {
    world,
    takeOver: () => {
      world.retire(leader);
    },
  };
}

function ratesOf(world: SimulatedWorld): number {
  return world.vms().reduce((sum, vm) => sum + (vm.computeRate + vm.storageRate) / 1e9, 0);
}

describe('a new leader whose watch was behind', () => {
  it('keeps the cost of a pool that it has not heard of', async () => {
    const { world, takeOver } = await deafStandby(gpuPoolType);
    await PoolOfWorld.in(world, { replicas: 6, maxHourlyCost: '0.50' });
    await world.advance(3 * minute);
    expect(ratesOf(world)).toBeGreaterThan(0);
    takeOver();
    await world.advance(5 * minute);
    expect(ratesOf(world)).toBeLessThanOrEqual(0.5);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('keeps a budget that it has not heard of', async () => {
    const { world, takeOver } = await deafStandby(gpuBudgetType);
    await world.allow({ vms: 2 });
    for (let index = 0; index < 6; index++) await world.apply(`vm-${String(index)}`);
    await world.advance(3 * minute);
    expect(world.vms()).toHaveLength(2);
    takeOver();
    await world.advance(5 * minute);
    expect(world.vms()).toHaveLength(2);
    expect(world.watchdog.breaches).toEqual([]);
  });
});

describe('members that stop to be Ready one shortly after the other', () => {
  it.each([10, 45])('are tried anew one at a time where they are most of the pool: %d s apart', async (apart) => {
    const world = await createWorld({ seed: 5, ...roomy });
    const pool = await PoolOfWorld.in(world, { replicas: 8 });
    await pool.untilReady(8);
    const ids = world.vms().map(({ id }) => id);
    for (const id of ids) {
      world.control('POST', `vms/${id}`, { status: 'Maintenance' });
      await world.advance(apart * second);
    }
    const isLeft = ({ id }: { id: string }): boolean => ids.includes(id);
    await pool.until('repairs stop', () => pool.condition('Repairing') === 'False TooManyUnhealthy');
    expect(world.vms().filter(isLeft)).toHaveLength(8);
    await pool.until('one is replaced', () => world.vms().filter(isLeft).length === 7);
    await world.advance(5 * minute);
    expect(pool.condition('Repairing')).toBe('False TooManyUnhealthy');
    expect(world.vms().filter(isLeft)).toHaveLength(7);
    // What is made anew works: so the rest follows.
    await pool.until('all are Ready', () => pool.ready === 8, 120 * minute);
    await pool.untilReady(8);
    expect(pool.status.breaker).toBeUndefined();
    expect(world.watchdog.breaches).toEqual([]);
  });
});

describe('a pool that is made smaller by mistake', () => {
  it('loses no more members once that is taken back', async () => {
    const world = await createWorld({ seed: 2, requestsPerSecond: 10, simulator: { hosts: 120 } });
    const pool = await PoolOfWorld.in(world, { replicas: 40 });
    await pool.untilReady(40);
    world.kubeWeather.delay = { least: 300, most: 300 };
    const isLeft = (): boolean => pool.members.some(({ metadata }) => metadata.deletionTimestamp !== undefined);
    const old = new Set(pool.members.map(({ metadata }) => metadata.uid));
    await pool.patch({ replicas: 0 });
    expect(await world.until(isLeft, minute, 10)).toBeDefined();
    await pool.patch({ replicas: 40 });
    await world.advance(5 * minute);
    const survivors = pool.members.filter(({ metadata }) => old.has(metadata.uid));
    // Those of the batches that were under way by the time that the operator could have heard of it.
    expect(survivors.length).toBeGreaterThanOrEqual(30);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('keeps a member that somebody has taken out of it, though the operator has not heard of that', async () => {
    const world = await createWorld({ seed: 3, ...roomy });
    const pool = await PoolOfWorld.in(world, { replicas: 3, scaleIn: { policy: 'Newest' } });
    await pool.untilReady(3);
    await world.advance(minute);
    const names = pool.members.map(({ metadata }) => metadata.name);
    world.api.holdWatches(true, gpuVmType);
    for (const name of names.slice(1)) {
      await world.api.mergePatch(gpuVmType, { namespace: 'research', name }, { metadata: { ownerReferences: null } });
    }
    await pool.patch({ replicas: 1 });
    await world.advance(30 * second);
    world.api.holdWatches(false, gpuVmType);
    await world.advance(5 * minute);
    expect(names.map((name) => world.resource(name)?.metadata.name)).toEqual(names);
    expect(world.vms()).toHaveLength(3);
    expect(world.watchdog.breaches).toEqual([]);
  });
});

describe('a pool that is made smaller while nobody has heard that', () => {
  it('a member has become Ready takes another one away', async () => {
    const world = await createWorld({ seed: 5, ...roomy });
    const pool = await PoolOfWorld.in(world, { replicas: 2, maxHourlyCost: '0.20' });
    await pool.until('one is Ready', () => pool.ready === 1);
    const isReady = (name: string): boolean => world.conditionOf(name, 'Ready') === 'True Running';
    const waiting = pool.members.map(({ metadata }) => metadata.name).find((name) => !isReady(name)) ?? '';
    world.api.holdWatches(true, gpuVmType);
    const status = world.statusOf(waiting);
    const conditions = status?.conditions?.map((one) =>
      one.type === 'Ready' ? { ...one, status: 'True', reason: 'Running' } : one,
    );
    await world.api.mergePatch(
      gpuVmType,
      { namespace: 'research', name: waiting },
      { status: { conditions } },
      'status',
    );
    let deletions = 0;
    world.atNext('before delete gpuvms', () => (deletions += 1));
    await pool.patch({ replicas: 1 });
    await world.advance(30 * second);
    const left = (name: string): boolean => world.resource(name)?.metadata.deletionTimestamp !== undefined;
    expect(left(waiting)).toBe(false);
    expect(deletions).toBe(1);
  });
});

describe('a member that is written to when it is to be deleted', () => {
  it('keeps its place until it is gone: no other one is made for that before', async () => {
    const world = await createWorld({ seed: 5, ...roomy });
    // One of the two waits for room, and goes first when the template changes.
    const pool = await PoolOfWorld.in(world, { replicas: 2, maxHourlyCost: '0.20' });
    await pool.until('one is Ready', () => pool.ready === 1);
    const waiting = pool.members.find(({ metadata }) => world.conditionOf(metadata.name, 'Ready') !== 'True Running');
    let isWritten = false;
    world.atNext('before delete gpuvms', () => {
      isWritten = true;
      void world.annotate(waiting?.metadata.name ?? '', { note: 'written meanwhile' });
    });
    await pool.patch({ template: { spec: { ...easySpec, vcpus: 4 } } });
    await world.advance(2 * minute);
    expect(isWritten).toBe(true);
    expect(world.resource(waiting?.metadata.name ?? '')).toBeUndefined();
    expect(world.watchdog.breaches).toEqual([]);
  });
});

describe('a member whose creation was late', () => {
  it('gets no VM when its pool is gone by then', async () => {
    const world = await createWorld({ seed: 3, replicas: 2, ...roomy });
    const pool = await PoolOfWorld.in(world, { replicas: 2 });
    await pool.untilReady(2);
    world.freezeAt('before create gpuvms', 120 * second);
    await pool.patch({ replicas: 3 });
    await world.advance(40 * second);
    await world.deletePool('inference');
    expect(await world.until(() => pool.object === undefined, minute)).toBeDefined();
    await world.advance(10 * minute);
    expect(world.vms()).toEqual([]);
    expect(world.resources().map(({ metadata }) => world.conditionOf(metadata.name, 'Ready'))).toEqual([
      'False PoolNotFound',
    ]);
  });
});
