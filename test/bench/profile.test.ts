import { expect, test } from 'vitest';

import { costsOf } from './profile.ts';

test('a profile tells of each function what it took itself, most first, and nothing of the time in which nobody worked', () => {
  const frame = (functionName: string, url = '', lineNumber = -1): object => ({ functionName, url, lineNumber });
  const nodes = [
    { id: 1, callFrame: frame('(idle)') },
    { id: 2, callFrame: frame('decideVm', 'file:///app/gpuvm.mjs', 41), children: [3] },
    { id: 3, callFrame: frame('parse') },
    { id: 4, callFrame: frame('parse') },
  ];
  const samples = [1, 2, 3, 4, 2, 1];
  const timeDeltas = [0, 1_000_000, 2_000_000, 3_000_000, 500_000, 9_000_000];
  expect(costsOf({ nodes, samples, timeDeltas } as Parameters<typeof costsOf>[0])).toEqual([
    { what: 'parse', seconds: 5 },
    { what: 'decideVm gpuvm.mjs:42', seconds: 1.5 },
  ]);
});
