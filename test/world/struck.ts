import { describe, expect, it } from 'vitest';

import { createWorld, type SimulatedWorld, type WorldOptions } from './world.ts';

/**
 * The process is struck at each moment, one after the other, at which it makes a difference: right before a request leaves,
 * and after it was carried out but before its answer came. What it awaits beside requests changes nothing outside of it:
 * struck there, it is as if it had been struck before the next request.
 */

const minute = 60_000;

export interface Story {
  readonly name: string;
  readonly simulator?: WorldOptions['simulator'];
  /** What is there before the story begins. */
  readonly before?: (world: SimulatedWorld) => Promise<void>;
  readonly act: (world: SimulatedWorld) => Promise<void>;
  readonly isDone: (world: SimulatedWorld) => boolean;
  readonly vms: number;
}

async function begin(story: Story, options: Partial<WorldOptions> = {}): Promise<SimulatedWorld> {
  const world = await createWorld({
    ...{ seed: 1, ...options },
    ...(story.simulator === undefined ? {} : { simulator: story.simulator }),
  });
  await story.before?.(world);
  return world;
}

async function finish(world: SimulatedWorld, story: Story): Promise<boolean> {
  return (await world.until(() => world.isOperatorAlive && story.isDone(world), 30 * minute)) !== undefined;
}

/** At how many moments the story can be struck. */
async function pointsOf(story: Story, options: Partial<WorldOptions> = {}): Promise<number> {
  const world = await begin(story, options);
  const before = world.points;
  await story.act(world);
  expect(await finish(world, story)).toBe(true);
  return world.points - before;
}

async function playStruck(
  story: Story,
  point: number,
  { options = {}, strike }: { options?: Partial<WorldOptions>; strike: (world: SimulatedWorld) => void },
): Promise<void> {
  const world = await begin(story, options);
  world.restartAfterMs = 3_000;
  strike(world);
  await story.act(world);
  const isDone = await finish(world, story);
  // What was under way elsewhere when this came to its end.
  await world.advance(2 * minute);
  const ending = { point, isDone, breaches: world.watchdog.breaches, vms: world.vms().length };
  expect(ending, world.trace.slice(-60).join('\n')).toEqual({ point, isDone: true, breaches: [], vms: story.vms });
}

export function describeStruck(stories: readonly Story[]): void {
  describe.each(stories)('at each moment of $name', { timeout: 120_000 }, (story) => {
    it('the operator may be killed', async () => {
      const count = await pointsOf(story);
      expect(count).toBeGreaterThan(4);
      for (let point = 1; point <= count; point++) {
        const strike = (world: SimulatedWorld): void => {
          world.crashAfter(point);
        };
        await playStruck(story, point, { strike });
      }
    });

    it('the leader may be frozen for longer than its lease lasts, with another waiting', async () => {
      const options = { replicas: 2 };
      const count = await pointsOf(story, options);
      for (let point = 1; point <= count; point++) {
        const strike = (world: SimulatedWorld): void => {
          world.freezeAfter(point, () => 40_000);
        };
        await playStruck(story, point, { options, strike });
      }
    });
  });
}
