import { expect, it } from 'vitest';

import { createWorld, easySpec, type SimulatedWorld } from './world.ts';

const second = 1000;
const minute = 60 * second;
const start = 'client/start/single';

function market(world: SimulatedWorld, price: string): void {
  world.control('POST', 'market', { gpuModel: 'v100-pcie-16gb', price });
}

function running(world: SimulatedWorld): string[] {
  return world.vms().flatMap(({ id, status }) => (status === 'Running' ? [id] : []));
}

async function until(world: SimulatedWorld, sentence: string, limitMs = minute): Promise<void> {
  const isSaid = (): boolean => world.conditionOf('spot-a', 'Ready')?.endsWith(sentence) === true;
  expect(await world.until(isSaid, limitMs, 100), sentence).toBeDefined();
}

/** A spot VM that was released, and that its owner wants to run a moment later; the call that starts it is long on its way. */
async function withSlowStart(): Promise<SimulatedWorld> {
  const world = await createWorld({ seed: 71 });
  market(world, '0.22');
  const gpu = { models: ['v100-pcie-16gb'], count: 1 };
  await world.apply('spot-a', { ...easySpec, gpu, bid: { price: '0.10', maxPrice: '0.30' }, onOutbid: 'Replace' });
  await until(world, 'Running', 10 * minute);
  await world.advance(2 * minute);
  await world.apply('spot-a', { powerState: 'Released' });
  await until(world, 'Released');
  world.providerWeather.heldUp = { path: start, ms: 100 * second };
  await world.apply('spot-a', { powerState: 'Running' });
  await until(world, 'Starting');
  return world;
}

it('a start whose answer was lost is not forgotten for a list from before the VM was down: two VMs would run', async () => {
  const world = await withSlowStart();
  const [only] = world.vms();
  market(world, '0.28');
  await world.advance(29 * second);
  world.fault({ endpoint: 'client/list', kind: 'stale-list', ms: 45 * second });
  await until(world, 'True Running');
  world.clearFaults();
  expect(running(world)).toEqual([]);
  await world.advance(40 * second);
  market(world, '0.22');
  for (let step = 0; step < 180; step++) {
    await world.advance(second);
    expect(running(world).length).toBeLessThanOrEqual(1);
  }
  expect(running(world)).toEqual([only?.id]);
});
