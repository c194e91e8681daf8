import { describe, expect, it } from 'vitest';

import { money } from '../../lib/money.ts';
import { reachedAt, spentByStatus, spentLater } from './spend.ts';

const hour = 3_600_000;
const noon = Date.UTC(2026, 5, 30, 12);
const before = { daily: money('3'), monthly: money('40'), at: noon, rate: money('0.5') };

describe('what is spent', () => {
  it.each<[string, number, string, string]>([
    ['grows with the rate', noon + 3 * hour, '4.5', '41.5'],
    ['stays at the same moment', noon, '3', '40'],
    ['begins anew with the day and the month, in UTC', noon + 14 * hour, '1', '1'],
    ['is only that of today after days without a look', noon + 38 * hour, '1', '13'],
    ['is not taken back by a clock that is behind', noon - hour, '3', '40'],
  ])('%s', (_, now, daily, monthly) => {
    const later = spentLater(before, now);
    expect([later.daily.toFixed(), later.monthly.toFixed(), later.at]).toEqual([daily, monthly, now]);
  });

  it('is reckoned at the dearer rate where nobody has counted', () => {
    const used = {
      vms: 1,
      gpus: 1,
      hourlyCost: '2.00',
      dailyCost: '3.00',
      monthlyCost: '40.00',
      at: '2026-06-30T12:00:00.000Z',
    };
    expect(spentLater(spentByStatus(used, money('0.5'), noon + hour), noon + hour).daily.toFixed()).toBe('5');
    expect(spentLater(spentByStatus(used, money('3'), noon + hour), noon + hour).daily.toFixed()).toBe('6');
  });

  it.each([
    { ...{ vms: 1, gpus: 1, hourlyCost: '-2', dailyCost: 'NaN', monthlyCost: '-1e9' }, at: '2026-06-30T12:00:00.000Z' },
    { ...{ vms: 1, gpus: 1, hourlyCost: '1', dailyCost: '1', monthlyCost: '1' }, at: 'yesterday' },
    undefined,
  ])('is never below nothing, whatever a status says (%#)', (used) => {
    const { daily, monthly } = spentLater(spentByStatus(used, money('0.5'), noon), noon + hour);
    expect([daily.gte(0), monthly.gte(0)]).toEqual([true, true]);
  });

  it('reaches an amount at a moment that is known beforehand', () => {
    expect(reachedAt(money('3'), money('4'), before)).toBe(noon + 2 * hour);
    expect(reachedAt(money('3'), money('3'), before)).toBe(noon);
    expect(reachedAt(money('3'), money('4'), { ...before, rate: money(0) })).toBeUndefined();
  });
});
