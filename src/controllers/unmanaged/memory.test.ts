import { describe, expect, it } from 'vitest';

import { markedName, minute, now, second } from '../../../test/support/builders.ts';
import { Attempts, UnownedTimes } from './memory.ts';

const vm = { id: 'vm-1', name: markedName(1) };

/** Sees the VM without a resource at these minutes, by lists that were requested as long before. */
function seeAt(times: UnownedTimes, minutes: readonly number[], recordedMs = 0, listAgeMs = 0): void {
  for (const at of minutes) {
    times.note([{ ...vm, recordedMs }], { now: now + at * minute, requestedAt: now + at * minute - listAgeMs });
  }
}

describe('the time that a VM is seen without a resource', () => {
  it('counts from the first look to the last list', () => {
    const times = new UnownedTimes(10 * minute);
    seeAt(times, [0]);
    expect(times.ms('vm-1', 0)).toBe(0);
    seeAt(times, [1, 7]);
    expect(times.ms('vm-1', 0)).toBe(7 * minute);
  });

  it('does not count from before the first look: a list may be older, and a resource have had it then', () => {
    const times = new UnownedTimes(10 * minute);
    seeAt(times, [0, 0.1], 0, 20 * second);
    expect(times.ms('vm-1', 0)).toBe(0);
  });

  it('goes on from what processes before this one have counted, whatever their clocks said', () => {
    const times = new UnownedTimes(10 * minute);
    expect(times.ms('vm-1', 15 * minute)).toBe(15 * minute);
    seeAt(times, [0, 5], 15 * minute);
    expect(times.ms('vm-1', 15 * minute)).toBe(20 * minute);
  });

  it('goes on as well from what another leader has counted', () => {
    const times = new UnownedTimes(10 * minute);
    seeAt(times, [0, 5], 0);
    seeAt(times, [6], 30 * minute);
    expect(times.ms('vm-1', 30 * minute)).toBe(30 * minute);
  });

  it('ends with a list that lacks it, or shows it with a resource', () => {
    const times = new UnownedTimes(10 * minute);
    seeAt(times, [0, 5]);
    times.note([], { now: now + 6 * minute, requestedAt: now + 6 * minute });
    seeAt(times, [7, 8]);
    expect(times.ms('vm-1', 0)).toBe(minute);
  });

  it('counts no more of a long gap between two lists than may be missed: nobody has seen it so meanwhile', () => {
    const times = new UnownedTimes(90 * second);
    seeAt(times, [0, 1, 181, 182]);
    expect(times.ms('vm-1', 0)).toBe(3.5 * minute);
  });

  it('begins anew when a resource had it between two looks, also for what is written down', () => {
    const times = new UnownedTimes(10 * minute);
    seeAt(times, [0, 10, 20], 0);
    times.ownerWent(({ id }) => id === 'vm-1', [vm]);
    expect(times.ms('vm-1', 15 * minute)).toBe(0);
    seeAt(times, [21, 25], 15 * minute);
    expect(times.ms('vm-1', 15 * minute)).toBe(4 * minute);
    // What is written has caught up.
    seeAt(times, [26], 0);
    seeAt(times, [27], 10 * minute);
    expect(times.ms('vm-1', 10 * minute)).toBe(10 * minute);
  });
});

describe('delete calls', () => {
  const when = { now, random: () => 0 };

  it('are tried again with growing pauses, and for ever', () => {
    const attempts = new Attempts();
    const pauses = [1, 2, 3, 20].map((times) => {
      for (let at = 0; at < times; at++)
        attempts.failed('vm-1', { message: 'HTTP 500', retryAfterMs: undefined }, when);
      return attempts.nextTryAt('vm-1') - now;
    });
    expect(pauses).toEqual([5 * second, 20 * second, 160 * second, 300 * second]);
    expect(attempts.get('vm-1')).toMatchObject({ failure: 'HTTP 500', confirmedAt: undefined });
  });

  it('obey a Retry-After for two minutes at most', () => {
    const attempts = new Attempts();
    attempts.failed('vm-1', { message: 'HTTP 429', retryAfterMs: 60 * second }, when);
    expect(attempts.nextTryAt('vm-1') - now).toBe(60 * second);
    attempts.failed('vm-2', { message: 'HTTP 429', retryAfterMs: 60 * minute }, when);
    expect(attempts.nextTryAt('vm-2') - now).toBe(120 * second);
  });

  it('are thought of ever more seldom while the API server knows of something that speaks against them', () => {
    const attempts = new Attempts();
    const pauses = [1, 2, 3, 4, 5, 6].map(() => {
      attempts.objectedTo('vm-1', { ...when, retryMs: 30 * second });
      return attempts.nextTryAt('vm-1') - now;
    });
    expect(pauses).toEqual([30, 60, 120, 240, 300, 300].map((seconds) => seconds * second));
    attempts.confirmed('vm-1', now);
    attempts.objectedTo('vm-1', { ...when, retryMs: 30 * second });
    expect(attempts.nextTryAt('vm-1') - now).toBe(30 * second);
  });

  it('are made again when a confirmed one has had no effect for a quarter of an hour', () => {
    const attempts = new Attempts();
    attempts.confirmed('vm-1', now);
    expect(attempts.nextTryAt('vm-1') - now).toBe(15 * minute);
    attempts.keepOnly(new Set());
    expect(attempts.nextTryAt('vm-1')).toBe(0);
  });
});
