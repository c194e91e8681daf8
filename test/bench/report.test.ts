import { describe, expect, test } from 'vitest';

import { requestsSince, writesOf } from './api-requests.ts';
import { summarize, tableOf } from './report.ts';
import { quantile } from './statistics.ts';

describe('the report of a bench', () => {
  test('has the median of all runs, and the least and the most beside it', () => {
    const runs = [3, 1, 2].map((wall) => ({ scenario: 'burst', contender: 'ours', figures: { 'wall s': wall } }));
    expect(summarize(runs)).toEqual([
      { scenario: 'burst', contender: 'ours', figure: 'wall s', median: 2, least: 1, most: 3, runs: 3 },
    ]);
  });

  test('puts what two operators needed for one thing side by side, and leaves open what only one has', () => {
    const rows = summarize([
      { scenario: 'burst', contender: 'ours', figures: { 'CPU s': 1.2345, 'list calls': 4 } },
      { scenario: 'burst', contender: 'theirs', figures: { 'CPU s': 123.45 } },
    ]);
    expect(tableOf(rows).split('\n')).toEqual([
      '| scenario | figure | ours | theirs |',
      '| --- | --- | --- | --- |',
      '| burst | CPU s | 1.23 | 123 |',
      '| burst | list calls | 4 |  |',
    ]);
  });
});

test.each([
  { values: [], share: 0.5, is: 0 },
  { values: [7], share: 0.99, is: 7 },
  { values: [4, 1, 3, 2], share: 0.5, is: 2 },
  { values: [4, 1, 3, 2], share: 0.99, is: 4 },
])('the $share quantile of $values is $is', ({ values, share, is }) => {
  expect(quantile(values, share)).toBe(is);
});

test('only what came in between counts, and of that the writes of a resource and its subresources', () => {
  const before = new Map([['PATCH gpuvms', 2]]);
  const after = new Map([
    ['PATCH gpuvms', 5],
    ['PATCH gpuvms/status', 4],
    ['LIST gpuvms', 9],
    ['POST events', 1],
  ]);
  const since = requestsSince(before, after);
  expect([writesOf(since, 'gpuvms'), writesOf(since, 'events'), writesOf(since, 'secrets')]).toEqual([7, 1, 0]);
});
