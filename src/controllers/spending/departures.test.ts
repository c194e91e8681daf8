import { describe, expect, it } from 'vitest';

import { departureMs, Departures } from './departures.ts';

const minute = 60_000;

describe('one that was told to stop', () => {
  it('is stuck once it has taken too long', () => {
    const departures = new Departures();
    departures.note(['a'], 0);
    expect(departures.nextAt(minute)).toBe(departureMs);
    departures.note(['a'], departureMs - 1);
    expect(departures.isStuck('a', departureMs - 1)).toBe(false);
    departures.note(['a'], departureMs);
    expect(departures.isStuck('a', departureMs)).toBe(true);
    expect(departures.nextAt(departureMs)).toBeUndefined();
  });

  it('is on its way as long as others leave', () => {
    const departures = new Departures();
    departures.note(['a', 'b', 'c'], 0);
    departures.note(['a', 'b'], 4 * minute);
    expect(departures.isStuck('a', 6 * minute)).toBe(false);
    departures.note(['a', 'b'], 9 * minute);
    expect(departures.isStuck('a', 9 * minute)).toBe(true);
  });

  it('is counted anew when it is told to stop once more', () => {
    const departures = new Departures();
    departures.note(['a'], 0);
    departures.note([], minute);
    departures.note(['a'], 10 * minute);
    expect(departures.isStuck('a', 11 * minute)).toBe(false);
  });
});
