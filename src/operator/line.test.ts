import { expect, test } from 'vitest';

import { Line } from './line.ts';

const intervals = { activeMs: 5_000, idleMs: 30_000 };

test.each([
  ['nobody stands in line', 1, 0, 5_000],
  ['deployments stand in line at one call per second', 1, 40, 30_000],
  ['they do at two', 2, 40, 15_000],
  ['a list costs a sixth of a second', 6, 40, 5_000],
  ['the gate is so wide that a list costs nobody anything', 1_000, 40, 5_000],
  ['it is so narrow that nothing would be heard for minutes', 0.1, 40, 30_000],
])('%s', (_, requestsPerSecond, inLine, expected) => {
  const line = new Line(requestsPerSecond);
  line.noteLength('spend', inLine);
  expect(line.msBetweenLists(intervals)).toBe(expected);
});

test('who only asks, or stops money, does not slow the lists down', () => {
  const line = new Line(1);
  for (const lane of ['stopMoney', 'poll', 'lookup'] as const) line.noteLength(lane, 40);
  expect(line.msBetweenLists(intervals)).toBe(5_000);
});

test('the rate of the account is the one it has now', () => {
  const line = new Line(1);
  line.noteLength('spend', 1);
  line.requestsPerSecond = 3;
  expect(line.msBetweenLists(intervals)).toBe(10_000);
});

test('a short pause that is wished for lists without anybody waiting is no less than that for those who wait', () => {
  const line = new Line(1);
  line.noteLength('spend', 1);
  expect(line.msBetweenLists({ activeMs: 5_000, idleMs: 2_000 })).toBe(5_000);
});
