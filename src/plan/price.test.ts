import { expect, it } from 'vitest';

import { money } from '../lib/money.ts';
import { priceCap, priceViolation } from './price.ts';

it.each<[string, string, boolean]>([
  ['0.0666666', '0.06666655', false],
  ['0.0666666', '0.066666', true],
  ['0.066667', '0.06666655', true],
  ['0.066667', '0.066667', true],
])('under a cap of %s a host that asks %s is taken only if its VM is not shown as dearer', (cap, asked, isTaken) => {
  const known = priceCap({ maxHourlyPrice: cap });
  expect(known?.gte(asked)).toBe(isTaken);
  const shown = money(money(asked).toFixed(6));
  const violation = priceViolation({ compute: shown, storage: undefined, total: shown }, known);
  expect(violation === undefined).toBe(isTaken);
});
