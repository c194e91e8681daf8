import { expect, it } from 'vitest';

import type { FaultSpec } from '../../src/sim/index.ts';
import { createWorld, easySpec, type SimulatedWorld } from './world.ts';

const second = 1000;
const minute = 60 * second;
const deploy = 'client/deploy/single';

/** Killed at each moment of what is more than a launch or a deletion: another process has to bring it to the same end. */
interface Story {
  readonly name: string;
  readonly begin: () => Promise<SimulatedWorld>;
  readonly act: (world: SimulatedWorld) => Promise<unknown>;
  readonly isDone: (world: SimulatedWorld) => boolean;
  readonly vms: number;
}

function isReady(world: SimulatedWorld): boolean {
  return world.conditionOf('trainer', 'Ready') === 'True Running';
}

async function running(simulator: object = {}): Promise<SimulatedWorld> {
  const world = await createWorld({ seed: 1, simulator });
  await world.apply('trainer');
  expect(await world.until(() => isReady(world), 10 * minute)).toBeDefined();
  return world;
}

/** The market moves between the inventory and the first deploy call, and back again after it. */
function makeFirstVmDear(world: SimulatedWorld): void {
  const { machine } = world.provider;
  const exchange = machine.exchange.bind(machine);
  const setPrice = (price: string): void => {
    for (const { id } of machine.world.hosts.values()) world.control('POST', `hosts/${id}`, { cpu: { price } });
  };
  let isFirst = true;
  machine.exchange = (request, now) => {
    if (request.path !== deploy || !isFirst) return exchange(request, now);
    isFirst = false;
    setPrice('0.9');
    const answer = exchange(request, now);
    setPrice('0.003');
    return answer;
  };
}

const dear: Story = {
  name: 'a VM that turns out dearer than its cap is replaced by one that is not',
  begin: async () => {
    const world = await createWorld({ seed: 1 });
    await world.advance(3 * second);
    makeFirstVmDear(world);
    return world;
  },
  act: (world) => world.apply('trainer', { ...easySpec, maxHourlyPrice: '0.60' }),
  isDone: (world) => isReady(world) && Number(world.statusOf('trainer')?.hourlyPrice?.running) <= 0.6,
  vms: 1,
};

function doubtfulDeletion(kind: FaultSpec['kind']): Story {
  return {
    name: `a resource is deleted while its deploy call ends in ${kind}`,
    begin: async () => {
      const world = await createWorld({ seed: 1, simulator: { bootDelayMs: 5_000 } });
      world.fault({ endpoint: deploy, kind, count: 1 });
      return world;
    },
    act: async (world) => {
      await world.apply('trainer');
      await world.until(() => world.requestsOf(deploy) > 0, minute, 100);
      await world.delete('trainer');
    },
    isDone: (world) => world.resource('trainer') === undefined,
    vms: 0,
  };
}

const resize: Story = {
  name: 'a VM gets another size',
  begin: () => running({ stopDelayMs: 5_000, bootDelayMs: 5_000 }),
  act: (world) => world.apply('trainer', { vcpus: 6 }),
  isDone: (world) => isReady(world) && world.statusOf('trainer')?.size?.vcpus === 6,
  vms: 1,
};

const release: Story = {
  name: 'a stopped VM is released',
  begin: async () => {
    const world = await running({ stopDelayMs: 5_000, bootDelayMs: 5_000 });
    await world.apply('trainer', { powerState: 'Stopped' });
    const isStopped = (): boolean => world.conditionOf('trainer', 'Ready') === 'False Stopped';
    expect(await world.until(isStopped, 5 * minute)).toBeDefined();
    return world;
  },
  act: (world) => world.apply('trainer', { powerState: 'Released' }),
  isDone: (world) => world.conditionOf('trainer', 'Ready') === 'False Released',
  vms: 1,
};

const loss: Story = {
  name: 'a VM that is lost is replaced',
  begin: async () => {
    const world = await running();
    world.control('POST', `vms/${world.vms()[0]?.id ?? ''}`, { remove: true });
    return world;
  },
  act: () => Promise.resolve(),
  isDone: (world) => isReady(world) && world.vms().length === 1,
  vms: 1,
};

const stories = [dear, doubtfulDeletion('lost-answer'), doubtfulDeletion('lost-request'), resize, release, loss];

it.each(stories)('killed at each moment, $name', { timeout: 120_000 }, async ({ begin, act, isDone, vms }) => {
  const whole = await begin();
  const before = whole.points;
  await act(whole);
  expect(await whole.until(() => isDone(whole), 20 * minute)).toBeDefined();
  const count = whole.points - before;
  expect(count).toBeGreaterThan(4);
  for (let point = 1; point <= count; point++) {
    const world = await begin();
    world.restartAfterMs = 3_000;
    world.crashAfter(point);
    await act(world);
    const took = await world.until(() => world.isOperatorAlive && isDone(world), 20 * minute);
    const story = { point, took: took !== undefined, breaches: world.watchdog.breaches, vms: world.vms().length };
    expect(story, world.trace.slice(-40).join('\n')).toEqual({ point, took: true, breaches: [], vms });
  }
});
