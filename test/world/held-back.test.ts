import { expect, it } from 'vitest';

import { finalizerName } from '../../src/api/group.ts';
import { createWorld, easySpec, type SimulatedWorld } from './world.ts';

const second = 1000;
const minute = 60 * second;
const deploy = 'client/deploy/single';

function isHeldBack(world: SimulatedWorld, name = 'trainer'): boolean {
  return world.resource(name)?.metadata.finalizers?.includes(finalizerName) === true;
}

async function untilReady(world: SimulatedWorld, within: number): Promise<void> {
  const isReady = (): boolean => world.conditionOf('trainer', 'Ready') === 'True Running';
  expect(await world.until(isReady, within)).toBeDefined();
  expect([world.vms().length, isHeldBack(world)]).toEqual([1, true]);
  expect(world.watchdog.breaches).toEqual([]);
}

/** The operator has its hosts and lists, and the API server takes so long for each way of a request. */
async function slowWorld(ms: number): Promise<SimulatedWorld> {
  const world = await createWorld({ seed: 91 });
  await world.advance(10 * second);
  world.kubeWeather.delay = { least: ms, most: ms };
  return world;
}

it('a resource that waits is held back by nothing: it goes at once', async () => {
  const world = await createWorld({ seed: 90 });
  await world.apply('trainer', { ...easySpec, gpu: { models: ['no-such-gpu'], count: 1 } });
  expect(await world.until(() => world.statusOf('trainer')?.phase === 'Pending', minute)).toBeDefined();
  await world.advance(minute);
  expect(isHeldBack(world)).toBe(false);
  await world.delete('trainer');
  expect(world.resource('trainer')).toBeUndefined();
  await world.advance(minute);
  expect(world.watchdog.breaches).toEqual([]);
});

it('a turn that comes within a second is not waited for aloud, and a longer wait is said', async () => {
  const world = await createWorld({ seed: 92 });
  await world.advance(10 * second);
  const names = ['one', 'two', 'three', 'four'];
  const isSaid = (name: string): boolean => world.conditionOf(name, 'Ready') === 'False WaitingForTurn';
  const said = new Set<string>();
  for (const name of names) await world.apply(name);
  const isOver = (): boolean => {
    for (const name of names.filter(isSaid)) said.add(name);
    return names.every((name) => world.conditionOf(name, 'Ready') === 'True Running');
  };
  expect(await world.until(isOver, 5 * minute, 50)).toBeDefined();
  expect([said.has('one'), said.has('four')]).toEqual([false, true]);
  expect(world.watchdog.breaches).toEqual([]);
});

it('a resource that is deleted while it is being held back gets no VM', async () => {
  const world = await slowWorld(second);
  await world.apply('trainer');
  expect(await world.until(() => isHeldBack(world), minute, 100)).toBeDefined();
  await world.delete('trainer');
  expect(await world.until(() => world.resource('trainer') === undefined, 10 * minute)).toBeDefined();
  expect(world.requestsOf(deploy)).toBe(0);
});

it('a process that sleeps between the finalizer and the intent decides anew: the price may be another one', async () => {
  const world = await slowWorld(second);
  await world.apply('trainer', { ...easySpec, maxHourlyPrice: '0.60' });
  expect(await world.until(() => isHeldBack(world), minute, 100)).toBeDefined();
  const { machine } = world.provider;
  for (const { id } of machine.world.hosts.values()) world.control('POST', `hosts/${id}`, { cpu: { price: '0.9' } });
  world.replicas[0]?.freeze(minute);
  await world.advance(5 * minute);
  expect(world.requestsOf(deploy)).toBe(0);
  for (const { id } of machine.world.hosts.values()) world.control('POST', `hosts/${id}`, { cpu: { price: '0.003' } });
  await untilReady(world, 10 * minute);
});

it('somebody’s write between the finalizer and the intent costs another look, and no proof', async () => {
  const world = await slowWorld(second);
  await world.apply('trainer');
  expect(await world.until(() => isHeldBack(world), minute, 100)).toBeDefined();
  await world.apply('trainer', {}, { 'example.com/note': 'seen' });
  await untilReady(world, minute);
});

it('a process that is killed between the finalizer and the intent is followed by one that deploys, once', async () => {
  const world = await slowWorld(second);
  await world.apply('trainer');
  expect(await world.until(() => isHeldBack(world), minute, 100)).toBeDefined();
  expect(world.statusOf('trainer')?.launch).toBeUndefined();
  await world.restart();
  await untilReady(world, 5 * minute);
  expect(world.requestsOf(deploy)).toBe(1);
});
