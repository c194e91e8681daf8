import fc from 'fast-check';
import { expect, it } from 'vitest';

import { installationId, markOf, vmNameOf, type VmMark } from './vm-name.ts';

const hex = (length: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`));
const uid = fc.tuple(hex(8), hex(4), hex(4), hex(4), hex(12)).map((parts) => parts.join('-'));
const mark: fc.Arbitrary<VmMark> = fc.record({
  installation: hex(8),
  uid,
  attempt: fc.integer({ min: 1, max: 999_999_999 }),
});

it('a name leads back to the mark that it was made from', () => {
  fc.assert(
    fc.property(mark, (given) => {
      expect(markOf(vmNameOf(given))).toEqual(given);
    }),
  );
});

it('a name has at most the 60 characters that the provider takes', () => {
  fc.assert(
    fc.property(mark, (given) => {
      expect(vmNameOf(given).length).toBeLessThanOrEqual(60);
    }),
  );
});

it('two marks never share a name', () => {
  fc.assert(
    fc.property(mark, mark, (one, other) => {
      expect(vmNameOf(one) === vmNameOf(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
    }),
  );
});

it('a name that somebody else gave is no mark', () => {
  fc.assert(
    fc.property(fc.string(), (name) => {
      expect(markOf(name)).toBeUndefined();
    }),
  );
});

const good = 'gpuvm-1a2b3c4d-0f8e6c1de2b94a3f9c5d7e8f01234567-3';

it.each([
  ['with something in front', `x${good}`],
  ['with something behind', `${good}0x`],
  ['with a line break behind', `${good}\n`],
  ['in capitals', good.toUpperCase()],
  ['of attempt 0', good.replace(/3$/, '0')],
  ['of an attempt with leading zeros', good.replace(/3$/, '03')],
  ['without an attempt', good.replace(/-3$/, '')],
  ['of another prefix', good.replace('gpuvm', 'podvm')],
])('a name %s is no mark', (_, name) => {
  expect(markOf(good)).toBeDefined();
  expect(markOf(name)).toBeUndefined();
});

it.each([
  ['a UID that is none', { installation: '1a2b3c4d', uid: 'not-a-uid', attempt: 1 }],
  ['an installation that is none', { installation: 'ours', uid: '0f8e6c1d-e2b9-4a3f-9c5d-7e8f01234567', attempt: 1 }],
  ['an attempt that is none', { installation: '1a2b3c4d', uid: '0f8e6c1d-e2b9-4a3f-9c5d-7e8f01234567', attempt: 0 }],
])('no name is made from %s: its VM could not be found again', (_, given) => {
  expect(() => vmNameOf(given)).toThrow(/VM name/);
});

it('an installation is named by its cluster, always in the same way', () => {
  expect(installationId('8a3f')).toMatch(/^[0-9a-f]{8}$/);
  expect(installationId('8a3f')).toBe(installationId('8a3f'));
  expect(installationId('8a3f')).not.toBe(installationId('8a40'));
});
