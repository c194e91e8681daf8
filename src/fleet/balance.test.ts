import { describe, expect, it } from 'vitest';

import { silentLogger } from '../lib/logger.ts';
import { money } from '../lib/money.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { createGate, type RunningGate } from '../provider/gate.ts';
import { createBalanceBook, type RunningBalanceBook } from './balance.ts';
import { Cloud } from './testing/cloud.ts';

const minute = 60_000;

interface Rig {
  readonly clock: VirtualClock;
  readonly cloud: Cloud;
  readonly gate: RunningGate;
  readonly book: RunningBalanceBook;
  /** As whom the provider is asked. */
  key: string;
  told: number;
}

function rig(): Rig {
  const clock = new VirtualClock(1_000_000);
  const cloud = new Cloud(clock);
  const gate = createGate({ clock, requestsPerSecond: 1, burst: 2, onTurn: () => undefined });
  const book = createBalanceBook({
    ...{ provider: cloud, gate, clock, random: () => 0, log: silentLogger },
    backoff: { baseMs: minute, maxMs: 4 * minute },
    askedAs: () => made.key,
    mostListed: () => money('0.5'),
    told: () => (made.told += 1),
  });
  const made: Rig = { clock, cloud, gate, book, key: 'ours', told: 0 };
  return made;
}

describe('the balance', () => {
  it('is read when somebody wants it, and again once it is as old as they bear', async () => {
    const { clock, cloud, book } = rig();
    await clock.advance(10 * minute);
    expect(cloud.calls).toEqual([]);
    for (const [afterMs, times] of [
      [0, 1],
      [4 * minute, 1],
      [minute, 2],
    ] as const) {
      await clock.advance(afterMs);
      book.request(5 * minute);
      book.request(5 * minute);
      await clock.advance(0);
      expect(cloud.calls).toHaveLength(times);
    }
    expect(book.last).toMatchObject({ requestedAt: clock.now(), askedAs: 'ours' });
    expect(book.before?.requestedAt).toBe(clock.now() - 5 * minute);
    expect(book.last?.mostListed?.toFixed()).toBe('0.5');
  });

  it('waits for its turn behind calls that spend, and is asked for once meanwhile', async () => {
    const { clock, cloud, gate, book } = rig();
    for (let calls = 0; calls < 2; calls++) await (await gate.acquire('spend')).run(() => Promise.resolve());
    book.request(minute);
    book.request(minute);
    await clock.advance(500);
    expect(cloud.calls).toEqual([]);
    await clock.advance(500);
    expect(cloud.calls).toHaveLength(1);
  });

  it('that cannot be read is what it was, and asked for again after pauses that grow', async () => {
    const { clock, cloud, book } = rig();
    book.request(minute);
    await clock.advance(0);
    const { last } = book;
    cloud.failure = 'unavailable';
    const startedAt = clock.now();
    for (let second = 0; second < 20 * 60; second++) {
      book.request(minute);
      await clock.advance(1_000);
    }
    expect(book.last).toBe(last);
    expect(book.failure).toMatchObject({ kind: 'unavailable', since: startedAt });
    const [, ...failed] = cloud.timesOf('getBalance').map((at) => (at - startedAt) / minute);
    expect(failed).toEqual([1, 2, 4, 8, 12, 16]);
    cloud.failure = undefined;
    await clock.advance(4 * minute);
    book.request(minute);
    await clock.advance(0);
    expect(book.failure).toBeUndefined();
  });

  it('is told each time, with an answer and without', async () => {
    const made = rig();
    made.book.request(0);
    await made.clock.advance(0);
    made.cloud.failure = 'malformed';
    made.book.request(0);
    await made.clock.advance(minute);
    expect(made.told).toBe(2);
  });

  it('of another key is not taken for the one before, and is asked for at once', async () => {
    const made = rig();
    const { clock, cloud, book } = made;
    cloud.failure = 'unauthorized';
    book.request(minute);
    await clock.advance(0);
    made.key = 'theirs';
    book.refresh();
    cloud.failure = undefined;
    book.request(minute);
    await clock.advance(0);
    expect(book.last?.askedAs).toBe('theirs');
    made.key = 'ours';
    book.request(minute);
    await clock.advance(1_000);
    expect(book.last?.askedAs).toBe('ours');
    expect(book.before).toBeUndefined();
  });

  it('is not asked for, and nothing is told, once the account was stopped', async () => {
    const made = rig();
    const { clock, cloud, book } = made;
    cloud.latencyMs = 1_000;
    book.request(minute);
    await clock.advance(10);
    book.stop();
    book.request(minute);
    await clock.advance(minute);
    expect(cloud.calls).toHaveLength(1);
    expect(made.told).toBe(0);
  });
});
