import { describe, expect, it } from 'vitest';

import { createWorld, type SimulatedWorld } from './world.ts';

/** Two processes that both believe they are alone: what one has found out, the other must not unsay. */

const second = 1000;
const minute = 60 * second;
const deploy = 'client/deploy/single';

/** Whoever deploys freezes before the answer comes, which is lost; the other one goes on meanwhile. */
async function withLostAnswer(frozenMs: number): Promise<SimulatedWorld> {
  const world = await createWorld({ seed: 60, replicas: 2, election: 'none' });
  // They overwrite each other's conditions as fast as the API server lets them.
  world.kubeWeather.delay = { least: 100, most: 100 };
  await world.advance(10 * second);
  world.fault({ endpoint: deploy, kind: 'lost-answer', count: 1 });
  world.freezeAt(`after ${deploy}`, frozenMs);
  await world.apply('trainer');
  expect(await world.until(() => world.requestsOf(deploy) > 0, minute, 100)).toBeDefined();
  return world;
}

describe('a process that does not know whether its deploy call made a VM', () => {
  it('takes it from the other one, which has recorded that VM', async () => {
    const world = await withLostAnswer(40 * second);
    expect(await world.until(() => world.statusOf('trainer')?.vm !== undefined, 30 * second)).toBeDefined();
    const id = world.statusOf('trainer')?.vm?.id;
    // What it has is a list from before the call, and it gets no other one.
    world.fault({ endpoint: 'client/list', kind: 'error-500' });
    await world.advance(2 * minute);
    expect(world.statusOf('trainer')?.vm?.id).toBe(id);
    world.clearFaults();
    await world.advance(2 * minute);
    expect(world.statusOf('trainer')).toMatchObject({ vm: { id }, launch: { attempt: 1, outcome: 'Launched' } });
    expect(world.watchdog.breaches).toEqual([]);
  });
});
