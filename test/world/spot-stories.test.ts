import { describe, expect, it } from 'vitest';

import { createWorld, easySpec, type SimulatedWorld } from './world.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

const spec = { ...easySpec, gpu: { models: ['v100-pcie-16gb'], count: 1 } };

function market(world: SimulatedWorld, price: string | null): void {
  world.control('POST', 'market', { gpuModel: 'v100-pcie-16gb', price });
}

function ready(world: SimulatedWorld): string | undefined {
  return world.conditionOf('spot-a', 'Ready');
}

async function until(world: SimulatedWorld, sentence: string, limitMs = 10 * minute): Promise<void> {
  const took = await world.until(() => ready(world) === sentence, limitMs);
  expect(took, `${sentence}, but ${ready(world) ?? ''}`).toBeDefined();
}

async function spotWorld(seed: number, terms: object, simulator: object = {}): Promise<SimulatedWorld> {
  const world = await createWorld({ seed, simulator });
  market(world, '0.22');
  await world.apply('spot-a', { ...spec, bid: { price: '0.10', maxPrice: '0.30' }, ...terms });
  await until(world, 'True Running');
  expect(world.statusOf('spot-a')).toMatchObject({ vm: { capacity: 'Spot' }, spot: { market: 'Winning' } });
  return world;
}

function bids(world: SimulatedWorld): number[] {
  return world.vms().map(({ bid = 0 }) => bid / 1e9);
}

async function expectGone(world: SimulatedWorld): Promise<void> {
  await world.delete('spot-a');
  expect(await world.until(() => world.resource('spot-a') === undefined, 10 * minute)).toBeDefined();
  expect(world.vms()).toEqual([]);
  expect(world.watchdog.breaches).toEqual([]);
}

describe('the life of one SpotVm', () => {
  it('is deployed by the lowest bid that wins, to within a cent', async () => {
    const world = await spotWorld(1, {});
    expect(bids(world)[0]).toBeGreaterThanOrEqual(0.22);
    expect(bids(world)[0]).toBeLessThanOrEqual(0.23);
    await expectGone(world);
  });

  it('waits, and comes back with its disk when its bid wins again', async () => {
    const world = await spotWorld(2, { onOutbid: 'Wait' });
    const [vm] = world.vms();
    market(world, '0.40');
    await until(world, 'False Outbid', minute);
    expect(world.statusOf('spot-a')).toMatchObject({ spot: { market: 'Outbid', outbidCount: 1 } });
    await world.advance(30 * minute);
    expect(ready(world)).toBe('False Outbid');
    market(world, '0.15');
    await until(world, 'True Running', 15 * minute);
    expect(world.vms().map(({ id }) => id)).toEqual([vm?.id]);
    expect(world.statusOf('spot-a')?.spot).toEqual({
      market: 'Winning',
      outbidCount: 1,
      outbidTimes: [expect.any(String)],
    });
    await expectGone(world);
  });

  it('is replaced by a higher bid, keeps the old disk for a while, and deletes it then', async () => {
    const world = await spotWorld(3, { onOutbid: 'Replace', outbidRetention: '1h' });
    const [old] = world.vms();
    market(world, '0.28');
    await until(world, 'False Outbid', minute);
    await until(world, 'True Running');
    const status = world.statusOf('spot-a');
    expect(status?.vm?.id).not.toBe(old?.id);
    expect(Number(status?.vm?.bid)).toBeGreaterThanOrEqual(0.28);
    expect(status?.retiring).toMatchObject([
      { id: old?.id, bid: expect.any(String) as string, keepUntil: expect.any(String) as string },
    ]);
    expect(world.vms()).toHaveLength(2);
    await world.advance(70 * minute);
    expect(world.vms().map(({ id }) => id)).toEqual([status?.vm?.id]);
    expect(world.statusOf('spot-a')?.retiring).toBeUndefined();
    await expectGone(world);
  });

  it('goes on demand, and back to spot when a bid has been winnable for a while', async () => {
    const terms = {
      onOutbid: 'OnDemand',
      maxHourlyPrice: '2.00',
      outbidRetention: '10m',
      returnToSpot: { after: '15m' },
    };
    const world = await spotWorld(4, terms);
    market(world, '0.50');
    const isOnDemand = (): boolean => world.statusOf('spot-a')?.spot?.market === 'OnDemand';
    expect(await world.until(isOnDemand, minute)).toBeDefined();
    await until(world, 'True Running');
    expect(world.trace.some((line) => line.includes('Ready=False Outbid'))).toBe(true);
    expect(world.statusOf('spot-a')).toMatchObject({ vm: { capacity: 'OnDemand' }, spot: { outbidCount: 1 } });
    await world.advance(hour);
    expect(world.statusOf('spot-a')).toMatchObject({ vm: { capacity: 'OnDemand' }, spot: { market: 'OnDemand' } });
    market(world, '0.25');
    const isBack = (): boolean =>
      world.statusOf('spot-a')?.spot?.market === 'Winning' && ready(world) === 'True Running';
    expect(await world.until(isBack, hour)).toBeGreaterThanOrEqual(10 * minute);
    await world.advance(20 * minute);
    expect(world.vms()).toHaveLength(1);
    await expectGone(world);
  });

  it('bids no more once it was outbid too often, says so, and bids again when that is long enough ago', async () => {
    const world = await spotWorld(5, { onOutbid: 'Wait', outbidLimit: { count: 2, window: '1h' } });
    for (const reason of ['Outbid', 'OutbidTooOften']) {
      market(world, '0.40');
      await until(world, `False ${reason}`, minute);
      market(world, '0.15');
      if (reason === 'Outbid') await until(world, 'True Running', 15 * minute);
    }
    const starts = world.requestsOf('client/start/single');
    await world.advance(40 * minute);
    expect(ready(world)).toBe('False OutbidTooOften');
    expect(world.requestsOf('client/start/single')).toBe(starts);
    await until(world, 'True Running', 40 * minute);
    await expectGone(world);
  });

  it('pays nothing for a VM that costs more than was bid: it goes at once, and its host is left alone for a while', async () => {
    const world = await createWorld({ seed: 6 });
    market(world, '0.22');
    world.providerWeather.overcharges = true;
    await world.apply('spot-a', { ...spec, bid: { price: '0.10', maxPrice: '0.30' } });
    const isRefused = (): boolean => world.statusOf('spot-a')?.launch?.outcome === 'Overpriced';
    expect(await world.until(isRefused, minute)).toBeDefined();
    expect(await world.until(() => world.vms().length === 0, minute)).toBeDefined();
    world.providerWeather.overcharges = false;
    // No other host has such GPUs.
    await until(world, 'False NoOffer');
    expect(world.requestsOf('client/deploy/single')).toBe(1);
    await until(world, 'True Running');
    await expectGone(world);
  });
});
