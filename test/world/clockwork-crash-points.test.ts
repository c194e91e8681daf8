import { expect } from 'vitest';

import { describeStruck, type Story } from './struck.ts';
import { easySpec, type SimulatedWorld } from './world.ts';

const minute = 60_000;
const simulator = { bootDelayMs: 5_000, stopDelayMs: 5_000, deleteDelayMs: 5_000 };

// Worlds begin at midnight in UTC.
const schedule = { start: '0,10,20 0 * * *', stop: '5,15 0 * * *' };

function reasonOf(world: SimulatedWorld, name: string): string | undefined {
  return world.conditionOf(name, 'Ready')?.split(' ')[1];
}

function running(name: string, spec: object): (world: SimulatedWorld) => Promise<void> {
  return async (world) => {
    world.control('POST', 'market', { price: '0.05' });
    await world.apply(name, { ...easySpec, ...spec });
    expect(await world.until(() => reasonOf(world, name) === 'Running', 4 * minute)).toBeDefined();
  };
}

function nothing(): Promise<void> {
  return Promise.resolve();
}

function expiry(name: string, spec: object): Story {
  return {
    name: `the expiry of ${name}`,
    simulator,
    before: running(name, { ...spec, expireAfter: '4m' }),
    act: nothing,
    isDone: (world) => world.resource(name) === undefined,
    vms: 0,
  };
}

function night(name: string, spec: object): Story {
  return {
    name: `the off hours of ${name}`,
    simulator,
    before: running(name, { ...spec, schedule }),
    act: async (world) => {
      await world.until(() => reasonOf(world, name) === 'OffHours', 9 * minute);
    },
    isDone: (world) => reasonOf(world, name) === 'Running',
    vms: 1,
  };
}

const bid = { bid: { price: '0.10', maxPrice: '0.30' } };

describeStruck([
  expiry('trainer', {}),
  expiry('spot-a', bid),
  night('trainer', {}),
  night('spot-a', bid),
  {
    name: 'a deployment that off hours overtake',
    simulator: { ...simulator, bootDelayMs: 30_000 },
    before: async (world) => {
      await world.advance(5 * minute - 12_000);
    },
    act: async (world) => {
      await world.apply('trainer', { ...easySpec, schedule });
      await world.until(() => world.vms().some(({ status }) => status === 'StoppedDisassociated'), 4 * minute);
    },
    isDone: (world) => reasonOf(world, 'trainer') === 'Running',
    vms: 1,
  },
]);
