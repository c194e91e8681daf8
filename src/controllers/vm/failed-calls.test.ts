import { expect, it } from 'vitest';

import type { CallFact } from '../../plan/vm/observation.ts';
import { retriedWith } from './failed-calls.ts';

const refused: CallFact = {
  ...{ call: 'delete', endedAt: 1_000, failures: 8, nextTryAt: 300_000 },
  failure: { kind: 'unauthorized', message: 'refused' },
};

it.each<[string, CallFact, number, Partial<CallFact>]>([
  [
    'one that was refused is tried as soon as key or token are others',
    refused,
    2_000,
    { nextTryAt: 2_000, failures: 1 },
  ],
  ['one that was refused with the same ones waits', refused, 500, {}],
  ['one that is tried before is', { ...refused, nextTryAt: 1_500 }, 2_000, {}],
  [
    'one that failed for another reason waits',
    { ...refused, failure: { kind: 'wrongState', message: 'no answer' } },
    2_000,
    {},
  ],
  ['one that has not failed is as it was', { ...refused, failure: undefined }, 2_000, {}],
])('of calls, %s', (_, call, since, changes) => {
  expect(retriedWith(new Map([['vm-1', call]]), since).get('vm-1')).toEqual({ ...call, ...changes });
});
