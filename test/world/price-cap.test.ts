import { describe, expect, it } from 'vitest';

import { KubeError, type KubeApi, type KubeObject } from '../../src/kube/contract.ts';
import { hidePrices, intercept } from './interception.ts';
import { createWorld, easySpec, type SimulatedWorld } from './world.ts';

/** A cap is a promise, and prices move between the inventory and the bill. */

const minute = 60_000;
const capped = { ...easySpec, maxHourlyPrice: '0.60' };

function isReady(world: SimulatedWorld, name: string): boolean {
  return world.conditionOf(name, 'Ready') === 'True Running';
}

/** All hosts ask that much for a vCPU from now on. */
function setPrices(world: SimulatedWorld, price: string): void {
  for (const host of world.provider.machine.world.hosts.values()) {
    world.control('POST', `hosts/${host.id}`, { cpu: { price } });
  }
}

/** The market moves while the next such call is on its way. */
function raisePricesBefore(world: SimulatedWorld, path: string): void {
  let isNext = true;
  intercept(world, (request) => {
    if (request.path !== path || !isNext) return undefined;
    isNext = false;
    setPrices(world, '0.9');
    return undefined;
  });
}

function hourlyPrices(world: SimulatedWorld): number[] {
  return world.vms().map((vm) => (vm.computeRate + vm.storageRate) / 1e9);
}

/** A running VM within its cap, which is made bigger while the market moves. */
async function resizedAboveCap(): Promise<SimulatedWorld> {
  const world = await createWorld({ seed: 70, simulator: { stopDelayMs: 5_000, bootDelayMs: 5_000 } });
  await world.apply('trainer', capped);
  expect(await world.until(() => isReady(world, 'trainer'), 5 * minute)).toBeDefined();
  raisePricesBefore(world, 'client/modify/single');
  await world.apply('trainer', { vcpus: 4 });
  const isHeld = (): boolean => world.conditionOf('trainer', 'Ready') === 'False PriceViolation';
  expect(await world.until(isHeld, 10 * minute)).toBeDefined();
  return world;
}

describe('a new VM that is dearer than its cap', () => {
  it('is deleted also when the provider tells its price only once it is built', async () => {
    const world = await createWorld({ seed: 71, simulator: { bootDelayMs: 30_000 } });
    raisePricesBefore(world, 'client/deploy/single');
    intercept(world, ({ path }, usual) => {
      if (path === 'client/deploy/single') return hidePrices(usual());
      return path === 'client/list' ? hidePrices(usual(), ({ status }) => status === 'Deploying') : undefined;
    });
    await world.apply('trainer', capped);
    expect(await world.until(() => world.vms().length > 0, minute)).toBeDefined();
    const gone = await world.until(() => world.statusOf('trainer')?.launch?.outcome === 'Refused', 2 * minute);
    expect(gone).toBeDefined();
    await world.advance(10 * minute);
    expect(hourlyPrices(world)).toEqual([]);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('is left alone when its price, which was within the cap, is hidden for a while and the cap is lowered meanwhile', async () => {
    const world = await createWorld({ seed: 72 });
    await world.apply('trainer', capped);
    expect(await world.until(() => isReady(world, 'trainer'), 5 * minute)).toBeDefined();
    const price = world.statusOf('trainer')?.hourlyPrice;
    world.providerWeather.hidesPrices = true;
    await world.apply('trainer', { maxHourlyPrice: '0.01' });
    await world.advance(5 * minute);
    expect(world.statusOf('trainer')?.hourlyPrice).toEqual(price);
    world.providerWeather.hidesPrices = false;
    await world.advance(5 * minute);
    expect(isReady(world, 'trainer')).toBe(true);
    expect(world.vms()).toHaveLength(1);
  });
});

describe('a VM that is dearer than its cap since it was made bigger', () => {
  it('is released with its disk, says so, and never ran at that price', async () => {
    const world = await resizedAboveCap();
    const [vm] = world.vms();
    expect(vm).toMatchObject({ status: 'StoppedDisassociated', size: { vcpus: 4 } });
    expect(vm!.id).toBe(world.statusOf('trainer')?.vm?.id);
    expect(world.requestsOf('client/start/single')).toBeLessThanOrEqual(1);
    expect(world.conditionOf('trainer', 'UpToDate')).toBe('False ResizeOverPriceCap');
    expect(world.conditionOf('trainer', 'Stalled')).toBe('True PriceViolation');
    await world.advance(60 * minute);
    expect(world.vms()).toMatchObject([{ id: vm!.id, status: 'StoppedDisassociated' }]);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('starts once the cap is raised', async () => {
    const world = await resizedAboveCap();
    await world.apply('trainer', { maxHourlyPrice: '9' });
    expect(await world.until(() => isReady(world, 'trainer'), 5 * minute)).toBeDefined();
    expect(world.conditionOf('trainer', 'UpToDate')).toBe('True SizeMatches');
  });

  it('starts once a smaller size is asked for that is within the cap', async () => {
    const world = await resizedAboveCap();
    setPrices(world, '0.003');
    await world.apply('trainer', { vcpus: 2 });
    expect(await world.until(() => isReady(world, 'trainer'), 5 * minute)).toBeDefined();
    expect(world.statusOf('trainer')).toMatchObject({ size: { vcpus: 2 }, resize: { outcome: 'Done' } });
  });

  it('is held back also where the process is killed, and its user wants the old size again, before anybody has seen the new one', async () => {
    const world = await createWorld({ seed: 73, simulator: { stopDelayMs: 5_000, bootDelayMs: 5_000 } });
    await world.apply('trainer', capped);
    expect(await world.until(() => isReady(world, 'trainer'), 5 * minute)).toBeDefined();
    raisePricesBefore(world, 'client/modify/single');
    intercept(world, ({ path }, usual) => {
      if (path !== 'client/modify/single' || world.crashes > 0) return undefined;
      const exchange = usual();
      world.crash();
      return exchange;
    });
    await world.apply('trainer', { vcpus: 4 });
    expect(await world.until(() => !world.isOperatorAlive, 10 * minute)).toBeDefined();
    expect(world.statusOf('trainer')?.resize).toMatchObject({ to: { vcpus: 4 }, outcome: 'Pending' });
    await world.apply('trainer', { vcpus: 2 });
    const dearest = Math.max(...hourlyPrices(world));
    expect(dearest).toBeGreaterThan(0.6);
    await world.start();
    const isHeldBack = (): boolean => world.conditionOf('trainer', 'Ready') === 'False PriceViolation';
    expect(await world.until(isHeldBack, 10 * minute)).toBeDefined();
    await world.advance(10 * minute);
    expect(world.vms().map(({ status }) => status)).toEqual(['StoppedDisassociated']);
    // Its host asks too much for the old size as well by now.
    expect(world.conditionOf('trainer', 'UpToDate')).toBe('False ResizeOverPriceCap');
    setPrices(world, '0.003');
    expect(await world.until(() => isReady(world, 'trainer'), 10 * minute)).toBeDefined();
    expect(world.statusOf('trainer')?.size?.vcpus).toBe(2);
  });

  it('is changed all the same where the CRD is older, and the API server refuses what is to be written first', async () => {
    const world = await createWorld({ seed: 74 });
    await world.apply('trainer', easySpec);
    expect(await world.until(() => isReady(world, 'trainer'), 5 * minute)).toBeDefined();
    const mergePatch = world.api.mergePatch.bind(world.api);
    let refusals = 0;
    world.api.mergePatch = async <T extends KubeObject>(...given: Parameters<KubeApi['mergePatch']>): Promise<T> => {
      const { status } = given[2] as { status?: { resize?: { outcome?: string } | null } };
      if (status?.resize?.outcome !== 'Pending') return mergePatch<T>(...given);
      refusals += 1;
      throw new KubeError('status.resize.outcome: Unsupported value: "Pending"', 'invalid');
    };
    await world.apply('trainer', { vcpus: 4 });
    const isBig = (): boolean => world.statusOf('trainer')?.size?.vcpus === 4 && isReady(world, 'trainer');
    expect(await world.until(isBig, 10 * minute)).toBeDefined();
    expect(refusals).toBe(1);
  });

  it('is held back also by a process that knows nothing of the change', async () => {
    const world = await createWorld({ seed: 73 });
    await world.apply('trainer', capped);
    expect(await world.until(() => isReady(world, 'trainer'), 5 * minute)).toBeDefined();
    raisePricesBefore(world, 'client/modify/single');
    intercept(world, ({ path }, usual) => {
      if (path !== 'client/modify/single') return undefined;
      const exchange = usual();
      world.crash();
      return exchange;
    });
    await world.apply('trainer', { vcpus: 4 });
    expect(await world.until(() => !world.isOperatorAlive, 10 * minute)).toBeDefined();
    await world.start();
    const isHeld = (): boolean => world.conditionOf('trainer', 'UpToDate') === 'False ResizeOverPriceCap';
    expect(await world.until(isHeld, 10 * minute)).toBeDefined();
    await world.advance(10 * minute);
    expect(world.vms().map(({ status }) => status)).toEqual(['StoppedDisassociated']);
  });
});
