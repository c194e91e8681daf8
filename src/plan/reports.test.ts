import { expect, test } from 'vitest';

import { reportStatuses, reportsWanted } from './reports.ts';

const at = Date.UTC(2026, 5, 1, 12);

test('what is wanted is what the spec names, as often as it says', () => {
  expect(reportsWanted({})).toMatchObject({ kinds: [] });
  expect(reportsWanted({ reports: { kinds: ['Revenue'], interval: '1h30m' } })).toEqual({
    ...{ kinds: ['Revenue'], maxAgeMs: 5_400_000 },
  });
});

test('the status has when each was read and why it cannot be, and no figure of it', () => {
  const failure = { kind: 'refused', message: 'You are no host.', since: at, consecutive: 3 };
  const before = [{ kind: 'Revenue', readAt: '2026-05-31T00:00:00Z' }] as const;
  const observed = [
    { kind: 'Summary', last: { requestedAt: at, value: { expenses: '1' } }, failure: undefined },
    { kind: 'Revenue', last: undefined, failure },
  ] as const;
  expect(reportStatuses(observed, before)).toEqual([
    { kind: 'Summary', readAt: '2026-06-01T12:00:00Z' },
    {
      ...{ kind: 'Revenue', readAt: '2026-05-31T00:00:00Z' },
      failure: 'It cannot be read, tried again by itself: You are no host.',
    },
  ]);
});
