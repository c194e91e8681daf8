import { expect, it } from 'vitest';

import { createWorld } from './world.ts';

/** Delete calls that were carried out, and of which nobody heard. */

const minute = 60_000;
const deletion = 'client/delete/single';

it('a VM whose deletion had no answer time and again is asked about, and its resource does not wait for the next call', async () => {
  const world = await createWorld({ seed: 90 });
  await world.apply('trainer');
  expect(await world.until(() => world.conditionOf('trainer', 'Ready') === 'True Running', 5 * minute)).toBeDefined();
  // Some are lost before they arrive, so that the pauses have grown; then one is carried out.
  world.fault({ endpoint: deletion, kind: 'lost-request', count: 5 });
  await world.delete('trainer');
  expect(await world.until(() => world.requestsOf(deletion) === 5, 30 * minute)).toBeDefined();
  world.fault({ endpoint: deletion, kind: 'lost-answer', count: 1 });
  expect(await world.until(() => world.vms().length === 0, 30 * minute)).toBeDefined();
  const took = await world.until(() => world.resource('trainer') === undefined, 30 * minute);
  expect(took).toBeLessThanOrEqual(minute);
  expect(world.requestsOf(deletion)).toBe(6);
  expect(world.watchdog.breaches).toEqual([]);
});
