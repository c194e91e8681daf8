import fc from 'fast-check';
import { expect, it } from 'vitest';

import { backoffMs } from './backoff.ts';

const policy = { baseMs: 1_000, maxMs: 60_000 };

it.each([
  [0, 1_000],
  [1, 1_000],
  [2, 2_000],
  [3, 4_000],
  [6, 32_000],
  [7, 60_000],
  [1_000_000, 60_000],
])('after %i failures the pause is %i ms without jitter', (failures, ms) => {
  expect(backoffMs(policy, failures, () => 0)).toBe(ms);
});

it('jitter takes away up to a third, and never adds', () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.nat({ max: 100 }), chance, (failures, drawn) => {
      const longest = backoffMs(policy, failures, () => 0);
      const pause = backoffMs(policy, failures, () => drawn);
      expect(pause).toBeLessThanOrEqual(longest);
      expect(pause).toBeGreaterThanOrEqual(Math.floor((longest * 2) / 3));
    }),
  );
});
