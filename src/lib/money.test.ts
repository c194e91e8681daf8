import fc from 'fast-check';
import { expect, it } from 'vitest';

import { dollars, formatMoney, money, parseMoney, roundedDown, roundedUp } from './money.ts';

it.each([
  ['0', '0.00'],
  ['0.8', '0.80'],
  ['0.243', '0.243'],
  ['0.00005', '0.00005'],
  ['12', '12.00'],
  ['0.000000001', '0.000000001'],
])('%s dollars are written as %s', (amount, text) => {
  expect(formatMoney(money(amount))).toBe(text);
  expect(dollars(money(amount))).toBe(`$${text}`);
});

it.each(['', ' 1', '-1', '+1', '1e3', '1.', '.1', 'NaN', 'Infinity', '1,000', '0.1234567891', '１'])(
  '"%s" is no amount',
  (text) => {
    expect(parseMoney(text)).toBeUndefined();
  },
);

const amount = fc.integer({ min: 0, max: 2_000_000_000 }).map((nanos) => money(nanos).div(1e9));

it('what is written is read back as the same amount', () => {
  fc.assert(
    fc.property(amount, (given) => {
      expect(parseMoney(formatMoney(given))?.eq(given)).toBe(true);
    }),
  );
});

it.each([
  ['0.12341', '0.1234', '0.1235'],
  ['0.12349', '0.1234', '0.1235'],
  ['0.1234', '0.1234', '0.1234'],
  ['0.00001', '0', '0.0001'],
])('%s lies between %s and %s, to four decimals', (exact, below, above) => {
  expect(roundedDown(money(exact), 4).toFixed()).toBe(below);
  expect(roundedUp(money(exact), 4).toFixed()).toBe(above);
});
