import fc from 'fast-check';
import { expect, it } from 'vitest';

import { formatDuration, parseDuration } from './duration.ts';

it.each([
  ['8h', 28_800_000],
  ['1h30m', 5_400_000],
  ['90s', 90_000],
  ['250ms', 250],
  ['1m250ms', 60_250],
  ['0s', 0],
])('%s is %i ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it.each(['', '8', 'h', '1d', '-1h', '1.5h', ' 1h', '1h ', '1H'])('"%s" is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

it.each([
  [0, '0s'],
  [-5, '0s'],
  [45_000, '45s'],
  [59_600, '1m'],
  [300_000, '5m'],
  [90_000, '1m30s'],
  [5_400_000, '1h30m'],
  [172_800_000, '48h'],
])('%i ms are written as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

it('what is written is read back, to the minute', () => {
  fc.assert(
    fc.property(fc.nat({ max: 100_000 }), (minutes) => {
      expect(parseDuration(formatDuration(minutes * 60_000))).toBe(minutes * 60_000);
    }),
  );
});
