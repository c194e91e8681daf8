import { describe, expect, it } from 'vitest';

import { intercept } from './interception.ts';
import { createWorld, easySpec, type SimulatedWorld } from './world.ts';

/** Somebody writes statuses by hand, or empties them: what they said of a VM is to be found out anew, and nothing doubled. */

const second = 1000;
const minute = 60 * second;
const deploy = 'client/deploy/single';

function isReady(world: SimulatedWorld, name: string): boolean {
  return world.conditionOf(name, 'Ready') === 'True Running';
}

async function worldWith(...names: readonly string[]): Promise<SimulatedWorld> {
  const world = await createWorld({ seed: 50 });
  for (const name of names) await world.apply(name);
  expect(await world.until(() => names.every((name) => isReady(world, name)), 5 * minute)).toBeDefined();
  return world;
}

/** The process has died in a deploy call that takes effect late, and nothing is left of its intent when the next one starts. */
async function withoutIntent(): Promise<SimulatedWorld> {
  const world = await worldWith('beside');
  let isNext = true;
  intercept(world, (request, usual) => {
    if (request.path !== deploy || !isNext) return undefined;
    isNext = false;
    world.clock.after(100 * second, usual);
    return { kind: 'cut', delayMs: 30 * second, carriedOut: false };
  });
  await world.apply('trainer');
  expect(await world.until(() => world.requestsOf(deploy) === 2, minute, 100)).toBeDefined();
  world.crash();
  await world.emptyStatus('trainer');
  await world.start();
  return world;
}

describe('a status that somebody edited', () => {
  it('has its VM taken over again by its mark', async () => {
    const world = await worldWith('trainer');
    const id = world.statusOf('trainer')?.vm?.id;
    await world.editStatus('trainer', { vm: null, launch: null });
    await world.advance(minute);
    expect(world.statusOf('trainer')).toMatchObject({ vm: { id }, launch: { outcome: 'Launched' } });
    expect(world.requestsOf(deploy)).toBe(1);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('lets no resource go before a list shows that nothing of it is left', async () => {
    const world = await worldWith('trainer');
    world.crash();
    await world.editStatus('trainer', { vm: null, launch: null });
    world.fault({ endpoint: 'client/list', kind: 'error-500' });
    await world.start();
    await world.advance(10 * second);
    await world.delete('trainer');
    await world.advance(10 * minute);
    expect(world.resource('trainer')).toBeDefined();
    await expectGoneAfterTrouble(world);
  });

  it('lets no resource go by a list that cannot be trusted', async () => {
    const world = await worldWith('trainer');
    world.crash();
    await world.delete('trainer');
    await world.editStatus('trainer', { vm: null, launch: null });
    world.fault({ endpoint: 'client/list', kind: 'empty-list' });
    await world.start();
    await world.advance(10 * minute);
    expect(world.resource('trainer')).toBeDefined();
    await expectGoneAfterTrouble(world);
  });

  it('and emptied leads to no deployment by a list that cannot be trusted', async () => {
    const world = await worldWith('trainer');
    const id = world.statusOf('trainer')?.vm?.id;
    world.fault({ endpoint: 'client/list', kind: 'empty-list' });
    await world.advance(minute);
    await world.emptyStatus('trainer');
    await world.advance(10 * minute);
    await world.restart();
    await world.advance(10 * minute);
    expect(world.requestsOf(deploy)).toBe(1);
    expect(world.conditionOf('trainer', 'Ready')).toBe('False CreateUncertain');
    world.clearFaults();
    expect(await world.until(() => world.statusOf('trainer')?.vm?.id === id, minute)).toBeDefined();
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('and emptied while a deploy call was under way leads to no other one', async () => {
    const world = await withoutIntent();
    expect(await world.until(() => world.statusOf('trainer')?.vm !== undefined, 3 * minute)).toBeDefined();
    expect(world.requestsOf(deploy)).toBe(2);
    expect(world.vms()).toHaveLength(2);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('and emptied while a deploy call was under way lets no resource go without what that has made', async () => {
    const world = await withoutIntent();
    await world.delete('trainer');
    expect(await world.until(() => world.resource('trainer') === undefined, 5 * minute)).toBeDefined();
    expect(world.vms()).toHaveLength(1);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('and emptied has another VM deployed once two lists prove that there is none', async () => {
    const world = await worldWith('beside', 'trainer');
    world.crash();
    world.control('POST', `vms/${world.statusOf('trainer')?.vm?.id ?? ''}`, { remove: true });
    await world.emptyStatus('trainer');
    await world.start();
    await world.advance(2 * minute);
    expect(world.requestsOf(deploy)).toBe(2);
    expect(await world.until(() => isReady(world, 'trainer'), 3 * minute)).toBeDefined();
    expect(world.requestsOf(deploy)).toBe(3);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it.each(['Launched', 'Overpriced'])(
    'and says %s without a VM leads to no deployment by a list that cannot be trusted',
    async (outcome) => {
      const world = await worldWith('trainer');
      const id = world.statusOf('trainer')?.vm?.id;
      world.crash();
      await world.editStatus('trainer', { vm: null, launch: { outcome } });
      world.fault({ endpoint: 'client/list', kind: 'empty-list' });
      await world.start();
      await world.advance(10 * minute);
      expect(world.requestsOf(deploy)).toBe(1);
      world.clearFaults();
      expect(await world.until(() => world.statusOf('trainer')?.vm?.id === id, minute)).toBeDefined();
      expect(world.watchdog.breaches).toEqual([]);
    },
  );

  it('and emptied leads to no second replacement while lists show only the spot VM that was replaced', async () => {
    const world = await createWorld({ seed: 51 });
    const spec = { ...easySpec, gpu: { models: ['v100-pcie-16gb'], count: 1 }, onOutbid: 'Replace' };
    const market = (price: string): void => {
      world.control('POST', 'market', { gpuModel: 'v100-pcie-16gb', price });
    };
    market('0.10');
    await world.apply('spot-a', { ...spec, bid: { price: '0.12', maxPrice: '0.30' }, outbidRetention: '1h' });
    expect(await world.until(() => isReady(world, 'spot-a'), 5 * minute)).toBeDefined();
    const first = world.statusOf('spot-a')?.vm?.id;
    market('0.20');
    const isReplaced = (): boolean => isReady(world, 'spot-a') && world.statusOf('spot-a')?.vm?.id !== first;
    expect(await world.until(isReplaced, 10 * minute)).toBeDefined();
    const { id } = world.statusOf('spot-a')?.vm ?? {};
    world.providerWeather.omits = (vmId) => vmId === id;
    await world.advance(minute);
    await world.emptyStatus('spot-a');
    await world.advance(10 * minute);
    expect(world.requestsOf(deploy)).toBe(2);
    world.providerWeather.omits = undefined;
    expect(await world.until(() => world.statusOf('spot-a')?.vm?.id === id, 10 * minute)).toBeDefined();
    expect(world.watchdog.breaches).toEqual([]);
  });
});

async function expectGoneAfterTrouble(world: SimulatedWorld): Promise<void> {
  world.clearFaults();
  expect(await world.until(() => world.resource('trainer') === undefined, 5 * minute)).toBeDefined();
  expect(world.vms()).toEqual([]);
  expect(world.watchdog.breaches).toEqual([]);
}
