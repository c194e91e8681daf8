import { expect, test } from 'vitest';

import { toNanos } from '../../src/sim/ledger.ts';
import { createWorld, easySpec, type SimulatedWorld } from './world.ts';

const minute = 60_000;
const hour = 60 * minute;

/** By the labels, as Prometheus would read them. */
async function counters(world: SimulatedWorld, replica = 0): Promise<Map<string, number>> {
  const text = (await world.replicas[replica]?.scrape()) ?? '';
  const lines = text.matchAll(/^gpuvm_cost_dollars_total\{(.*)\} (\S+)$/gm);
  return new Map([...lines].map(([, labels = '', value = '']) => [labels.replaceAll('"', ''), Number(value)]));
}

function sum(costs: ReadonlyMap<string, number>): number {
  return [...costs.values()].reduce((all, cost) => all + cost, 0);
}

function billed(world: SimulatedWorld): number {
  const { ledger } = world.provider.machine.world;
  ledger.accrue(world.clock.now());
  return 100_000 - toNanos(ledger.balance) / 1e9;
}

async function untilReady(world: SimulatedWorld, name: string, reason = 'Running'): Promise<void> {
  expect(
    await world.until(() => world.conditionOf(name, 'Ready')?.endsWith(reason) === true, 10 * minute),
  ).toBeDefined();
}

test('what the provider bills is charged, and at most the minutes more in which a VM may be there already, or still', async () => {
  const world = await createWorld({ seed: 3, operator: { costLabels: ['gpuvm.dev/pool'] } });
  await world.apply('a');
  await world.apply('spot-b', { ...easySpec, bid: { price: '0.5' } });
  await untilReady(world, 'a');
  await untilReady(world, 'spot-b');
  await world.advance(5 * hour);
  await world.apply('a', { powerState: 'Released' });
  await untilReady(world, 'a', 'Released');
  await world.advance(30 * hour);
  await world.delete('spot-b');
  await world.until(() => world.resource('spot-b') === undefined, 10 * minute);
  await world.advance(3 * hour);

  const costs = await counters(world);
  expect([...costs.keys()].toSorted()).toEqual([
    'kind=GpuVm,namespace=research,label_gpuvm_dev_pool=',
    'kind=SpotVm,namespace=research,label_gpuvm_dev_pool=',
  ]);
  const more = sum(costs) - billed(world);
  expect(billed(world)).toBeGreaterThan(1);
  expect(more).toBeGreaterThanOrEqual(0);
  // Two VMs of less than a dollar an hour, and five minutes for each way.
  expect(more).toBeLessThan((2 * 2 * 5) / 60);
  expect(world.watchdog.breaches).toEqual([]);
});

test('a process that takes over counts from nothing, and one that only waits counts nothing', async () => {
  const world = await createWorld({ seed: 4, replicas: 2 });
  const leader = (): number => world.replicas.findIndex((replica) => replica.isLeading);
  expect(await world.until(() => leader() >= 0, 5 * minute)).toBeDefined();
  await world.apply('a');
  await untilReady(world, 'a');
  await world.advance(10 * hour);
  const first = leader();
  const [before, waiting] = [await counters(world, first), await counters(world, 1 - first)];
  expect(sum(before)).toBeGreaterThan(1);
  expect([...waiting.keys()]).toEqual([]);

  world.retire(first);
  expect(await world.until(() => leader() === 1 - first, 5 * minute)).toBeDefined();
  await world.advance(hour);
  expect(sum(await counters(world, 1 - first))).toBeCloseTo(sum(before) / 10, 1);
});
