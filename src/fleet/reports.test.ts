import { expect, it } from 'vitest';

import { silentLogger } from '../lib/logger.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { ProviderError } from '../provider/error.ts';
import { createGate } from '../provider/gate.ts';
import type { HostRevenue } from '../provider/reports.ts';
import { createReportBook, type RunningReportBook } from './reports.ts';

const minute = 60_000;
const hour = 60 * minute;

/** An organization that hears what it is asked. */
class Desk {
  readonly clock = new VirtualClock(Date.UTC(2026, 10, 30, 23));
  readonly asked: string[] = [];
  key = 'first';
  fails: string | undefined;
  readonly book: RunningReportBook;

  constructor() {
    const { clock } = this;
    const answer = <T>(what: string, value: T): Promise<T> => {
      this.asked.push(what);
      if (this.fails === undefined) return Promise.resolve(value);
      const facts = { kind: 'refused', outcome: 'notDone', endpoint: 'billing' } as const;
      return Promise.reject(new ProviderError(this.fails, facts));
    };
    const empty = { period: undefined, expenses: undefined, payouts: undefined } as const;
    this.book = createReportBook({
      provider: {
        getSummary: (month) =>
          answer(month, {
            ...{ ...empty, balanceBefore: undefined, balanceAfter: undefined, payoutsOf: [] },
            others: { deposits: 0, withdrawals: 0, vmExpenses: 0, storageExpenses: 0 },
          }),
        getRevenue: () => answer<readonly HostRevenue[]>('revenue', []),
      },
      gate: createGate({ clock, requestsPerSecond: 100, burst: 100, maxInFlight: 10, onTurn: () => undefined }),
      ...{ clock, random: () => 0.5, askedAs: () => this.key, log: silentLogger },
    });
  }

  /** Asked for as the account's loop does it, every half minute. */
  async serve(ms: number): Promise<void> {
    const until = this.clock.now() + ms;
    while (this.clock.now() < until) {
      this.book.summary.request(hour);
      await this.clock.advance(30_000);
    }
  }
}

it('a report is read once in its interval, of the month that it is then, and another one only where it is wanted', async () => {
  const desk = new Desk();
  await desk.serve(3 * hour);
  expect(desk.asked).toEqual(['2026-11', '2026-12', '2026-12']);
  desk.book.revenue.request(hour);
  await desk.clock.advance(0);
  expect(desk.asked.at(-1)).toBe('revenue');
});

it('one that is refused is asked for with pauses of at most an hour, and what was read before stands', async () => {
  const desk = new Desk();
  await desk.serve(minute);
  const read = desk.book.summary.last;
  desk.fails = 'You are no host.';
  await desk.serve(25 * hour);
  expect(desk.book.summary.last).toBe(read);
  expect(desk.book.summary.failure).toMatchObject({ kind: 'refused', message: 'You are no host.' });
  expect(desk.asked.length).toBeLessThan(60);
  expect(desk.asked.length).toBeGreaterThan(20);
  desk.fails = undefined;
  await desk.serve(2 * hour);
  expect(desk.book.summary.failure).toBeUndefined();
});

it('what was said to another key is of another organization, and a refusal of that key is none of this one', async () => {
  const desk = new Desk();
  await desk.serve(minute);
  desk.key = 'second';
  expect(desk.book.summary.last).toBeUndefined();
  desk.fails = 'No.';
  await desk.serve(minute);
  desk.fails = undefined;
  desk.key = 'third';
  await desk.serve(minute);
  expect(desk.book.summary.last?.askedAs).toBe('third');
});

it('of an account that was stopped nothing is asked', async () => {
  const desk = new Desk();
  desk.book.stop();
  await desk.serve(3 * hour);
  expect(desk.asked).toEqual([]);
});
