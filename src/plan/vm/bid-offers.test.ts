import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  accountOf,
  biddingOf,
  bidsOf,
  gpuOf,
  hostOf,
  minute,
  now,
  observe,
  offersOf,
  sizeOf,
  spotTerms,
  type Seen,
} from '../../../test/support/builders.ts';
import { createBidBook } from '../../fleet/bids.ts';
import type { KnownBids } from '../../fleet/contract.ts';
import { money, type Money } from '../../lib/money.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import type { Host } from '../../provider/contract.ts';
import { questionsPerHost } from '../bid-search.ts';
import { quote } from '../price.ts';
import { questionsLeft, questionsPerRound, searchBid } from './bid-offers.ts';

const terms = spotTerms();
const cheap = hostOf('cheap', { gpus: [gpuOf('a4000', 4, '0.20')] });
const dear = hostOf('dear', { gpus: [gpuOf('a4000', 4, '0.60')] });

function asked(
  hosts: readonly Host[],
  known: Readonly<Record<string, Partial<KnownBids>>> = {},
  seen: Seen = {},
  spot = terms,
): string {
  const account = accountOf({ offers: offersOf(hosts), bids: bidsOf(known) });
  const found = searchBid(observe({ spot, account, ...seen }), spot);
  switch (found.kind) {
    case 'ask':
      return `${found.question.hostnode} ${found.question.bid.toFixed()}`;
    case 'found':
      return `found ${found.offer.host.id} ${found.bid.toFixed()}`;
    default:
      return found.kind;
  }
}

describe('the host that is asked', () => {
  it('first is the one that is expected to cost least', () => {
    expect(asked([dear, cheap])).toBe('cheap 0.1');
    expect(asked([dear, cheap], { dear: { lastWin: money('0.11') } })).toBe('dear 0.1');
  });

  it('is not one where a bid won long ago, and more is refused now than another is expected to cost', () => {
    const once = { lastWin: money('0.11') };
    expect(asked([dear, cheap], { dear: { ...once, refused: money('0.29') } })).toBe('cheap 0.1');
    expect(asked([dear, cheap], { dear: { ...once, refused: money('0.11') } })).toBe('dear 0.3');
  });

  it('next is the one behind it, when that one refuses all that may be bid', () => {
    expect(asked([dear, cheap], { cheap: { refused: money('0.30') } })).toBe('dear 0.1');
  });

  it('is the one that refused longest ago, when all have: in time each is asked again', () => {
    const refusedAt = new Map([
      ['cheap', now - minute],
      ['dear', now - 2 * minute],
    ]);
    expect(asked([dear, cheap], {}, { facts: { bidding: biddingOf({ refusedAt }) } })).toBe('dear 0.1');
  });

  it('is one with a later model only behind all with an earlier one', () => {
    const other = hostOf('other', { gpus: [gpuOf('t4', 4, '0.01')] });
    const spec = { gpu: { models: ['a4000', 't4'], count: 1 } };
    expect(asked([other, dear], {}, { spec })).toBe('dear 0.1');
    expect(asked([other, dear], { dear: { refused: money('0.30') } }, { spec })).toBe('other 0.1');
  });

  it('is none that cools down', () => {
    const account = accountOf({
      offers: offersOf([cheap, dear], { coolingDownUntil: (host) => (host === 'cheap' ? now + minute : undefined) }),
    });
    expect(searchBid(observe({ spot: terms, account }), terms)).toMatchObject({ question: { hostnode: 'dear' } });
  });
});

describe('a bid', () => {
  it('is found without a question where others have asked', () => {
    expect(asked([cheap], { cheap: { refused: money('0.15'), wins: money('0.16') } })).toBe('found cheap 0.16');
  });

  it('is found to within what the questions of the round allow', () => {
    const bidding = biddingOf({ asked: questionsPerRound, nextRoundAt: now + minute });
    expect(asked([cheap], { cheap: { refused: money('0.10'), wins: money('0.30') } }, { facts: { bidding } })).toBe(
      'found cheap 0.3',
    );
    expect(asked([cheap], { cheap: { refused: money('0.10') } }, { facts: { bidding } })).toBe('refused');
  });

  it.each<[string, string, Partial<KnownBids>, string]>([
    ['0.066666667', '0.066666667', {}, 'cheap 0.066666'],
    ['0.05', '0.066666667', { refused: money('0.06') }, 'cheap 0.066666'],
    ['0.066666667', '0.066666667', { refused: money('0.066666') }, 'refused'],
    ['0.05', '0.09', { refused: money('0.06'), wins: money('0.066666667') }, 'found cheap 0.066667'],
    ['0.05', '0.066666667', { refused: money('0.06'), wins: money('0.066666667') }, 'cheap 0.066666'],
    ['0.000000001', '0.000000001', {}, 'refused'],
    ['0.000000001', '0.09', {}, 'cheap 0.0001'],
  ])('from %s to %s is never finer than what the provider shows', (price, maxPrice, known, expected) => {
    const finer = spotTerms({ price: money(price), maxPrice: money(maxPrice) });
    expect(asked([cheap], { cheap: known }, {}, finer)).toBe(expected);
  });

  it('beside the storage is within a price cap that is finer than what the provider shows', () => {
    // With $0.0000007 for the disk a bid of $0.299999 would be shown as $0.30 altogether.
    const storageGB = { available: 1000, price: money('0.000000007') };
    const host = hostOf('cheap', { gpus: [gpuOf('a4000', 4, '0.20')], storageGB });
    const known = { cheap: { refused: money('0.299') } };
    expect(asked([host], known, { spec: { maxHourlyPrice: '0.2999998' } })).toBe('cheap 0.299998');
  });

  it('is not said to be refused where nobody has answered', () => {
    const bidding = biddingOf({ asked: questionsPerRound, nextRoundAt: now + minute });
    expect(asked([cheap], {}, { facts: { bidding } })).toBe('unanswered');
  });
});

interface Searched {
  readonly hostnode: string;
  readonly bid: Money;
  readonly questions: readonly string[];
}

/** Asks hosts whose markets stand at so many dollars until a bid is found; undefined: none is, within one round. */
function search(markets: ReadonlyMap<Host, Money>): Searched | undefined {
  const book = createBidBook({ clock: new VirtualClock(now), wake: () => undefined });
  const account = accountOf({ offers: offersOf([...markets.keys()]), bids: book });
  const questions: string[] = [];
  for (;;) {
    const askedOf = new Map<string, number>();
    for (const hostnode of questions) askedOf.set(hostnode, (askedOf.get(hostnode) ?? 0) + 1);
    const bidding = biddingOf({ asked: questions.length, askedOf, nextRoundAt: now + minute });
    const found = searchBid(observe({ spot: terms, account, facts: { bidding } }), terms);
    if (found.kind === 'found') return { hostnode: found.offer.host.id, bid: found.bid, questions };
    if (found.kind !== 'ask') return undefined;
    const { hostnode, size, bid } = found.question;
    questions.push(hostnode);
    const market = [...markets].find(([{ id }]) => id === hostnode)?.[1] ?? money(0);
    book.note(hostnode, size, bid, bid.gte(market));
  }
}

/** Hosts whose GPU costs so many cents on demand, with where their markets stand, as a share of what all of the VM costs. */
function hostsAt(gpuCents: readonly number[], share: (index: number) => number): ReadonlyMap<Host, Money> {
  return new Map(
    gpuCents.map((cents, index) => {
      const gpu = gpuOf('a4000', 4, String(cents / 100));
      const host = hostOf(`host-${String(index)}`, { gpus: [gpu] });
      return [host, quote(host, gpu, sizeOf()).compute.times(share(index))];
    }),
  );
}

describe('a search over several hosts', () => {
  const cents = fc.uniqueArray(fc.integer({ min: 15, max: 50 }), { minLength: 1, maxLength: 5 });

  it('ends on the cheapest, at its lowest bid to within a cent, where all markets stand at half of the price', () => {
    fc.assert(
      fc.property(cents, (gpuCents) => {
        const markets = hostsAt(gpuCents, () => 0.5);
        const searched = search(markets);
        const [lowest] = [...markets.values()].sort((a, b) => a.cmp(b));
        expect(searched?.bid.minus(lowest ?? 0).toNumber()).toBeLessThanOrEqual(0.01);
        expect(searched?.bid.gte(lowest ?? 9)).toBe(true);
        expect(new Set(searched?.questions).size).toBe(1);
      }),
    );
  });

  it('ends at the lowest bid of its host to within a cent, wherever the markets stand, unless the round is over', () => {
    const shares = fc.array(fc.integer({ min: 20, max: 120 }), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(cents, shares, (gpuCents, percents) => {
        const markets = hostsAt(gpuCents, (index) => (percents[index] ?? 0) / 100);
        const searched = search(markets);
        if (searched === undefined || searched.questions.length >= questionsPerRound) return;
        const market = [...markets].find(([{ id }]) => id === searched.hostnode)?.[1] ?? money(0);
        const from = market.lt(terms.price) ? terms.price : market;
        expect(searched.bid.minus(from).toNumber()).toBeLessThanOrEqual(0.01);
        expect(searched.bid.gte(from)).toBe(true);
      }),
    );
  });
});

describe('the questions that are left', () => {
  it.each<[string, Parameters<typeof biddingOf>[0], number]>([
    ['at the beginning of a round are those of a host', {}, questionsPerHost],
    [
      'are fewer by those that the host was asked',
      { asked: 2, askedOf: new Map([['host', 2]]), nextRoundAt: now + 1 },
      4,
    ],
    ['are no more than those of the round', { asked: questionsPerRound - 1, nextRoundAt: now + 1 }, 1],
    [
      'are all again in the next round',
      { asked: 6, askedOf: new Map([['host', 6]]), nextRoundAt: now },
      questionsPerHost,
    ],
  ])('%s', (_, bidding, left) => {
    expect(questionsLeft(observe({ facts: { bidding: biddingOf(bidding) } }), 'host')).toBe(left);
  });
});
