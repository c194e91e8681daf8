import fc from 'fast-check';
import { expect, it } from 'vitest';

import { play, scenario } from './scenario.ts';

/** More scenarios: WORLD_RUNS=10000, or `make explore`. Other ones: WORLD_SEED=7. */
const numRuns = Number(process.env['WORLD_RUNS'] ?? 200);
const seed = Number(process.env['WORLD_SEED'] ?? 1);

it(
  `holds its promises in ${String(numRuns)} random worlds full of faults, crashes and edits`,
  { timeout: 60_000 + numRuns * 2_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        const { breaches, world } = await play(given);
        expect(breaches, world.trace.slice(-60).join('\n')).toEqual([]);
      }),
      { seed, numRuns, endOnFailure: process.env['WORLD_SHRINK'] === 'no' },
    );
  },
);
