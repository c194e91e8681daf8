import { expect, it } from 'vitest';

import { lanes, type Lane } from '../../provider/gate-contract.ts';
import { mayBegin } from './pass.ts';

const on = AbortSignal.abort();
const off = new AbortController().signal;

it.each<[string, { stopping: AbortSignal; signal: AbortSignal }, Lane[]]>([
  ['every call may begin while the process is to go on', { stopping: off, signal: off }, [...lanes]],
  [
    'what stops money may begin, and nothing else, once it is told to stop',
    { stopping: on, signal: off },
    ['stopMoney'],
  ],
  ['nothing may begin once calls are broken off', { stopping: on, signal: on }, []],
])('%s', (_, pass, expected) => {
  expect(lanes.filter((lane) => mayBegin(pass, lane))).toEqual(expected);
});
