import { expect, it } from 'vitest';

import { secretType } from '../../src/kube/built-in-types.ts';
import type { KubeApi, KubeObject } from '../../src/kube/contract.ts';
import { expectGone, PoolOfWorld } from './pool-of-world.ts';
import { play, type Scenario } from './scenario.ts';
import { createWorld } from './world.ts';

/** A member of a pool gets the name of a resource of the other kind that the pool has not been told of yet. */

const minute = 60_000;

/** Found by a random world: the member stood in wait of the other one's connection Secret for good, and the pool lacked a member. */
const namedAlike: Scenario = {
  seed: 1019841002,
  bootDelayMs: 90000,
  deleteDelayMs: 0,
  stopDelayMs: 0,
  cap: undefined,
  requestsPerSecond: 1,
  grace: undefined,
  confirms: true,
  delayMs: 2000,
  replicas: 'two leaders',
  skewsMs: [0, -70000],
  market: {
    outbidReturns: 'by-itself',
    spotCompetition: 'market',
    spotVolatility: 0.1,
    spotFloor: 0.6,
    winnable: 'everywhere',
  },
  actions: [
    {
      do: 'pool',
      pool: 'pool-b',
      spec: {
        replicas: 2,
        updateStrategy: { type: 'RollingUpdate', maxSurge: 1, maxUnavailable: 1 },
        scaleIn: { policy: 'Oldest' },
        minReadySeconds: 0,
        spread: null,
        maxHourlyCost: '0.60',
      },
      thenMs: 0,
    },
    { do: 'market', nth: 0, price: '0.04', thenMs: 2302 },
    { do: 'apply', vm: 'pool-b-0', spec: {}, thenMs: 53468 },
    { do: 'delete', vm: 'pool-a-1', thenMs: 313048 },
    { do: 'kubeTrouble', lostRequests: 0.6, lostAnswers: 0.2, duplicates: 0.3, thenMs: 54684 },
    { do: 'fault', endpoint: 'client/modify/single', kind: 'lost-request', count: 2, thenMs: 156 },
  ],
};

it('two leaders that name a GpuVm and a SpotVm of a pool alike leave it with as many members as are wanted', async () => {
  expect((await play(namedAlike)).breaches).toEqual([]);
});

it('a member that has the name of a GpuVm of its user is replaced by one of another name', async () => {
  const world = await createWorld({ seed: 93 });
  world.control('POST', 'market', { gpuModel: 'v100-pcie-16gb', price: '0.22' });
  const gpu = { models: ['v100-pcie-16gb'], count: 1 };
  const capacity = { type: 'Spot', bid: { price: '0.10', maxPrice: '0.30' } };
  const pool = await PoolOfWorld.in(world, { replicas: 1, capacity }, { gpu, maxHourlyPrice: '2.00' });
  await pool.untilReady(1);
  const create = world.api.create.bind(world.api);
  world.api.create = async <T extends KubeObject>(...given: Parameters<KubeApi['create']>): Promise<T> => {
    // The pool has chosen the name. Its GpuVm has it first, and the connection Secret of that name with it.
    if (given[1].metadata.name === 'inference-1' && given[0].kind === 'SpotVm' && !hasSecret()) {
      await world.apply('inference-1');
      await new Promise<void>((resolve) => world.clock.after(2_000, resolve));
    }
    return create<T>(...given);
  };
  const hasSecret = (): boolean => world.api.peek(secretType, 'research/inference-1-connection') !== undefined;
  await pool.patch({ replicas: 2 });
  await pool.untilReady(2);
  expect(pool.members.map(({ metadata }) => metadata.name)).toEqual(['inference-0', 'inference-2']);
  expect(world.conditionOf('inference-1', 'Ready')).toBe('True Running');
  expect(await pool.events('MemberDeleted')).toEqual([
    'Deleted SpotVm inference-1: a resource of the other kind has its name, and with it its connection Secret.',
  ]);
  await world.advance(10 * minute);
  expect(await pool.events('MemberCreated')).toHaveLength(3);
  await world.delete('inference-1');
  await world.until(() => world.resource('inference-1') === undefined, 10 * minute);
  await expectGone(pool);
});
