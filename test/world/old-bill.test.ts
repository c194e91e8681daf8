import { expect, it } from 'vitest';

import { play, type Scenario } from './scenario.ts';

/**
 * Found by a random world: the provider makes a VM a minute after its call was cut off, and its lists stay empty. Nothing was billed when
 * the bill was read last, and the list that ended the doubt had been waited for by nobody, so that the bill was not read again.
 */
const madeAfterTheBill: Scenario = {
  seed: 1882935707,
  bootDelayMs: 0,
  deleteDelayMs: 0,
  stopDelayMs: 0,
  requestsPerSecond: 1,
  grace: '10m',
  confirms: false,
  delayMs: 0,
  cap: undefined,
  market: undefined,
  replicas: 'two leaders',
  skewsMs: [-3600000, 0],
  actions: [
    { do: 'apply', vm: 'vm-c', spec: {}, thenMs: 0 },
    { do: 'keepVm', nth: 3, thenMs: 2599 },
    {
      do: 'doubt',
      vm: 'vm-c',
      lateMs: 62359,
      readyMade: false,
      stale: false,
      then: ['kill'],
      afterMs: 11096,
      thenMs: 2657,
    },
    { do: 'fault', endpoint: 'client/deploy/hostnodes', kind: 'error-500', count: 2, thenMs: 321177 },
    { do: 'fault', endpoint: 'client/list', kind: 'empty-list', count: 40, thenMs: 0 },
    { do: 'fault', endpoint: 'client/list', kind: 'stale-list', count: 40, thenMs: 296140 },
    { do: 'freezeDeployer', vm: 'vm-c', ms: 12000, thenBlind: true, thenMs: 213569 },
    { do: 'keepVm', nth: 1, thenMs: 334274 },
    {
      do: 'doubt',
      vm: 'vm-c',
      lateMs: 67687,
      readyMade: true,
      stale: true,
      then: ['kill', 'delete'],
      afterMs: 12513,
      thenMs: 56678,
    },
    { do: 'poke', vm: 'vm-c', thenMs: 0 },
    { do: 'objectLate', vm: 'vm-b', afterMs: 8000, by: 'heir', thenMs: 13170 },
    { do: 'apply', vm: 'vm-c', spec: { instant: 'Prefer' }, thenMs: 1245 },
  ],
};

it('lists that lie, and a bill from before the VM, do not prove that a deploy call made none', async () => {
  const { breaches } = await play(madeAfterTheBill);
  expect(breaches).toEqual([]);
});
