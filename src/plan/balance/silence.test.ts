import { expect, it } from 'vitest';

import { minute, now } from '../../../test/support/builders.ts';
import { silentView, type Silence } from './silence.ts';
import { balanceTimings, type BalanceView } from './view.ts';

const unread: BalanceView = { kind: 'unread' };
const lost: BalanceView = { kind: 'lost', since: now - 40 * minute, message: 'It is away.' };
const since = now - 11 * minute;

it.each<[string, BalanceView, Partial<Silence>, BalanceView]>([
  ['is nothing new for ten minutes', unread, { since: now - 10 * minute }, unread],
  ['is not known afterwards', unread, {}, { kind: 'lost', since, message: 'nothing was asked' }],
  ['says what keeps it from asking', unread, { problem: 'no Secret.' }, { kind: 'lost', since, message: 'no Secret.' }],
  ['says so of one that it has lost', lost, { problem: 'no Secret.' }, { ...lost, message: 'no Secret.' }],
  ['says why an answer was lost', lost, {}, lost],
])('what a process without an answer knows %s', (_, view, changes, expected) => {
  const silence = { since, now, timings: balanceTimings(5 * minute), problem: undefined, facts: undefined, ...changes };
  expect(silentView(view, silence)).toEqual(expected);
});
