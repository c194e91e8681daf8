import { describe, expect, it } from 'vitest';

import type { VmStatus } from '../../src/api/vm.ts';
import type { KubeApi, KubeObject } from '../../src/kube/contract.ts';
import { play, type Scenario } from './scenario.ts';
import { createWorld } from './world.ts';

/** A resource is taken away by force during a call to the provider, and another one of its name is there when the call has ended. */

const second = 1000;
const minute = 60 * second;
const deploy = 'client/deploy/single';

/** Found by a random world: what the first leader knew of the old one took the journal from the new one, which was let go with its VM. */
const letGoWithVm: Scenario = {
  seed: 1,
  bootDelayMs: 90000,
  deleteDelayMs: 0,
  stopDelayMs: 7000,
  cap: '0.60',
  requestsPerSecond: 1,
  grace: '20s',
  confirms: true,
  delayMs: 20,
  replicas: 'two leaders',
  skewsMs: [-3600000, 70000],
  actions: [
    { do: 'apply', vm: 'vm-c', spec: {}, thenMs: 13092 },
    { do: 'claim', nth: 0, heldMs: 60000, thenMs: 31095 },
    { do: 'crash', afterPoints: 10, thenMs: 347263 },
    {
      do: 'doubt',
      vm: 'vm-b',
      lateMs: 19162,
      readyMade: true,
      stale: true,
      then: ['delete'],
      afterMs: 18604,
      thenMs: 0,
    },
    { do: 'fault', endpoint: 'client/list', kind: 'rate-limit', count: 3, thenMs: 0 },
    { do: 'delete', vm: 'vm-a', thenMs: 2535 },
    { do: 'doubt', vm: 'vm-c', lateMs: 73641, readyMade: false, stale: true, then: [], afterMs: 240, thenMs: 0 },
    { do: 'abandon', vm: 'vm-b', thenMs: 10418 },
    { do: 'apply', vm: 'vm-b', spec: { schedule: { start: '0 1-23/2 * * *', stop: '0 */2 * * *' } }, thenMs: 38466 },
    { do: 'crash', afterPoints: 12, thenMs: 0 },
    { do: 'claim', nth: 3, heldMs: 60000, thenMs: 15492 },
    { do: 'freeze', afterPoints: 10, ms: 12000, thenMs: 0 },
    { do: 'delete', vm: 'vm-b', thenMs: 344490 },
    { do: 'doubt', vm: 'vm-a', lateMs: 39325, readyMade: false, stale: false, then: [], afterMs: 16564, thenMs: 0 },
    { do: 'doubt', vm: 'vm-b', lateMs: 12831, readyMade: true, stale: true, then: ['kill'], afterMs: 5581, thenMs: 0 },
  ],
  market: undefined,
};

/** Found by a random world: the same, and the new one was deployed a second time. */
const deployedTwice: Scenario = {
  seed: 2041468118,
  bootDelayMs: 7000,
  deleteDelayMs: 0,
  stopDelayMs: 7000,
  requestsPerSecond: 1,
  confirms: true,
  delayMs: 2000,
  replicas: 'two leaders',
  skewsMs: [0, 0],
  actions: [
    { do: 'apply', vm: 'vm-b', spec: {}, thenMs: 60011 },
    { do: 'apply', vm: 'vm-b', spec: { deletionPolicy: 'Delete' }, thenMs: 213403 },
    { do: 'doubt', vm: 'vm-b', lateMs: 36123, readyMade: false, stale: true, then: [], afterMs: 1291, thenMs: 12761 },
    { do: 'restore', vm: 'vm-a', thenMs: 99072 },
  ],
  cap: undefined,
  grace: undefined,
  market: undefined,
};

describe('a resource of the name of one that was taken away by force during its deploy call', () => {
  it('keeps its journal, and so its VM, while another leader does not know of it', async () => {
    expect((await play(letGoWithVm)).breaches).toEqual([]);
    expect((await play(deployedTwice)).breaches).toEqual([]);
  });

  it('is deployed alone: the call of the first one does not leave when it is known to be gone', async () => {
    const world = await createWorld({ seed: 92 });
    const mergePatch = world.api.mergePatch.bind(world.api);
    let isTaken = false;
    world.api.mergePatch = async <T extends KubeObject>(...given: Parameters<KubeApi['mergePatch']>): Promise<T> => {
      const answer = await mergePatch<T>(...given);
      const { status } = given[2] as { status?: VmStatus };
      if (status?.launch?.outcome === 'Pending' && !isTaken) {
        isTaken = true;
        await world.deleteByForce('trainer');
        // The watch tells of it before the answer is there.
        await new Promise<void>((resolve) => world.clock.after(2 * second, resolve));
      }
      return answer;
    };
    await world.apply('trainer');
    expect(await world.until(() => isTaken, 5 * minute, 100)).toBeDefined();
    await world.advance(10 * second);
    expect(world.requestsOf(deploy)).toBe(0);
    await world.apply('trainer');
    expect(
      await world.until(() => world.conditionOf('trainer', 'Ready') === 'True Running', 10 * minute),
    ).toBeDefined();
    expect([world.requestsOf(deploy), world.vms().length]).toEqual([1, 1]);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it.each(['lost-answer', undefined] as const)('never says what became of that call (%s)', async (fault) => {
    const world = await createWorld({ seed: 91 });
    world.fault({ endpoint: deploy, kind: 'slow', ms: 20 * second, count: 1 });
    if (fault !== undefined) world.fault({ endpoint: deploy, kind: fault, count: 1 });
    await world.apply('trainer');
    expect(await world.until(() => world.requestsOf(deploy) === 1, minute, 100)).toBeDefined();
    const before = world.resource('trainer')?.metadata.uid ?? '';
    await world.deleteByForce('trainer');
    await world.apply('trainer');
    const named: string[] = [];
    const isReady = (): boolean => {
      const { vm, launch } = world.statusOf('trainer') ?? {};
      named.push(...[vm?.ownerUid, vm?.name, launch?.name].filter((one) => one !== undefined));
      return world.conditionOf('trainer', 'Ready') === 'True Running';
    };
    expect(await world.until(isReady, 10 * minute, 20)).toBeDefined();
    expect(named.filter((one) => one.replaceAll('-', '').includes(before.replaceAll('-', '')))).toEqual([]);
    expect(world.watchdog.breaches).toEqual([]);
  });
});
