import { describe, expect, it } from 'vitest';

import { ago, minute, now, observeOutbid, second, spotTerms } from '../../../test/support/builders.ts';
import { outbidTooOftenUntil } from './outbid-limit.ts';

const terms = spotTerms({ outbidLimit: { count: 2, windowMs: 60 * minute } });

describe('too often is', () => {
  it.each<[string, readonly number[], number | undefined]>([
    ['not a resource that was never outbid', [], undefined],
    ['not fewer times than the limit', [minute], undefined],
    [
      'the limit within the window, until the time that decides is out of it',
      [50 * minute, 5 * minute],
      now + 10 * minute,
    ],
    ['not what is out of the window', [61 * minute, 5 * minute], undefined],
    ['more than the limit, until there are fewer again', [50 * minute, 20 * minute, 5 * minute], now + 40 * minute],
    [
      'what another process wrote with a clock that is ahead, for the window at most',
      [-120 * minute, second],
      now + 60 * minute - second,
    ],
  ])('%s', (_, agoMs, until) => {
    const outbidTimes = agoMs.map(ago);
    const observation = observeOutbid({ journal: { spot: { outbidCount: outbidTimes.length, outbidTimes } } });
    expect(outbidTooOftenUntil(observation, terms)).toBe(until);
  });
});
