import { describe, expect, it } from 'vitest';

import { annotations } from '../../src/api/group.ts';
import type { FaultSpec } from '../../src/sim/index.ts';
import { acceptOnly, addOrganization, otherPair, ownPair, setSecret } from './organizations.ts';
import { createWorld, easySpec, type SimulatedWorld, type WorldOptions } from './world.ts';

/**
 * The process is struck at each moment, one after the other, at which it makes a difference: right before a request leaves,
 * and after it was carried out but before its answer came. What it awaits beside requests changes nothing outside of it:
 * struck there, it is as if it had been struck before the next request.
 */

const minute = 60_000;

interface Story {
  readonly name: string;
  readonly simulator?: WorldOptions['simulator'];
  /** What is there before the story begins. */
  readonly before?: (world: SimulatedWorld) => Promise<void>;
  readonly act: (world: SimulatedWorld) => Promise<void>;
  readonly isDone: (world: SimulatedWorld) => boolean;
  readonly vms: number;
}

function isReady(world: SimulatedWorld): boolean {
  return world.conditionOf('trainer', 'Ready') === 'True Running';
}

async function makeReady(world: SimulatedWorld): Promise<void> {
  await world.apply('trainer');
  expect(await world.until(() => isReady(world), 5 * minute)).toBeDefined();
}

function launchUnder(name: string, fault?: FaultSpec): Story {
  const act = async (world: SimulatedWorld): Promise<void> => {
    if (fault !== undefined) world.fault(fault);
    await world.apply('trainer');
  };
  return { name, act, isDone: isReady, vms: 1 };
}

const deploy = 'client/deploy/single';

const stories: readonly Story[] = [
  launchUnder('a launch that goes well'),
  launchUnder('a launch whose answer is lost', { endpoint: deploy, kind: 'lost-answer', count: 1 }),
  launchUnder('a launch whose request is lost', { endpoint: deploy, kind: 'lost-request', count: 1 }),
  launchUnder('a launch that is refused', { endpoint: deploy, kind: 'success-false', count: 1 }),
  launchUnder('a launch whose answer is cut in two', { endpoint: deploy, kind: 'malformed', count: 1 }),
  launchUnder('a launch whose answer comes after the call was given up', {
    ...{ endpoint: deploy, kind: 'slow', count: 1 },
    ms: 40_000,
  }),
  {
    name: 'a deletion',
    simulator: { deleteDelayMs: 8_000 },
    before: makeReady,
    act: (world) => world.delete('trainer'),
    isDone: (world) => world.resource('trainer') === undefined,
    vms: 0,
  },
  {
    name: 'a deletion right after the creation',
    act: async (world) => {
      await world.apply('trainer');
      await world.advance(1_500);
      await world.delete('trainer');
    },
    isDone: (world) => world.resource('trainer') === undefined,
    vms: 0,
  },
  {
    name: 'a release and a start',
    simulator: { bootDelayMs: 5_000, stopDelayMs: 5_000 },
    before: makeReady,
    act: async (world) => {
      await world.apply('trainer', { powerState: 'Released' });
      await world.until(() => world.conditionOf('trainer', 'Ready') === 'False Released', 5 * minute);
      await world.apply('trainer', { powerState: 'Running' });
    },
    isDone: isReady,
    vms: 1,
  },
  {
    name: 'a change of size',
    simulator: { bootDelayMs: 5_000, stopDelayMs: 5_000 },
    before: makeReady,
    act: (world) => world.apply('trainer', { vcpus: 6 }),
    isDone: (world) => isReady(world) && world.statusOf('trainer')?.size?.vcpus === 6,
    vms: 1,
  },
  {
    name: 'an adoption',
    act: (world) => world.apply('trainer', easySpec, { [annotations.adopt]: world.deployForeign() }),
    isDone: isReady,
    vms: 1,
  },
  {
    name: 'the loss of a VM',
    before: makeReady,
    act: async (world) => {
      world.control('POST', `vms/${world.vms()[0]?.id ?? ''}`, { remove: true });
      await world.until(() => !isReady(world), 5 * minute);
    },
    isDone: (world) => isReady(world) && world.vms().length > 0,
    vms: 1,
  },
  {
    name: 'a rotation of the credentials',
    before: makeReady,
    act: async (world) => {
      const pair = { apiKey: 'rotated-key', apiToken: 'rotated-token' };
      acceptOnly(world, pair);
      await setSecret(world, pair);
      await world.advance(40_000);
      await world.apply('second');
    },
    isDone: (world) => world.conditionOf('second', 'Ready') === 'True Running',
    vms: 2,
  },
  {
    name: "an exchange of the credentials for another organization's, which is taken back",
    before: async (world) => {
      addOrganization(world, { seed: 1 });
      await makeReady(world);
    },
    act: async (world) => {
      await world.apply('second');
      await setSecret(world, otherPair);
      await world.advance(2 * minute);
      await setSecret(world, ownPair);
    },
    isDone: (world) => isReady(world) && world.conditionOf('second', 'Ready') === 'True Running',
    vms: 2,
  },
];

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
