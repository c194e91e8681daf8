import { expect } from 'vitest';

import { annotations } from '../../src/api/group.ts';
import type { FaultSpec } from '../../src/sim/index.ts';
import { acceptOnly, addOrganization, otherPair, ownPair, setSecret } from './organizations.ts';
import { dropReady, preferring, stockReady, takeInstant } from './ready-made.ts';
import { describeStruck, type Story } from './struck.ts';
import { easySpec, type SimulatedWorld } from './world.ts';

const minute = 60_000;

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

/** Of the one ready-made VM that there is. */
function takingUnder(name: string, fault?: FaultSpec, isLeft = true): Story {
  return {
    name,
    before: (world) => {
      dropReady(world);
      stockReady(world);
      return Promise.resolve();
    },
    act: async (world) => {
      if (fault !== undefined) world.fault(fault);
      if (!isLeft)
        world.atNext(`before ${takeInstant}`, () => {
          dropReady(world);
        });
      await world.apply('trainer', { ...easySpec, ...preferring });
    },
    isDone: isReady,
    vms: 1,
  };
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
  takingUnder('a launch of a ready-made VM'),
  takingUnder('a launch of a ready-made VM whose answer is lost', {
    ...{ endpoint: takeInstant, kind: 'lost-answer', count: 1 },
  }),
  takingUnder('a launch of a ready-made VM whose request is lost', {
    ...{ endpoint: takeInstant, kind: 'lost-request', count: 1 },
  }),
  takingUnder('a launch of a ready-made VM that somebody else has taken', undefined, false),
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

describeStruck(stories);
