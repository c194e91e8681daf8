import { describe, expect, it } from 'vitest';

import { KubeError } from '../../src/kube/contract.ts';
import { eventType } from '../../src/kube/events.ts';
import { createWorld, easySpec, type SimulatedWorld } from './world.ts';

/** SIGTERM: a process ends by itself, in time, and leaves nothing behind that would go on. */

const second = 1000;
const minute = 60 * second;
const deploy = 'client/deploy/single';
const validate = 'client/spot/validate/new';
const balance = 'billing/balance';

function isReady(world: SimulatedWorld): boolean {
  return world.conditionOf('trainer', 'Ready') === 'True Running';
}

/** Told to stop while its deploy call is answered late: there is something to wait for. */
async function stoppingDuringDeploy(options: { replicas: number; slowMs: number }): Promise<{
  readonly world: SimulatedWorld;
  readonly stopped: { isOver: boolean };
}> {
  const world = await createWorld({ seed: 80, replicas: options.replicas });
  await world.advance(10 * second);
  world.fault({ endpoint: deploy, kind: 'slow', ms: options.slowMs, count: 1 });
  await world.apply('trainer');
  expect(await world.until(() => world.requestsOf(deploy) === 1, minute, 100)).toBeDefined();
  const stopped = { isOver: false };
  void leaderOf(world)
    .stop(25 * second)
    .then(() => {
      stopped.isOver = true;
    });
  return { world, stopped };
}

function leaderOf(world: SimulatedWorld): SimulatedWorld['replicas'][number] {
  const leader = world.replicas.find((replica) => replica.isLeading);
  if (leader === undefined) throw new Error('nobody leads');
  return leader;
}

describe('an operator that is asked to stop', () => {
  it('ends within seconds, also when something is to be looked at much later', async () => {
    const world = await createWorld({ seed: 25 });
    world.fault({ endpoint: deploy, kind: 'lost-request', count: 1 });
    await world.apply('trainer');
    expect(await world.until(() => world.statusOf('trainer')?.launch?.outcome === 'Uncertain', minute)).toBeDefined();
    await world.stop();
    expect(world.watchdog.breaches).toEqual([]);
    await world.start();
    expect(await world.until(() => isReady(world), 10 * minute)).toBeDefined();
    expect(world.vms()).toHaveLength(1);
  });
});

describe('an operator that is asked to stop while it has something to do', () => {
  it('gives up Events that the API server does not take, and ends', async () => {
    const world = await createWorld({ seed: 29 });
    const { api } = world;
    const create = api.create.bind(api);
    let refused = 0;
    api.create = (type, object) => {
      if (type.plural !== eventType.plural) return create(type, object);
      refused += 1;
      return Promise.reject(new KubeError('nobody answers', 'unavailable'));
    };
    await world.apply('trainer');
    expect(await world.until(() => refused > 0, minute, 100)).toBeDefined();
    await world.stop();
    expect(world.watchdog.breaches).toEqual([]);
  });

  it('waits for what is under way, also when it is asked twice', async () => {
    const world = await createWorld({ seed: 30 });
    await world.apply('trainer');
    expect(await world.until(() => isReady(world), 5 * minute)).toBeDefined();
    world.kubeWeather.delay = { least: 1_000, most: 1_000 };
    await world.apply('trainer', { powerState: 'Stopped' });
    expect(await world.until(() => world.requestsOf('client/stop/single') > 0, minute, 100)).toBeDefined();
    const stopped = world.stop();
    await world.replicas[0]?.stop(25_000);
    await stopped;
    expect(world.watchdog.breaches).toEqual([]);
  });
});

describe('an operator that is asked to stop before it has started', () => {
  it('ends, although no API server has answered', async () => {
    const world = await createWorld({ seed: 27 });
    world.kubeWeather.isDown = true;
    await world.advance(5 * second);
    await world.stop();
    expect(world.watchdog.breaches).toEqual([]);
  });

  it.each([0, 50, 99, 100, 101, 150, 250])('ends %i ms after its first moment, its start included', async (ms) => {
    const world = await createWorld({ seed: 28 });
    world.kubeWeather.delay = { least: 100, most: 100 };
    await world.apply('trainer');
    await world.advance(ms);
    await world.stop();
    expect(world.watchdog.breaches).toEqual([]);
    // The first answers of the API server come after 100 ms.
    if (ms < 100) expect([world.writes, world.totalRequests]).toEqual([0, 0]);
  });
});

describe('a leader that loses its lease while it stops, and gets it again', () => {
  it('does not begin anew, and ends when its calls have ended', async () => {
    const { world, stopped } = await stoppingDuringDeploy({ replicas: 2, slowMs: 20 * second });
    const leader = leaderOf(world);
    // Longer than it may go without a renewal, and not so long that another one takes over.
    leader.isCutOff = true;
    expect(await world.until(() => !leader.isLeading, 15 * second, 100)).toBeDefined();
    leader.isCutOff = false;
    expect(await world.until(() => leader.isLeading, 5 * second, 100)).toBeDefined();
    await world.apply('another');
    expect(await world.until(() => stopped.isOver, 10 * second, 100)).toBeDefined();
    expect(world.requestsOf(deploy)).toBe(1);
    expect(world.watchdog.breaches).toEqual([]);
  });
});

describe('an operator that is asked to stop in the middle of a pass', () => {
  async function stopWhen(world: SimulatedWorld, isThere: () => boolean): Promise<void> {
    expect(await world.until(isThere, minute, 100)).toBeDefined();
    await world.stop();
  }

  /** Nothing is left that the next process has to find out about first. */
  async function goesOn(world: SimulatedWorld, name: string, vms = 1): Promise<void> {
    world.kubeWeather.delay = { least: 0, most: 0 };
    await world.start();
    expect(await world.until(() => world.conditionOf(name, 'Ready') === 'True Running', 2 * minute)).toBeDefined();
    expect([world.requestsOf(deploy), world.vms().length]).toEqual([vms, vms]);
    expect(world.watchdog.breaches).toEqual([]);
  }

  it('asks no next question about a bid, and deploys by none', async () => {
    const world = await createWorld({ seed: 83 });
    world.control('POST', 'market', { gpuModel: 'v100-pcie-16gb', price: '0.22' });
    world.fault({ endpoint: validate, kind: 'slow', ms: 5 * second, count: 1 });
    const gpu = { models: ['v100-pcie-16gb'], count: 1 };
    await world.apply('spot-a', { ...easySpec, gpu, bid: { price: '0.10', maxPrice: '0.30' } });
    await stopWhen(world, () => world.requestsOf(validate) === 1);
    expect([world.requestsOf(validate), world.requestsOf(deploy)]).toEqual([1, 0]);
    expect(world.statusOf('spot-a')?.launch).toBeUndefined();
    await goesOn(world, 'spot-a');
  });

  it('writes no intent, and makes no call, after the finalizer that it was writing', async () => {
    const world = await createWorld({ seed: 84, operator: { pollIdleMs: 5 * second } });
    await world.apply('another');
    await world.advance(10 * second);
    // Hosts are known, and the write takes long enough for a list that shows that there is no VM: nothing more is waited for.
    world.kubeWeather.delay = { least: 4_000, most: 4_000 };
    await world.apply('trainer');
    await stopWhen(world, () => world.resource('trainer')?.metadata.finalizers !== undefined);
    expect([world.requestsOf(deploy), world.statusOf('trainer')?.launch]).toEqual([1, undefined]);
    await goesOn(world, 'trainer', 2);
  });

  it('makes no call by the intent that it was writing, and says so', async () => {
    const world = await createWorld({ seed: 85 });
    await world.advance(10 * second);
    world.kubeWeather.delay = { least: 1_000, most: 1_000 };
    await world.apply('trainer');
    await stopWhen(world, () => world.statusOf('trainer')?.launch?.outcome === 'Pending');
    expect(world.requestsOf(deploy)).toBe(0);
    expect(world.statusOf('trainer')).toMatchObject({ launch: { outcome: 'Refused' } });
    expect(world.statusOf('trainer')?.vm).toBeUndefined();
    await goesOn(world, 'trainer');
  });
});

describe('an operator whose call is answered when nobody wants its VM any more', () => {
  it('still deletes the VM: that stops money', async () => {
    const { world, stopped } = await stoppingDuringDeploy({ replicas: 1, slowMs: 10 * second });
    await world.delete('trainer');
    expect(await world.until(() => stopped.isOver, 15 * second, 100)).toBeDefined();
    expect([world.requestsOf('client/delete/single'), world.vms()]).toEqual([1, []]);
    await world.start();
    expect(await world.until(() => world.resource('trainer') === undefined, 10 * minute)).toBeDefined();
    expect(world.watchdog.breaches).toEqual([]);
  });
});

describe('an operator whose call is not answered before its grace is over', () => {
  it('breaks it off, and writes down what has become of it', async () => {
    const { world, stopped } = await stoppingDuringDeploy({ replicas: 1, slowMs: 29 * second });
    expect(await world.until(() => stopped.isOver, 26 * second, 100)).toBeDefined();
    // The list has shown the VM meanwhile.
    expect(world.statusOf('trainer')).toMatchObject({
      vm: { id: world.vms()[0]?.id },
      launch: { outcome: 'Launched' },
    });
    await world.start();
    expect(await world.until(() => world.statusOf('trainer')?.phase === 'Running', 10 * minute)).toBeDefined();
    expect([world.requestsOf(deploy), world.vms().length]).toEqual([1, 1]);
    expect(world.watchdog.breaches).toEqual([]);
  });
});

describe('an operator that is asked to stop while it waits to ask for the balance again', () => {
  it('asks no more', async () => {
    const world = await createWorld({ seed: 82 });
    world.deployForeign();
    expect(await world.until(() => world.requestsOf('client/list') > 1, 2 * minute)).toBeDefined();
    world.fault({ endpoint: 'client/list', kind: 'empty-list' });
    world.fault({ endpoint: balance, kind: 'error-500' });
    const before = world.requestsOf(balance);
    expect(await world.until(() => world.requestsOf(balance) > before, 2 * minute, 10)).toBeDefined();
    await world.stop();
    expect(world.requestsOf(balance)).toBe(before + 1);
    expect(world.watchdog.breaches).toEqual([]);
  });
});
