import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

describe('the token bucket', () => {
  it('has its burst at first, then one token per interval', () => {
    const bucket = new TokenBucket({ requestsPerSecond: 2, burst: 2 }, 0);
    expect([bucket.take(0), bucket.take(0), bucket.take(0)]).toEqual([true, true, false]);
    bucket.spend(0);
    bucket.spend(0);
    expect(bucket.untilNext(0)).toBe(500);
    expect([bucket.take(499), bucket.take(500), bucket.take(500)]).toEqual([false, true, false]);
  });

  it('grows no second token while the only one is held', () => {
    const bucket = new TokenBucket({ requestsPerSecond: 1, burst: 1 }, 0);
    expect(bucket.take(0)).toBe(true);
    expect(bucket.take(60_000)).toBe(false);
    expect(bucket.untilNext(60_000)).toBeUndefined();
    bucket.spend(60_000);
    expect(bucket.untilNext(60_000)).toBe(1_000);
  });

  it('gives a token that came back to the next at once', () => {
    const bucket = new TokenBucket({ requestsPerSecond: 1, burst: 1 }, 0);
    bucket.take(0);
    bucket.giveBack(10);
    expect(bucket.take(10)).toBe(true);
  });

  it('neither gives nor takes when the clock is set back', () => {
    const bucket = new TokenBucket({ requestsPerSecond: 1, burst: 1 }, 100_000);
    bucket.take(100_000);
    bucket.spend(100_000);
    expect(bucket.take(1_000)).toBe(false);
    expect(bucket.take(2_000)).toBe(true);
  });

  it.each([
    [0, 1],
    [-1, 1],
    [1, 0.5],
    [Number.NaN, 1],
  ])('refuses a rate of %s with a burst of %s', (requestsPerSecond, burst) => {
    expect(() => new TokenBucket({ requestsPerSecond, burst }, 0)).toThrow(RangeError);
  });

  it('never lets more calls start in any window than burst and rate allow, however late tokens are used', () => {
    const step = fc.record({
      wait: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3_000 })),
      act: fc.constantFrom('take', 'take', 'spend', 'spend', 'giveBack'),
    });
    const rate = fc.record({
      requestsPerSecond: fc.double({ min: 0.1, max: 20, noNaN: true }),
      burst: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(rate, fc.array(step, { maxLength: 200 }), (given, steps) => {
        const bucket = new TokenBucket(given, 0);
        const starts: number[] = [];
        let held = 0;
        let now = 0;
        for (const { wait, act } of steps) {
          now += wait;
          if (act === 'take') held += bucket.take(now) ? 1 : 0;
          else if (held > 0) {
            held -= 1;
            if (act === 'spend') starts.push(now);
            bucket[act](now);
          }
        }
        expectRateHeld(starts, given);
      }),
    );
  });
});

function expectRateHeld(starts: readonly number[], rate: { requestsPerSecond: number; burst: number }): void {
  for (const [first, from] of starts.entries()) {
    for (const [last, to] of starts.entries()) {
      if (last < first) continue;
      const allowed = rate.burst + ((to - from) * rate.requestsPerSecond) / 1000;
      expect(last - first + 1).toBeLessThanOrEqual(allowed + 1e-6);
    }
  }
}
