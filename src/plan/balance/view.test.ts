import { describe, expect, it } from 'vitest';

import { cloudVm, keyFingerprint, minute, now, priceOf, second, snapshotOf } from '../../../test/support/builders.ts';
import type { BalanceReading, PollFailure } from '../../fleet/contract.ts';
import { money } from '../../lib/money.ts';
import { releaseLimit, runwayLimit, startLimit } from './limits.ts';
import { thresholdsOf } from './runway.ts';
import { balanceMaxAgeMs, balanceTimings, viewBalance, type BalanceFacts, type BalanceView } from './view.ts';

const hour = 60 * minute;
const timings = balanceTimings(5 * minute);
const failure: PollFailure = { kind: 'unavailable', message: 'It is away.', since: now - 40 * minute, consecutive: 3 };

function reading(ageMs: number, changes: Partial<BalanceReading> = {}): BalanceReading {
  const asked = { requestedAt: now - ageMs, askedAs: keyFingerprint };
  return { amount: money(10), hourlyCost: money(1), mostListed: money(1), ...asked, ...changes };
}

/** An organization with ten dollars whose one VM costs one per hour. */
function facts(book: Partial<BalanceFacts['book']>, changes: Partial<BalanceFacts> = {}): BalanceFacts {
  return {
    ...{ now, timings, keyFingerprint, pollFailure: undefined },
    snapshot: snapshotOf([cloudVm('vm-1', { price: priceOf('1.00') })]),
    book: { last: undefined, before: undefined, failure: undefined, ...book },
    ...changes,
  };
}

describe('what is known of a balance', () => {
  it('is the last answer, less what was spent since', () => {
    const view = viewBalance(facts({ last: reading(6 * minute) }));
    expect(view).toMatchObject({ kind: 'known', runwayMs: 9.9 * hour });
    expect(view.kind === 'known' && view.amount.toFixed()).toBe('9.9');
  });

  it.each<[string, BalanceFacts, BalanceView['kind']]>([
    ['nothing yet, before the first answer', facts({}), 'unread'],
    ['an answer that is half an hour old', facts({ last: reading(30 * minute) }), 'known'],
    ['the same while others fail', facts({ last: reading(30 * minute), failure }), 'known'],
    [
      'no answer that is older, which is lost though nobody asks for others',
      facts({ last: reading(30 * minute + 1) }),
      'lost',
    ],
    ['no older one, which is lost where others fail', facts({ last: reading(31 * minute), failure }), 'lost'],
    ['nothing for a minute after a first failure', facts({ failure: { ...failure, since: now - minute } }), 'unread'],
    ['nothing of another key', facts({ last: reading(0, { askedAs: 'another' }) }), 'unread'],
    ['nothing while no key is proven', facts({ last: reading(0) }, { keyFingerprint: undefined }), 'unread'],
  ])('is %s', (_, given, kind) => {
    expect(viewBalance(given).kind).toBe(kind);
  });

  it.each<[string, Partial<BalanceFacts>, string]>([
    ['of that', { pollFailure: { ...failure, message: 'The key is refused.' } }, 'The key is refused.'],
    ['of what it does not know', {}, 'nothing was asked'],
  ])('is lost since the last answer, and speaks %s', (_, changes, message) => {
    const view = viewBalance(facts({ last: reading(31 * minute) }, changes));
    expect(view).toEqual({ kind: 'lost', since: now - 31 * minute, message });
  });

  const one = cloudVm('vm-1', { price: priceOf('1.00') });
  it.each<[string, Partial<BalanceFacts>]>([
    ['there is no list', { snapshot: undefined }],
    ['the last list cannot be followed by another', { pollFailure: failure }],
    ['the last list is old', { snapshot: snapshotOf([one], { requestedAt: now - 2 * minute - 1 }) }],
    ['the last list may lack VMs', { snapshot: snapshotOf([one], { distrusted: 'it lacks vm-2' }) }],
  ])('goes by the provider’s own sum where %s', (_, changes) => {
    const view = viewBalance(facts({ last: reading(0, { hourlyCost: money(2) }) }, changes));
    expect(view).toMatchObject({ kind: 'known', runwayMs: 5 * hour });
  });

  it('lasts for ever where nothing is spent, and not at all where nothing is left', () => {
    const idle = { snapshot: snapshotOf([]) };
    const nothing = { hourlyCost: money(0), mostListed: money(0) };
    expect(viewBalance(facts({ last: reading(0, nothing) }, idle))).toMatchObject({ runwayMs: Infinity });
    expect(viewBalance(facts({ last: reading(0, { ...nothing, amount: money('-1') }) }, idle))).toMatchObject({
      runwayMs: 0,
    });
  });
});

describe('the balance is asked for again', () => {
  const limits = thresholdsOf({ minRunway: '6h', releaseBelowRunway: '2h' });
  it.each<[string, number | 'unknown', ReturnType<typeof thresholdsOf>, number]>([
    ['after five minutes while no limit is near', 100 * hour, limits, 5 * minute],
    ['sooner the nearer the warning is', 12 * hour + 8 * minute, limits, 2 * minute],
    ['sooner the nearer the limit is', 6 * hour + 8 * minute, limits, 2 * minute],
    ['after a minute below it, for the sake of a recharge', 5 * hour, limits, minute],
    ['after a minute while it is not known', 'unknown', limits, minute],
    ['after five minutes where nobody has set a limit', 20 * hour, thresholdsOf(undefined), 5 * minute],
    ['after five minutes while nothing is spent', Infinity, limits, 5 * minute],
  ])('%s', (_, lasts, thresholds, expected) => {
    const known = { kind: 'known', reading: reading(0), amount: money(1), burnRate: money(1) } as const;
    const view: BalanceView = lasts === 'unknown' ? { kind: 'unread' } : { ...known, runwayMs: lasts };
    expect(balanceMaxAgeMs(view, thresholds, timings)).toBe(expected);
  });
});

describe('as a limit', () => {
  const spender = { account: 'default', used: money(1) };
  const sixHours = { text: '6h', ms: 6 * hour };

  it('a balance allows what it could bear for so long', () => {
    const limit = runwayLimit(spender, sixHours, viewBalance(facts({ last: reading(0, { amount: money(12) }) })));
    expect(limit).toMatchObject({ of: 'Balance', domain: 'account/default', measure: 'hourlyCost' });
    expect([limit.hard.toFixed(), limit.used.toFixed()]).toEqual(['2', '1']);
  });

  it('one that nobody knows allows nothing', () => {
    const limit = runwayLimit(spender, sixHours, viewBalance(facts({})));
    expect(limit.hard.toFixed()).toBe('0');
    expect(limit.balance?.is).toBe('unread');
  });

  it.each<[string, BalanceFacts, string]>([
    [
      'the smaller of the last two answers, if that is the last',
      facts({ last: reading(0), before: reading(minute, { amount: money(18) }) }),
      '1.67',
    ],
    [
      'the smaller of the last two answers, if that is the one before',
      facts({ last: reading(0), before: reading(minute, { amount: money(6) }) }),
      '1.00',
    ],
    ['nothing, after a single answer', facts({ last: reading(0) }), '0.00'],
    ['nothing, while nobody knows', facts({}), '0.00'],
  ])('for the start of VMs that were released a balance allows %s', (_, given, hard) => {
    const limit = startLimit(spender, sixHours, { view: viewBalance(given), before: given.book.before });
    expect(limit.hard.toFixed(2)).toBe(hard);
  });

  it.each<[string, BalanceFacts, string | undefined]>([
    [
      'by the larger of the last two answers',
      facts({ last: reading(second), before: reading(minute, { amount: money(18) }) }),
      '3',
    ],
    ['not by a single answer, which may be a slip', facts({ last: reading(second) }), undefined],
    ['not by an old one', facts({ last: reading(3 * minute + 1), before: reading(4 * minute) }), undefined],
    ['not after a failure', facts({ last: reading(second), before: reading(minute), failure }), undefined],
    [
      'not by those of another organization',
      facts({ last: reading(second, { askedAs: 'x' }), before: reading(minute) }),
      undefined,
    ],
  ])('VMs are released %s', (_, given, hard) => {
    expect(releaseLimit(spender, sixHours, given)?.hard.toFixed()).toBe(hard);
  });
});

it('a limit of no length, or one that is none, limits nothing', () => {
  expect(thresholdsOf({ minRunway: '0s', releaseBelowRunway: 'soon' })).toEqual({ min: undefined, release: undefined });
  expect(thresholdsOf({ minRunway: '90m' })).toEqual({ min: { text: '90m', ms: 90 * minute }, release: undefined });
});
