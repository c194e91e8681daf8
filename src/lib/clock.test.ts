import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { sleep, toMicroTime, toPreciseTimestamp, toTimestamp, within } from './clock.ts';
import { VirtualClock } from './virtual-clock.ts';

describe('the virtual clock', () => {
  it('fires timers in the order of their due times, and of their making among equals, each at its own time', async () => {
    const delays = fc.array(fc.nat({ max: 50 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(delays, async (given) => {
        const clock = new VirtualClock(0);
        const fired: { index: number; at: number }[] = [];
        given.forEach((delay, index) => {
          clock.after(delay, () => fired.push({ index, at: clock.now() }));
        });
        await clock.advance(50);
        const expected = given.map((at, index) => ({ index, at })).sort((a, b) => a.at - b.at || a.index - b.index);
        expect(fired).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  it('fires equals by their rank where one is given', async () => {
    const ranks = [3, 1, 2, 1];
    const clock = new VirtualClock(0, () => ranks.shift() ?? 0);
    const fired: string[] = [];
    for (const name of ['third', 'first', 'second', 'first, set later']) clock.after(5, () => fired.push(name));
    await clock.advance(5);
    expect(fired).toEqual(['first', 'first, set later', 'second', 'third']);
  });

  it('forgets timers that were cancelled', async () => {
    const clock = new VirtualClock(0);
    const fired: number[] = [];
    const cancels = Array.from({ length: 40 }, (_, index) => clock.after(40 - index, () => fired.push(40 - index)));
    cancels.forEach((cancel, index) => {
      if (index % 3 !== 0) cancel();
    });
    await clock.advance(100);
    expect(fired).toEqual([1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31, 34, 37, 40]);
    expect(clock.nextDue()).toBeUndefined();
  });

  it('fires what a timer sets while it goes on', async () => {
    const clock = new VirtualClock(0);
    let count = 0;
    const again = (): void => {
      count += 1;
      clock.after(10, again);
    };
    again();
    await clock.advance(100);
    expect(count).toBe(11);
    expect(clock.nextDue()).toBe(110);
  });

  it('fires nothing that was cancelled, also when it was due at the same moment', async () => {
    const clock = new VirtualClock(0);
    let fired = false;
    const cancels: (() => void)[] = [];
    clock.after(5, () => {
      for (const cancel of cancels) cancel();
    });
    cancels.push(
      clock.after(5, () => {
        fired = true;
      }),
    );
    await clock.advance(10);
    expect(fired).toBe(false);
  });
});

describe('sleep', () => {
  it('ends when the time has come', async () => {
    const clock = new VirtualClock(0);
    const wake = sleep(clock, 100).then(() => clock.now());
    await clock.advance(1_000);
    await expect(wake).resolves.toBe(100);
  });

  it('ends with the reason of an abort, and leaves no timer behind', async () => {
    const clock = new VirtualClock(0);
    const abort = new AbortController();
    const wake = sleep(clock, 100, abort.signal);
    abort.abort(new Error('enough'));
    await expect(wake).rejects.toThrow('enough');
    expect(clock.nextDue()).toBeUndefined();
  });

  it('does not begin when it was aborted before', async () => {
    const clock = new VirtualClock(0);
    await expect(sleep(clock, 100, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
    expect(clock.nextDue()).toBeUndefined();
  });
});

describe('a limit', () => {
  it('passes on what comes in time, and leaves no timer behind', async () => {
    const clock = new VirtualClock(0);
    expect(await within(clock, 100, Promise.resolve('answer'))).toBe('answer');
    await expect(within(clock, 100, Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    expect(clock.nextDue()).toBeUndefined();
  });

  it('ends the wait for what does not come, and hears nothing of what comes later', async () => {
    const clock = new VirtualClock(0);
    const late = Promise.withResolvers<string>();
    const result = within(clock, 100, late.promise);
    await clock.advance(100);
    expect(await result).toBeUndefined();
    late.reject(new Error('too late'));
    await clock.advance(0);
  });
});

it('times are written in whole seconds, never later than they are, and precisely where that matters', () => {
  const at = Date.UTC(2026, 0, 1, 0, 0, 1, 999);
  expect(toTimestamp(at)).toBe('2026-01-01T00:00:01Z');
  expect(toPreciseTimestamp(at)).toBe('2026-01-01T00:00:01.999Z');
  expect(toMicroTime(at)).toBe('2026-01-01T00:00:01.999000Z');
});
