import { expect, it } from 'vitest';

import { gpuBudgetType } from '../../src/api/group.ts';
import { namespaceType } from '../../src/controllers/objects.ts';
import { KubeError } from '../../src/kube/contract.ts';
import { limitRunway, rateOf, setBalance } from './balances.ts';
import { createWorld, easySpec, type SimulatedWorld } from './world.ts';

/** What a process that takes over does by what it was told last, where that is late. */

const second = 1000;
const minute = 60 * second;

function ready(world: SimulatedWorld, name: string): string | undefined {
  return world.conditionOf(name, 'Ready');
}

function market(world: SimulatedWorld, price: string): void {
  world.control('POST', 'market', { gpuModel: 'v100-pcie-16gb', price });
}

it('a process that takes over deletes no VM in use, though it was not told that another one has been replaced by it', async () => {
  const world = await createWorld({ seed: 72, replicas: 2 });
  market(world, '0.22');
  const gpu = { models: ['v100-pcie-16gb'], count: 1 };
  await world.apply('spot-a', { ...easySpec, gpu, bid: { price: '0.10', maxPrice: '0.30' }, onOutbid: 'Replace' });
  expect(await world.until(() => ready(world, 'spot-a') === 'True Running', 10 * minute)).toBeDefined();
  await world.advance(3 * minute);
  const before = world.statusOf('spot-a')?.vm?.id;
  world.holdWatches(true);
  market(world, '0.28');
  const isReplaced = (): boolean => {
    const status = world.statusOf('spot-a');
    return status?.vm !== undefined && status.vm.id !== before && status.retiring?.[0]?.replacedAt !== undefined;
  };
  expect(await world.until(isReplaced, 10 * minute)).toBeDefined();
  const inUse = world.statusOf('spot-a')?.vm?.id;
  world.retire(world.replicas.findIndex((replica) => replica.isLeading));
  await world.advance(3 * minute);
  world.holdWatches(false);
  await world.advance(3 * minute);
  expect(world.statusOf('spot-a')).toMatchObject({ vm: { id: inUse }, retiring: [{ id: before }] });
  expect(
    world
      .vms()
      .filter(({ status }) => status === 'Running')
      .map(({ id }) => id),
  ).toEqual([inUse]);
  expect(world.watchdog.breaches).toEqual([]);
});

it('a process that cannot read what there is stops VMs all the same, and deletes none before it can', async () => {
  const world = await createWorld({ seed: 73 });
  for (const name of ['stopped', 'deleted']) await world.apply(name);
  expect(await world.until(() => ready(world, 'deleted') === 'True Running', 10 * minute)).toBeDefined();
  await world.advance(minute);
  await world.restart();
  await world.advance(minute);
  const list = world.api.list.bind(world.api);
  let isRefused = true;
  world.api.list = (type, ...rest) => {
    if (isRefused && type.kind === gpuBudgetType.kind) return Promise.reject(new KubeError('not now', 'unavailable'));
    return list(type, ...rest);
  };
  await world.apply('stopped', { powerState: 'Released' });
  await world.delete('deleted');
  expect(await world.until(() => world.statusOf('stopped')?.phase === 'Released', 2 * minute)).toBeDefined();
  await world.advance(10 * minute);
  expect(world.vms()).toHaveLength(2);
  isRefused = false;
  expect(await world.until(() => world.resource('deleted') === undefined, 15 * minute)).toBeDefined();
  expect(world.vms()).toHaveLength(1);
});

it('a process that cannot read what there is releases VMs for a budget and for want of balance by what it knows', async () => {
  const world = await createWorld({ seed: 74 });
  for (const [name, priority] of [['needed', 5] as const, ['spare', 0] as const])
    await world.apply(name, { ...easySpec, priority });
  expect(await world.until(() => ready(world, 'spare') === 'True Running', 10 * minute)).toBeDefined();
  await world.advance(minute);
  await world.restart();
  await world.advance(minute);
  const list = world.api.list.bind(world.api);
  world.api.list = (type, ...rest) =>
    type.kind === namespaceType.kind ? Promise.reject(new KubeError('not now', 'unavailable')) : list(type, ...rest);
  await world.allow({ gpus: 1 }, 'StopByPriority');
  expect(await world.until(() => ready(world, 'spare') === 'False StoppedByBudget', 10 * minute)).toBeDefined();
  await limitRunway(world, { minRunway: '6h', releaseBelowRunway: '2h' });
  setBalance(world, rateOf(world).toFixed(9));
  expect(await world.until(() => ready(world, 'needed') === 'False StoppedForBalance', 30 * minute)).toBeDefined();
  expect(world.watchdog.breaches).toEqual([]);
});

it('a process that knows a resource only from before its VM looks again before it holds it back, and stops the VM in time', async () => {
  const world = await createWorld({ seed: 77, replicas: 2 });
  const { machine } = world.provider;
  const setPrice = (price: string): void => {
    for (const { id } of machine.world.hosts.values()) world.control('POST', `hosts/${id}`, { cpu: { price } });
  };
  setPrice('0.9');
  const schedule = { start: '0 0 * * *', stop: '2 0 * * *', action: 'Release' };
  await world.apply('trainer', { ...easySpec, maxHourlyPrice: '0.60', schedule });
  expect(await world.until(() => ready(world, 'trainer')?.startsWith('False') === true, minute)).toBeDefined();
  await world.advance(minute);
  world.holdWatches(true);
  setPrice('0.003');
  expect(await world.until(() => ready(world, 'trainer') === 'True Running', 10 * minute)).toBeDefined();
  world.retire(world.replicas.findIndex((replica) => replica.isLeading));
  await world.advance(Date.parse('2026-01-01T00:02:00Z') - world.clock.now());
  const isOff = (): boolean => world.vms().every(({ status }) => status !== 'Running');
  expect(await world.until(isOff, 30 * second)).toBeDefined();
  expect(world.watchdog.breaches).toEqual([]);
});
