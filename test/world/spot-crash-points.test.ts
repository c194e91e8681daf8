import { expect } from 'vitest';

import { describeStruck, type Story } from './struck.ts';
import { easySpec, type SimulatedWorld } from './world.ts';

const minute = 60_000;
const deploy = 'client/deploy/single';
const gpuModel = 'v100-pcie-16gb';

const spec = {
  ...{ ...easySpec, gpu: { models: [gpuModel], count: 1 } },
  ...{ bid: { price: '0.10', maxPrice: '0.30' }, maxHourlyPrice: '2.00', onOutbid: 'Replace', outbidRetention: '1h' },
};

/** The lowest bid that wins is 22 cents to begin with. */
function market(world: SimulatedWorld, price: string): void {
  world.control('POST', 'market', { gpuModel, price });
}

function isReady(world: SimulatedWorld): boolean {
  return world.conditionOf('spot-a', 'Ready') === 'True Running';
}

async function until(world: SimulatedWorld, isSo: () => boolean): Promise<void> {
  expect(await world.until(isSo, 30 * minute)).toBeDefined();
}

async function apply(world: SimulatedWorld, terms: object): Promise<void> {
  market(world, '0.22');
  await world.apply('spot-a', { ...spec, ...terms });
}

function running(terms: object): (world: SimulatedWorld) => Promise<void> {
  return async (world) => {
    await apply(world, terms);
    await until(world, () => isReady(world));
  };
}

/** Held by a bid of 28 cents or more, beside the disk of the VM that was outbid. */
async function makeReplaced(world: SimulatedWorld): Promise<void> {
  await running({})(world);
  market(world, '0.28');
  await until(world, () => isReplaced(world));
}

async function makeOnDemand(world: SimulatedWorld): Promise<void> {
  await running({ onOutbid: 'OnDemand', outbidRetention: '0s', returnToSpot: { after: '2m' } })(world);
  market(world, '0.50');
  await until(world, () => isOnDemand(world));
}

function isReplaced(world: SimulatedWorld): boolean {
  return isReady(world) && Number(world.statusOf('spot-a')?.vm?.bid) >= 0.28;
}

function isOnDemand(world: SimulatedWorld): boolean {
  return isReady(world) && world.statusOf('spot-a')?.vm?.capacity === 'OnDemand' && isAlone(world);
}

/** What was replaced is gone. */
function isAlone(world: SimulatedWorld): boolean {
  return world.statusOf('spot-a')?.retiring === undefined && world.vms().length === 1;
}

function act(price: string): Story['act'] {
  return (world) => {
    market(world, price);
    return Promise.resolve();
  };
}

function actWithLostAnswer(endpoint: string, price: string): Story['act'] {
  return (world) => {
    world.fault({ endpoint, kind: 'lost-answer', count: 1 });
    market(world, price);
    return Promise.resolve();
  };
}

const bySelf = { outbidReturns: 'by-itself' } as const;
const slow = { bootDelayMs: 5_000, stopDelayMs: 5_000, deleteDelayMs: 5_000 } as const;

const stories: readonly Story[] = [
  { name: 'a first spot deployment', act: (world) => apply(world, {}), isDone: isReady, vms: 1 },
  {
    name: 'a first spot deployment whose answer is lost',
    act: async (world) => {
      world.fault({ endpoint: deploy, kind: 'lost-answer', count: 1 });
      await apply(world, {});
    },
    isDone: isReady,
    vms: 1,
  },
  {
    name: 'a bid that loses, and wins again',
    before: running({ onOutbid: 'Wait' }),
    act: async (world) => {
      market(world, '0.40');
      await until(world, () => world.conditionOf('spot-a', 'Ready') === 'False Outbid');
      market(world, '0.20');
    },
    isDone: isReady,
    vms: 1,
  },
  { name: 'a replacement', simulator: slow, before: running({}), act: act('0.28'), isDone: isReplaced, vms: 2 },
  {
    name: 'a replacement whose deployment is not answered',
    before: running({}),
    act: actWithLostAnswer(deploy, '0.28'),
    isDone: isReplaced,
    vms: 2,
  },
  {
    name: 'a replacement that keeps no disk',
    simulator: slow,
    before: running({ outbidRetention: '0s' }),
    act: act('0.28'),
    isDone: (world) => isReplaced(world) && isAlone(world),
    vms: 1,
  },
  {
    name: 'a replacement, after which the VM that was outbid comes back by itself',
    simulator: { ...slow, ...bySelf },
    before: makeReplaced,
    act: act('0.15'),
    isDone: (world) => isReplaced(world) && world.vms().filter(({ holdsCompute }) => holdsCompute).length === 1,
    vms: 2,
  },
  {
    name: 'an on-demand VM that takes over',
    simulator: slow,
    before: running({ onOutbid: 'OnDemand', outbidRetention: '0s' }),
    act: act('0.50'),
    isDone: isOnDemand,
    vms: 1,
  },
  {
    name: 'a return to spot',
    simulator: slow,
    before: makeOnDemand,
    act: act('0.25'),
    isDone: (world) => isReady(world) && world.statusOf('spot-a')?.spot?.market === 'Winning' && isAlone(world),
    vms: 1,
  },
  {
    name: 'a return to spot whose deployment is not answered',
    before: makeOnDemand,
    act: actWithLostAnswer(deploy, '0.25'),
    isDone: (world) => isReady(world) && world.statusOf('spot-a')?.spot?.market === 'Winning' && isAlone(world),
    vms: 1,
  },
  {
    name: 'a deletion with a disk that is kept',
    simulator: slow,
    before: makeReplaced,
    act: (world) => world.delete('spot-a'),
    isDone: (world) => world.resource('spot-a') === undefined,
    vms: 0,
  },
  {
    name: 'a deletion in the middle of a replacement',
    before: running({}),
    act: async (world) => {
      world.fault({ endpoint: deploy, kind: 'lost-answer', count: 1 });
      const before = world.requestsOf(deploy);
      market(world, '0.28');
      await world.until(() => world.requestsOf(deploy) > before, 5 * minute, 100);
      await world.delete('spot-a');
    },
    isDone: (world) => world.resource('spot-a') === undefined,
    vms: 0,
  },
];

describeStruck(stories);
