import { expect, it } from 'vitest';

import { createWorld, type SimulatedWorld } from './world.ts';

const minute = 60_000;

/** A GpuVm is deleted while the provider answers delete calls with "too many requests". */
async function deleteWhileLimited(limit: { retryAfterSeconds: number; count?: number }): Promise<SimulatedWorld> {
  const world = await createWorld({ seed: 61 });
  await world.apply('trainer');
  const isReady = (): boolean => world.conditionOf('trainer', 'Ready') === 'True Running';
  expect(await world.until(isReady, 5 * minute)).toBeDefined();
  world.fault({ endpoint: 'client/delete/single', kind: 'rate-limit', ...limit });
  await world.delete('trainer');
  return world;
}

it('a Retry-After of an hour does not let a VM live for an hour that is to be deleted', async () => {
  const world = await deleteWhileLimited({ retryAfterSeconds: 3600, count: 1 });
  expect(await world.until(() => world.resource('trainer') === undefined, 5 * minute)).toBeDefined();
  expect(world.vms()).toEqual([]);
});

it('a Retry-After of zero seconds does not make deletions come faster and faster', async () => {
  const world = await deleteWhileLimited({ retryAfterSeconds: 0 });
  await world.advance(10 * minute);
  expect(world.requestsOf('client/delete/single')).toBeLessThanOrEqual(12);
  world.clearFaults();
  expect(await world.until(() => world.resource('trainer') === undefined, 10 * minute)).toBeDefined();
});
