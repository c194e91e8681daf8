import { describe, expect, it } from 'vitest';

import { intercept } from './interception.ts';
import { play, type Scenario } from './scenario.ts';
import { createWorld, type SimulatedWorld } from './world.ts';

/** Lists that omit VMs which exist. Two of them, far enough apart, would prove that a deploy call made nothing. */

const minute = 60_000;
const hour = 60 * minute;
const deploy = 'client/deploy/single';

function isReady(world: SimulatedWorld, name: string): boolean {
  return world.conditionOf(name, 'Ready') === 'True Running';
}

async function worldWith(...names: readonly string[]): Promise<SimulatedWorld> {
  const world = await createWorld({ seed: 60 });
  for (const name of names) await world.apply(name);
  expect(await world.until(() => names.every((name) => isReady(world, name)), 5 * minute)).toBeDefined();
  return world;
}

/** The answer to the next deployment is lost. */
async function launchInDoubt(world: SimulatedWorld, name: string): Promise<void> {
  world.fault({ endpoint: deploy, kind: 'lost-answer', count: 1 });
  await world.apply(name);
  expect(await world.until(() => world.statusOf(name)?.launch?.outcome === 'Uncertain', minute)).toBeDefined();
}

/** All VMs but one are missing from the list, as if their location were. Returns what ends that. */
function omitAllBut(world: SimulatedWorld, name: string): () => void {
  const shown = world.statusOf(name)?.vm?.id;
  world.providerWeather.omits = (id) => id !== shown;
  return () => {
    world.clearFaults();
  };
}

/** The next delete calls are answered as if they had been carried out. */
function ignoreDeletions(world: SimulatedWorld, count: number): void {
  let left = count;
  intercept(world, (request) => {
    if (request.path !== 'client/delete/single' || left === 0) return undefined;
    left -= 1;
    const answer = { status: 200, headers: {}, body: '{"success":true}' };
    return { kind: 'answer', answer, delayMs: 0, carriedOut: false };
  });
}

/**
 * Found by a random world: for ten minutes nobody answers whether the recorded VM that the lists lack is there, and the API server
 * takes no write; then both come back, first the answer.
 */
const believedTooLong: Scenario = {
  seed: 2932840,
  bootDelayMs: 0,
  deleteDelayMs: 7000,
  stopDelayMs: 7000,
  requestsPerSecond: 20,
  confirms: true,
  delayMs: 0,
  replicas: 'one',
  skewsMs: [-3600000, 70000],
  actions: [
    { do: 'apply', vm: 'vm-a', spec: { instant: 'Prefer' }, thenMs: 3003 },
    { do: 'readyMade', made: 'none', vm: 'vm-e', thenMs: 378398 },
    { do: 'prices', hidden: true, thenMs: 1005 },
    { do: 'dearerMeanwhile', vm: 'vm-b', vcpus: 2, thenMs: 385539 },
    { do: 'omit', vm: 'vm-b', all: false, inDoubt: 'vm-b', isSilent: true, thenMs: 0 },
    { do: 'omit', vm: 'vm-b', all: false, inDoubt: 'vm-c', isSilent: true, thenMs: 0 },
    { do: 'cutOff', replica: 0, on: true, thenMs: 16738 },
    { do: 'apply', vm: 'vm-c', spec: { expireAfter: null }, thenMs: 59835 },
    { do: 'fault', endpoint: 'client/get/single', kind: 'malformed', count: 2, thenMs: 363655 },
    { do: 'host', nth: 5, online: true, thenMs: 0 },
    { do: 'budget', hard: { vms: 0 }, thenMs: 0 },
    { do: 'freeze', afterPoints: 10, ms: 25000, thenMs: 1671 },
    { do: 'adopt', vm: 'vm-b', thenMs: 88543 },
    { do: 'freezeDeployer', vm: 'vm-b', ms: 25000, thenBlind: true, thenMs: 14547 },
    { do: 'repeated', chance: 0, thenMs: 241120 },
  ],
  cap: undefined,
  grace: undefined,
  market: undefined,
};

describe('a list that omits VMs which the provider knows by id', () => {
  it('proves of no deployment that it made nothing', async () => {
    const world = await worldWith('a', 'b');
    const tellTruth = omitAllBut(world, 'b');
    await world.advance(2 * minute);
    await launchInDoubt(world, 'c');
    await world.advance(2 * hour);
    expect(world.requestsOf(deploy)).toBe(3);
    tellTruth();
    expect(await world.until(() => isReady(world, 'c'), 5 * minute)).toBeDefined();
    expect(world.requestsOf(deploy)).toBe(3);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('proves nothing any more once that is known, though it was believed before, and could not be written', async () => {
    const { breaches } = await play(believedTooLong);
    expect(breaches).toEqual([]);
  });

  it('lets no resource go whose deployment is in doubt', async () => {
    const world = await worldWith('a', 'b');
    const tellTruth = omitAllBut(world, 'b');
    await world.advance(2 * minute);
    await launchInDoubt(world, 'c');
    await world.delete('c');
    await world.advance(2 * hour);
    expect(world.resource('c')).toBeDefined();
    tellTruth();
    expect(await world.until(() => world.resource('c') === undefined, 5 * minute)).toBeDefined();
    expect(world.vms()).toHaveLength(2);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('proves nothing from its first moment on, before anybody has asked by id', async () => {
    const world = await worldWith('a', 'b');
    await launchInDoubt(world, 'c');
    omitAllBut(world, 'b');
    // The provider does not answer that question now.
    world.fault({ endpoint: 'client/get/single', kind: 'error-500' });
    await world.advance(9 * minute);
    expect(world.requestsOf(deploy)).toBe(3);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('proves nothing to a process that was just started, and has seen no other list', async () => {
    const world = await worldWith('a', 'b', 'c');
    omitAllBut(world, 'c');
    await launchInDoubt(world, 'd');
    await world.restart();
    await world.advance(2 * hour);
    expect(world.requestsOf(deploy)).toBe(4);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('leaves a VM that it omits as it is, says so, and lets it be changed once it is listed again', async () => {
    const world = await worldWith('a', 'b');
    const tellTruth = omitAllBut(world, 'b');
    await world.advance(2 * minute);
    await world.apply('a', { powerState: 'Released' });
    await world.advance(hour);
    expect(world.requestsOf('client/stop/single')).toBe(0);
    expect(world.conditionOf('a', 'Synced')).toBe('False ListDistrusted');
    tellTruth();
    expect(await world.until(() => world.conditionOf('a', 'Ready') === 'False Released', 5 * minute)).toBeDefined();
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('does not keep a VM from being deleted, nor its resource from going', async () => {
    const world = await worldWith('a', 'b');
    omitAllBut(world, 'b');
    await world.advance(2 * minute);
    await world.delete('a');
    expect(await world.until(() => world.resource('a') === undefined, 5 * minute)).toBeDefined();
    expect(world.vms()).toHaveLength(1);
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('does not let a resource go whose deletion the provider confirmed without effect', async () => {
    const world = await worldWith('a', 'b');
    omitAllBut(world, 'b');
    await world.advance(2 * minute);
    const id = world.statusOf('a')?.vm?.id ?? '';
    ignoreDeletions(world, 2);
    await world.delete('a');
    await world.advance(14 * minute);
    expect(world.vms().map((vm) => vm.id)).toContain(id);
    expect(world.resource('a')).toBeDefined();
    expect(await world.until(() => world.resource('a') === undefined, hour)).toBeDefined();
    expect(world.vms()).toHaveLength(1);
    expect(world.watchdog.breaches).toEqual([]);
  });
});
