import fc from 'fast-check';
import { expect, it } from 'vitest';

import { play, scenario } from './scenario.ts';

/** Many more, on all cores: `make explore`. Other ones: WORLD_SEED=7. */
const numRuns = Number(process.env['WORLD_RUNS'] ?? 200);
const seed = Number(process.env['WORLD_SEED'] ?? 1);
const timeout = 120_000 + numRuns * 2_000;

it(`holds its promises in ${numRuns} random worlds full of faults, crashes and edits`, { timeout }, async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (given) => {
      const { breaches, world } = await play(given);
      expect(breaches, world.trace.slice(-60).join('\n')).toEqual([]);
    }),
    // Made smaller by `make explore`, which takes its time.
    { seed, numRuns, endOnFailure: true },
  );
});

it('goes exactly the same way when it is played again', { timeout }, async () => {
  for (const given of fc.sample(scenario, { seed, numRuns: 10 })) {
    const [once, again] = [await play(given), await play(given)];
    expect(again.world.trace).toEqual(once.world.trace);
  }
});
