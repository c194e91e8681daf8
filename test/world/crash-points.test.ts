import { describe, expect, it } from 'vitest';

import type { FaultSpec } from '../../src/sim/index.ts';
import { createWorld, type SimulatedWorld } from './world.ts';

const minute = 60_000;

/**
 * The process is killed at each moment, one after the other, at which it makes a difference: right before a request
 * leaves, and after it was carried out but before its answer came. Then another process starts.
 */

function isReady(world: SimulatedWorld): boolean {
  return world.conditionOf('trainer', 'Ready') === 'True Running';
}

async function goOnAfterCrash(world: SimulatedWorld, isDone: () => boolean): Promise<number | undefined> {
  world.restartAfterMs = 3_000;
  return world.until(() => world.crashes > 0 && world.isOperatorAlive && isDone(), 20 * minute);
}

async function pointsOf(act: (world: SimulatedWorld) => Promise<void>): Promise<number> {
  const world = await createWorld({ seed: 1 });
  const before = world.points;
  await act(world);
  return world.points - before;
}

const launches: readonly (readonly [string, FaultSpec | undefined])[] = [
  ['a launch that goes well', undefined],
  ['a launch whose answer is lost', { endpoint: 'client/deploy/single', kind: 'lost-answer', count: 1 }],
  ['a launch whose request is lost', { endpoint: 'client/deploy/single', kind: 'lost-request', count: 1 }],
  ['a launch that is refused', { endpoint: 'client/deploy/single', kind: 'success-false', count: 1 }],
];

describe.each(launches)('killed at each moment of %s', (_, fault) => {
  it('the operator makes exactly one VM', async () => {
    const launch = async (world: SimulatedWorld): Promise<void> => {
      if (fault !== undefined) world.fault(fault);
      await world.apply('trainer');
      await world.until(() => isReady(world), 20 * minute);
    };
    const count = await pointsOf(launch);
    expect(count).toBeGreaterThan(10);
    for (let point = 1; point <= count; point++) {
      const world = await createWorld({ seed: 1 });
      if (fault !== undefined) world.fault(fault);
      world.crashAfter(point);
      await world.apply('trainer');
      const took = await goOnAfterCrash(world, () => isReady(world));
      const story = { point, took: took !== undefined, breaches: world.watchdog.breaches, vms: world.vms().length };
      expect(story).toEqual({ point, took: true, breaches: [], vms: 1 });
    }
  });
});

describe('killed at each moment of a deletion', () => {
  it('the operator deletes the VM, and lets the resource go only afterwards', async () => {
    const begin = async (): Promise<SimulatedWorld> => {
      const world = await createWorld({ seed: 1, simulator: { deleteDelayMs: 8_000 } });
      await world.apply('trainer');
      await world.until(() => isReady(world), 5 * minute);
      return world;
    };
    const whole = await begin();
    const before = whole.points;
    await whole.delete('trainer');
    await whole.until(() => whole.resource('trainer') === undefined, 10 * minute);
    const count = whole.points - before;
    expect(count).toBeGreaterThan(4);
    for (let point = 1; point <= count; point++) {
      const world = await begin();
      world.crashAfter(point);
      await world.delete('trainer');
      const took = await goOnAfterCrash(world, () => world.resource('trainer') === undefined);
      const story = { point, took: took !== undefined, breaches: world.watchdog.breaches, vms: world.vms().length };
      expect(story).toEqual({ point, took: true, breaches: [], vms: 0 });
    }
  });
});
