import type { BalanceBook, BalanceReading, PollFailure, Snapshot } from '../../fleet/contract.ts';
import type { Money } from '../../lib/money.ts';
import { burnRate } from './burn-rate.ts';
import { currentRates } from './list.ts';
import { burnt, runwayMs, type Threshold, type Thresholds } from './runway.ts';

export interface BalanceTimings {
  /** Between two answers while no threshold is near, and while one is. */
  readonly idleMs: number;
  readonly nearMs: number;
  /** An answer that is older is none. */
  readonly staleMs: number;
  /** By a list that is older nobody is released or started. */
  readonly listMs: number;
}

export function balanceTimings(intervalMs: number, pollIdleMs = 30_000): BalanceTimings {
  return { idleMs: intervalMs, nearMs: intervalMs / 5, staleMs: 6 * intervalMs, listMs: 4 * pollIdleMs };
}

/** Everything that is known of an account's money. */
export interface BalanceFacts {
  readonly now: number;
  readonly timings: BalanceTimings;
  readonly book: Pick<BalanceBook, 'last' | 'before' | 'failure'>;
  /** Of the key whose answers are believed; undefined: there is none. */
  readonly keyFingerprint: string | undefined;
  /** The last list that was got with that key. */
  readonly snapshot: Snapshot | undefined;
  /** Why there is no newer list. */
  readonly pollFailure: PollFailure | undefined;
}

export type BalanceView =
  | {
      readonly kind: 'known';
      readonly reading: BalanceReading;
      /** What is left by now, if what was spent since the answer was spent at the rate of now. */
      readonly amount: Money;
      readonly burnRate: Money;
      readonly runwayMs: number;
    }
  /** This process has not got an answer yet. */
  | { readonly kind: 'unread' }
  | { readonly kind: 'lost'; readonly since: number; readonly message: string };

export function viewBalance(facts: BalanceFacts): BalanceView {
  const { book, keyFingerprint, now, timings } = facts;
  const reading = keyFingerprint !== undefined && book.last?.askedAs === keyFingerprint ? book.last : undefined;
  if (reading !== undefined && now - reading.requestedAt <= timings.staleMs) return known(facts, reading);
  const { failure } = book;
  if (reading !== undefined) return { kind: 'lost', since: reading.requestedAt, message: whyNoAnswer(facts) };
  if (failure === undefined || now - failure.since <= timings.nearMs) return { kind: 'unread' };
  return { kind: 'lost', since: failure.since, message: failure.message };
}

/** While key or token are refused nobody asks, and only the list says why. */
export function whyNoAnswer({ book, pollFailure }: Pick<BalanceFacts, 'book' | 'pollFailure'>): string {
  return book.failure?.message ?? pollFailure?.message ?? 'nothing was asked';
}

function known(facts: BalanceFacts, reading: BalanceReading): BalanceView {
  const { now } = facts;
  const rate = burnRate(reading, currentRates(facts));
  const amount = burnt(reading.amount, rate, now - reading.requestedAt);
  return { kind: 'known', reading, amount, burnRate: rate, runwayMs: runwayMs(amount, rate) };
}

/** How old the next answer may be: the nearer a threshold, the newer it has to be. */
export function balanceMaxAgeMs(view: BalanceView, thresholds: Thresholds, { idleMs, nearMs }: BalanceTimings): number {
  if (view.kind !== 'known') return nearMs;
  const next = [warningBelow(thresholds), thresholds.min, thresholds.release].filter((one) => one !== undefined);
  const above = Math.max(...next.filter(({ ms }) => view.runwayMs > ms).map(({ ms }) => ms), 0);
  // Below a threshold a person may have put money in, and is waited for.
  if (isWaiting(view, thresholds)) return nearMs;
  return Math.min(idleMs, Math.max(nearMs, (view.runwayMs - above) / 4));
}

function isWaiting({ runwayMs: lasts }: { readonly runwayMs: number }, { min }: Thresholds): boolean {
  return min !== undefined && lasts < min.ms;
}

/** Where nobody has said how long the balance has to last. */
const dayWarning: Threshold = { text: '24h', ms: 24 * 3_600_000 };

/** There is a warning before anything is held back for want of money. */
export function warningBelow({ min }: Thresholds): Threshold {
  return min === undefined ? dayWarning : { text: `twice limits.minRunway (${min.text})`, ms: 2 * min.ms };
}
