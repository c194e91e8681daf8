import { describe, expect, it } from 'vitest';

import { KubeError } from '../../src/kube/contract.ts';
import { eventType } from '../../src/kube/events.ts';
import { createWorld, type SimulatedWorld } from './world.ts';

/** SIGTERM: a process ends by itself, in time, and leaves nothing behind that would go on. */

const second = 1000;
const minute = 60 * second;

function isReady(world: SimulatedWorld): boolean {
  return world.conditionOf('trainer', 'Ready') === 'True Running';
}

describe('an operator that is asked to stop', () => {
  it('ends within seconds, also when something is to be looked at much later', async () => {
    const world = await createWorld({ seed: 25 });
    world.fault({ endpoint: 'client/deploy/single', kind: 'lost-request', count: 1 });
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
