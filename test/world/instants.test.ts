import { describe, expect, it } from 'vitest';

import { conditionOf } from '../../src/api/conditions.ts';
import { gpuBudgetType } from '../../src/api/group.ts';
import { hidePrices, intercept } from './interception.ts';
import { dropReady, listInstants, stockReady, preferring, takeInstant } from './ready-made.ts';
import { createWorld, easySpec, type SimulatedWorld } from './world.ts';

/** Ready-made VMs: taken where they fit, once and only once, and never waited for. */

const minute = 60_000;
const deploy = 'client/deploy/single';
const wish = { ...easySpec, ...preferring };

function isReady(world: SimulatedWorld, name: string): boolean {
  return world.conditionOf(name, 'Ready') === 'True Running';
}

async function untilReady(world: SimulatedWorld, name = 'trainer', withinMs = 10 * minute): Promise<number> {
  const took = await world.until(() => isReady(world, name), withinMs);
  expect(took, world.trace.slice(-40).join('\n')).toBeDefined();
  return took!;
}

async function worldWith(seed: number, count = 1): Promise<SimulatedWorld> {
  const world = await createWorld({ seed, simulator: { bootDelayMs: 90_000 } });
  // The provider's own are of another kind.
  dropReady(world);
  if (count > 0) stockReady(world, { count });
  await world.advance(5_000);
  return world;
}

describe('who would rather have a ready-made VM', () => {
  it('has one at once, larger than asked for and never cut down, by one call, and nothing is left of it in the end', async () => {
    const world = await worldWith(80);
    await world.apply('trainer', wish);
    expect(await untilReady(world)).toBeLessThan(minute);
    expect([world.requestsOf(takeInstant), world.requestsOf(deploy)]).toEqual([1, 0]);
    expect(world.statusOf('trainer')).toMatchObject({
      vm: { instant: true, applied: { vcpus: 4, memoryGB: 8, storageGB: 40 } },
      size: { vcpus: 4 },
    });
    const reads = world.requestsOf(listInstants);
    await world.advance(60 * minute);
    expect(world.requestsOf('client/modify/single', 'client/stop/single')).toBe(0);
    // Once there is a VM nobody looks for another one.
    expect(world.requestsOf(listInstants)).toBe(reads);
    await world.apply('trainer', { vcpus: 6 });
    await world.until(() => world.statusOf('trainer')?.size?.vcpus === 6, 10 * minute);
    expect(world.statusOf('trainer')?.size).toMatchObject({ vcpus: 6, memoryGB: 8, storageGB: 40 });
    await world.delete('trainer');
    await world.until(() => world.resource('trainer') === undefined, 10 * minute);
    expect(world.vms()).toEqual([]);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('is deployed as anybody else where none is there, none fits, or they cannot be listed', async () => {
    const world = await worldWith(81, 0);
    stockReady(world, { gpuCount: 2, count: 2 });
    stockReady(world, { operatingSystem: 'Windows 10' });
    stockReady(world, { listedPrice: '5.01' });
    await world.apply('a', wish);
    await untilReady(world, 'a');
    world.fault({ endpoint: listInstants, kind: 'error-500' });
    await world.advance(minute);
    await world.apply('b', wish);
    await untilReady(world, 'b');
    expect([world.requestsOf(takeInstant), world.requestsOf(deploy)]).toEqual([0, 2]);
    expect(world.statusOf('b')?.vm?.instant).toBeUndefined();
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('that is told of somebody faster is deployed in the next try, and the host is not blamed', async () => {
    const world = await worldWith(82);
    world.atNext(`before ${takeInstant}`, () => {
      dropReady(world);
    });
    await world.apply('trainer', wish);
    await untilReady(world);
    expect([world.requestsOf(takeInstant), world.requestsOf(deploy)]).toEqual([1, 1]);
    expect(world.statusOf('trainer')).toMatchObject({ launch: { attempt: 2, outcome: 'Launched' } });
    expect(world.vms()).toHaveLength(1);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('that needs other ones than there are takes the last, and then hosts, whoever comes at once', async () => {
    const world = await worldWith(83, 3);
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const name of names) await world.apply(name, wish);
    for (const name of names) await untilReady(world, name);
    expect([world.requestsOf(takeInstant), world.requestsOf(deploy)]).toEqual([3, 3]);
    expect(new Set(names.map((name) => world.statusOf(name)?.vm?.id)).size).toBe(6);
    expect(world.vms()).toHaveLength(6);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('does not spoil them for others with what the provider refuses of it alone', async () => {
    const world = await worldWith(84, 2);
    world.fault({ endpoint: takeInstant, kind: 'success-false', count: 1 });
    await world.apply('odd', wish);
    await untilReady(world, 'odd');
    await world.apply('other', wish);
    await untilReady(world, 'other');
    expect(world.statusOf('other')?.vm?.instant).toBe(true);
    expect(world.vms()).toHaveLength(2);
  });
});

describe('the answer to the call that takes one', () => {
  it('that is lost leads to adoption by the name, not to a second VM', async () => {
    const world = await worldWith(85, 2);
    world.fault({ endpoint: takeInstant, kind: 'lost-answer', count: 1 });
    await world.apply('trainer', wish);
    expect(await untilReady(world)).toBeLessThan(minute);
    expect([world.requestsOf(takeInstant), world.requestsOf(deploy)]).toEqual([1, 0]);
    expect(world.statusOf('trainer')).toMatchObject({ vm: { instant: true }, launch: { attempt: 1 } });
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('that never comes as the request was lost is waited for until its absence is proven', async () => {
    const world = await worldWith(86);
    world.fault({ endpoint: takeInstant, kind: 'lost-request', count: 1 });
    await world.apply('trainer', wish);
    expect(await untilReady(world)).toBeGreaterThan(2 * minute);
    expect(world.vms()).toHaveLength(1);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('of which nobody hears, as the process was killed, is found by the next one', async () => {
    const world = await worldWith(87);
    world.restartAfterMs = 3_000;
    world.atNext(`after ${takeInstant}`, (replica) => {
      replica.kill();
    });
    await world.apply('trainer', wish);
    await untilReady(world);
    expect([world.requestsOf(takeInstant), world.requestsOf(deploy)]).toEqual([1, 0]);
    expect(world.statusOf('trainer')?.vm?.instant).toBe(true);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('without an id that can be recorded is no answer', async () => {
    const world = await worldWith(88);
    intercept(world, ({ path }, usual) => {
      if (path !== takeInstant) return undefined;
      const exchange = usual();
      if (exchange.kind !== 'answer') return exchange;
      const body = JSON.stringify({ success: true, vm: 'x'.repeat(200) });
      return { ...exchange, answer: { ...exchange.answer, body } };
    });
    await world.apply('trainer', wish);
    await untilReady(world);
    expect(world.requestsOf(takeInstant)).toBe(1);
    expect(world.vms().map(({ id }) => id)).toEqual([world.statusOf('trainer')?.vm?.id]);
    expect(world.watchdog.breaches).toEqual([]);
  });
});

describe('a ready-made VM that is dearer than its list says', () => {
  it('is deleted by the first list that shows it, and no other one of that host is taken for a while', async () => {
    const world = await worldWith(89, 0);
    stockReady(world, { count: 3, listedPrice: '0.05', vcpus: 8 });
    await world.apply('trainer', { ...wish, maxHourlyPrice: '0.23' });
    await untilReady(world, 'trainer', 20 * minute);
    expect(world.requestsOf(takeInstant)).toBe(1);
    expect(world.vms().every((vm) => vm.computeRate + vm.storageRate <= 0.23e9)).toBe(true);
    expect(world.vms()).toHaveLength(1);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('is looked at with the first list that has its price, however late that comes', async () => {
    const world = await worldWith(90, 0);
    stockReady(world, { listedPrice: '0.05', vcpus: 8 });
    let isHidden = true;
    intercept(world, ({ path }, usual) => (path === 'client/list' && isHidden ? hidePrices(usual()) : undefined));
    await world.apply('trainer', { ...wish, maxHourlyPrice: '0.23' });
    await untilReady(world);
    expect(world.statusOf('trainer')?.hourlyPrice).toBeUndefined();
    isHidden = false;
    const isGone = (): boolean => world.statusOf('trainer')?.launch?.attempt === 2 && isReady(world, 'trainer');
    expect(await world.until(isGone, 10 * minute)).toBeDefined();
    expect(world.vms()).toHaveLength(1);
  });
});

describe('a budget', () => {
  async function allow(world: SimulatedWorld, hard: object): Promise<void> {
    await world.api.create(gpuBudgetType, {
      ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuBudget' },
      ...{ metadata: { namespace: 'research', name: 'team' }, spec: { hard } },
    });
  }

  it('has no room for a ready-made VM beyond its VMs, however many want one at once', async () => {
    const world = await worldWith(91, 4);
    await allow(world, { vms: 2 });
    for (const name of ['a', 'b', 'c', 'd']) await world.apply(name, wish);
    await untilReady(world, 'b');
    await world.advance(5 * minute);
    expect(world.vms()).toHaveLength(2);
    expect(['a', 'b', 'c', 'd'].map((name) => world.conditionOf(name, 'Ready')).toSorted()).toEqual([
      ...['False OverBudget', 'False OverBudget', 'True Running', 'True Running'],
    ]);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('whose hourly cost leaves no room for it has one deployed that is cheaper', async () => {
    const world = await worldWith(92, 0);
    stockReady(world, { listedPrice: '2' });
    await allow(world, { hourlyCost: '1.00' });
    await world.apply('trainer', wish);
    await untilReady(world);
    expect([world.requestsOf(takeInstant), world.requestsOf(deploy)]).toEqual([0, 1]);
  });
});

it('where nothing at all fits the words tell of both, and one that comes is taken', async () => {
  const world = await worldWith(93, 0);
  for (const host of world.provider.machine.world.hosts.values())
    world.control('POST', `hosts/${host.id}`, { online: false });
  await world.apply('trainer', wish);
  await world.advance(2 * minute);
  const said = (): string => conditionOf(world.statusOf('trainer')?.conditions, 'Ready')?.message ?? '';
  expect(said()).toMatch(/8 hosts: 8 offline or not listed; the provider lists no ready-made VMs\. Widen/);
  const writes = world.writes;
  await world.advance(10 * minute);
  expect(world.writes - writes).toBeLessThan(3);
  const [host] = world.provider.machine.world.hosts.values();
  world.control('POST', `hosts/${host!.id}`, {
    online: true,
    gpu: { [easySpec.gpu.models[0]]: { amount: 1, price: '0.1' } },
  });
  stockReady(world);
  await untilReady(world);
  expect(world.statusOf('trainer')?.vm?.instant).toBe(true);
  expect(world.watchdog.breaches).toEqual([]);
});
