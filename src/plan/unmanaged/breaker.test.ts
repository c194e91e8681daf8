import fc from 'fast-check';
import { expect, it } from 'vitest';

import type { UnmanagedHold, UnmanagedVm } from '../../api/unmanaged-vms.ts';
import { judgeSweep, type BreakerFacts } from './breaker.ts';

const calm: BreakerFacts = {
  ...{ before: [], stored: undefined, pending: ['vm-1'], marked: 2, owned: 1 },
  ...{ isCertain: true, isRestored: false, annotation: undefined },
};

const many = (count: number): string[] => Array.from({ length: count }, (_, at) => `vm-${at}`);
const entry = (id: string, more: Partial<UnmanagedVm> = {}): UnmanagedVm => {
  return { id, name: id, since: '2026-06-01T11:00:00Z', ...more };
};
const stored: UnmanagedHold = { why: 'NoneOwned', confirm: 'of before' };

it.each<[string, Partial<BreakerFacts>, UnmanagedHold['why'] | undefined]>([
  ['one of two has no resource', {}, undefined],
  ['five of six have none', { pending: many(5), marked: 6 }, undefined],
  ['six of seven have none', { pending: many(6), marked: 7 }, 'TooMany'],
  ['a fifth of a hundred have none', { pending: many(20), marked: 100, owned: 80 }, undefined],
  ['more than a fifth of a hundred have none', { pending: many(21), marked: 100, owned: 79 }, 'TooMany'],
  ['no VM at all has one', { owned: 0, marked: 1 }, 'NoneOwned'],
  ['the API server went back in time', { isRestored: true }, 'Restored'],
  ['the API server went back in time, and none is missing', { isRestored: true, pending: [] }, undefined],
  ['a list lacks what there is', { owned: 0, isCertain: false }, undefined],
  ['they were held before, and a new resource has a VM', { stored }, 'NoneOwned'],
  ['they were held before, and a list lacks what there is', { stored, isCertain: false }, 'NoneOwned'],
  ['they were held before, and none is left', { stored, pending: [] }, undefined],
  [
    'those that are too many are confirmed',
    { pending: many(6), marked: 7, before: many(6).map((id) => entry(id, { confirmed: true })) },
    undefined,
  ],
])('where %s, the sweep is held: %j', (_, changes, why) => {
  expect(judgeSweep({ ...calm, ...changes }).hold?.why).toBe(why);
});

it('a set is confirmed by its own value alone, and stays so while others come', () => {
  const facts = { ...calm, pending: many(9), marked: 9, owned: 0 };
  const confirm = judgeSweep(facts).hold?.confirm;
  expect(judgeSweep({ ...facts, pending: many(9).toReversed() }).hold?.confirm).toBe(confirm);
  const answered = judgeSweep({ ...facts, annotation: confirm, stored });
  expect(answered.hold).toBeUndefined();
  expect(many(9).every((id) => answered.isConfirmed(id))).toBe(true);
  const later = { ...facts, annotation: confirm, before: many(9).map((id) => entry(id, { confirmed: true })) };
  const withMore = judgeSweep({ ...later, pending: [...many(9), 'new'] });
  expect(withMore.hold?.why).toBe('NoneOwned');
  expect([withMore.isConfirmed('vm-3'), withMore.isConfirmed('new')]).toEqual([true, false]);
  expect(judgeSweep({ ...facts, annotation: confirm, pending: many(10) }).hold?.why).toBe('NoneOwned');
});

it('whatever the numbers, without a word of anybody no more than five go, or a fifth, and none where nobody owns any', () => {
  const numbers = fc.record({ owned: fc.nat({ max: 60 }), open: fc.nat({ max: 60 }), isRestored: fc.boolean() });
  fc.assert(
    fc.property(numbers, ({ owned, open, isRestored }) => {
      const facts = { ...calm, ...{ owned, isRestored, marked: owned + open, pending: many(open) } };
      if (open === 0 || judgeSweep(facts).hold !== undefined) return;
      expect(owned).toBeGreaterThan(0);
      expect(isRestored).toBe(false);
      expect(open <= 5 || open * 5 <= owned + open).toBe(true);
    }),
  );
});
