import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatMoney, money, type Money } from '../lib/money.ts';
import { nextQuestion, questionsPerHost, type BidEvidence, type BidRange, type BidSearch } from './bid-search.ts';

interface Played {
  readonly asked: readonly Money[];
  readonly end: Exclude<BidSearch, { kind: 'ask' }>;
}

/** Asks a market in which every bid from `market` on wins, until the search ends. */
function play(range: BidRange, market: Money, known: BidEvidence = {}, questions = questionsPerHost): Played {
  const asked: Money[] = [];
  let evidence = known;
  for (;;) {
    const next = nextQuestion(range, evidence, questions - asked.length);
    if (next.kind !== 'ask') return { asked, end: next };
    // A search that would not end, fails here.
    expect(asked.length).toBeLessThan(questions);
    asked.push(next.bid);
    evidence = next.bid.gte(market) ? { ...evidence, wins: next.bid } : { ...evidence, refused: next.bid };
  }
}

function rangeOf(from: string, to: string): BidRange {
  return { from: money(from), to: money(to) };
}

/** "0.20 0.30, settled 0.20" */
function shown({ asked, end }: Played): string {
  const outcome = end.kind === 'settled' ? `settled ${formatMoney(end.bid)}` : end.kind;
  return [asked.map(formatMoney).join(' '), outcome].filter((part) => part !== '').join(', ');
}

/** `-0.20 +0.30` as evidence; `~0.20` was refused too long ago. */
function evidenceOf(text: string): BidEvidence {
  const [refused, wins, lastRefused] = ['-', '+', '~'].map((sign) =>
    text
      .split(' ')
      .find((word) => word.startsWith(sign))
      ?.slice(1),
  );
  return {
    ...(refused === undefined ? {} : { refused: money(refused) }),
    ...(wins === undefined ? {} : { wins: money(wins) }),
    ...(lastRefused === undefined ? {} : { lastRefused: money(lastRefused) }),
  };
}

/** What need not be told apart: a cent, or 2 % of the bid. */
function tolerance(bid: Money): Money {
  const share = bid.times('0.02');
  return share.gt('0.01') ? share : money('0.01');
}

/** How many steps of that width the range has; it is enough to know that they are more than 40. */
function stepsOf({ from, to }: BidRange): number {
  let steps = 0;
  for (let bid = from; bid.lt(to) && steps <= 40; steps += 1) bid = bid.plus(tolerance(bid));
  return steps;
}

const finest = 1_000_000_000;
const amount = fc
  .oneof(
    fc.integer({ min: 1, max: finest }),
    fc.integer({ min: 1, max: 100 }).map((cents) => (cents * finest) / 100),
    fc.integer({ min: 1, max: 20 * finest }),
  )
  .map((nanos) => money(nanos).div(finest));
const pairOf = ([one, other]: readonly [Money, Money]): BidRange =>
  one.lte(other) ? { from: one, to: other } : { from: other, to: one };
const anyRange = fc.tuple(amount, amount).map(pairOf);
/** Ranges of few steps are rare among all. */
const narrowRange = fc
  .tuple(amount, fc.integer({ min: 0, max: 400 }))
  .map(([from, permille]): BidRange => ({ from, to: from.plus(from.times(permille).div(500)).round(9, 0) }));
/** Markets everywhere: also at the ends, and a little beside them. */
const rangeAndMarket = fc
  .tuple(fc.oneof(anyRange, narrowRange), fc.integer({ min: -100, max: 1100 }), fc.constantFrom(-1, 0, 0, 0, 1))
  .map(([range, permille, nudge]) => {
    const inside = range.from.plus(range.to.minus(range.from).times(permille).div(1000)).round(9);
    const market = inside.plus(money(nudge).div(finest));
    return { range, market: market.gt(0) ? market : money(0) };
  });
const runs = { numRuns: 400 };

describe('the search for a bid', () => {
  it.each([
    ['settles at `from` where that wins', '0.20', '0.30', '0.15', '0.20, settled 0.20'],
    [
      'asks `to` second where the range is narrow, and halves it then',
      '0.20',
      '0.30',
      '0.237',
      '0.20 0.30 0.25 0.22 0.23 0.24, settled 0.24',
    ],
    ['costs two questions where nothing wins in a narrow range', '0.20', '0.30', '0.31', '0.20 0.30, refused'],
    [
      'asks higher and higher where the range is wide',
      '0.10',
      '0.41',
      '0.41',
      '0.10 0.26 0.34 0.38 0.40 0.41, settled 0.41',
    ],
    ['searches below the first bid that wins', '0.10', '0.41', '0.20', '0.10 0.26 0.18 0.22 0.20 0.19, settled 0.20'],
    ['goes in steps of 2 % where that is more than a cent', '2.00', '2.08', '2.05', '2.00 2.08 2.04, settled 2.08'],
    ['has found `to` where nothing less wins', '0.20', '0.205', '0.205', '0.20 0.205, settled 0.205'],
    ['asks once where the range is one bid', '0.20', '0.20', '0.20', '0.20, settled 0.20'],
    ['gives up where that one bid does not win', '0.20', '0.20', '0.21', '0.20, refused'],
    ['asks nothing where `to` is below `from`', '0.30', '0.20', '0.10', 'refused'],
    ['asks the whole of a `to` of finer money', '0.20', '0.2000001', '0.2000001', '0.20 0.2000001, settled 0.2000001'],
    ['rounds `from` up to four decimals', '0.12341', '0.20', '0.10', '0.1235, settled 0.1235'],
    ['does not round above `to`', '0.12341', '0.12349', '0.12349', '0.12349, settled 0.12349'],
  ])('%s', (_name, from, to, market, expected) => {
    expect(shown(play(rangeOf(from, to), money(market)))).toBe(expected);
  });

  it.each([
    ['a win below `from` settles it', '+0.15', 6, 'settled 0.20'],
    ['a win at `from` settles it', '+0.20', 6, 'settled 0.20'],
    ['a win just above `from` is near enough', '+0.21', 6, 'settled 0.21'],
    ['a win within the range leaves what is below it', '+0.24', 6, '0.20 0.22 0.23, settled 0.23'],
    ['a win above `to` says nothing', '+0.40', 6, '0.20 0.30 0.25 0.22 0.23, settled 0.23'],
    ['a refusal below `from` says nothing', '-0.10', 6, '0.20 0.30 0.25 0.22 0.23, settled 0.23'],
    [
      'a refusal within the range takes the place of the question for `from`',
      '-0.21',
      6,
      '0.30 0.25 0.23 0.22, settled 0.23',
    ],
    ['a refusal of finer money is rounded down', '-0.21999', 6, '0.30 0.2599 0.2399 0.2299, settled 0.2299'],
    ['a refusal at `to` ends it', '-0.30', 6, 'refused'],
    ['a refusal above `to` ends it', '-0.35', 6, 'refused'],
    ['both, near enough, settle it', '-0.22 +0.23', 6, 'settled 0.23'],
    ['both leave what is between them', '-0.22 +0.26', 6, '0.24 0.23, settled 0.23'],
    ['a refusal of long ago is asked again where it is next to what wins', '~0.22 +0.23', 6, '0.22, settled 0.23'],
    ['and the rest is searched where that wins by now', '~0.23 +0.24', 6, '0.23 0.20 0.21 0.22, settled 0.23'],
    ['a refusal of long ago says nothing where it is further down', '~0.21 +0.24', 6, '0.20 0.22 0.23, settled 0.23'],
    ['nor without a bid that wins', '~0.22', 6, '0.20 0.30 0.25 0.22 0.23, settled 0.23'],
    ['no question left, and nothing known', '', 0, 'unsettled'],
    ['no question left, and a refusal', '-0.21', 0, 'unsettled'],
    ['no question left, and a win', '+0.28', 0, 'settled 0.28'],
    ['one question left, nothing known', '', 1, '0.20, unsettled'],
    ['one question left after `from` is for `to`', '-0.20', 1, '0.30, settled 0.30'],
    ['one question left, and a win', '-0.20 +0.28', 1, '0.24, settled 0.24'],
  ])('of what others know: %s', (_name, known, questions, expected) => {
    expect(shown(play(rangeOf('0.20', '0.30'), money('0.225'), evidenceOf(known), questions))).toBe(expected);
  });

  it('asks at most six questions, never outside the range nor twice, and ends with a bid that wins unless none does', () => {
    fc.assert(
      fc.property(rangeAndMarket, ({ range, market }) => {
        const { asked, end } = play(range, market);
        expect(asked.length).toBeLessThanOrEqual(6);
        expect(new Set(asked.map((bid) => bid.toFixed())).size).toBe(asked.length);
        for (const bid of asked) {
          expect(bid.gte(range.from) && bid.lte(range.to)).toBe(true);
          expect(bid.eq(range.to) || bid.round(4).eq(bid)).toBe(true);
        }
        expect(end.kind).toBe(market.gt(range.to) ? 'refused' : 'settled');
        if (end.kind === 'settled') {
          expect(end.bid.gte(market) && end.bid.gte(range.from) && end.bid.lte(range.to)).toBe(true);
        }
      }),
      runs,
    );
  });

  it('finds the lowest bid to within a cent or 2 % where the range has at most 31 such steps', () => {
    fc.assert(
      fc.property(rangeAndMarket, ({ range, market }) => {
        fc.pre(stepsOf(range) <= 31 && market.lte(range.to));
        const { end } = play(range, market);
        if (end.kind !== 'settled') return expect.fail(`it ended as ${end.kind}`);
        const lowest = market.gt(range.from) ? market : range.from;
        expect(end.bid.minus(lowest).lte(tolerance(end.bid))).toBe(true);
      }),
      runs,
    );
  });

  it.each([
    ['$0.10 to $0.80', '0.10', '0.80', '0.021', '0.041'],
    ['$1 to $10', '1', '10', '0', '0.073'],
  ])('finds it in wider steps from %s', (_name, from, to, cents, share) => {
    const range = rangeOf(from, to);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), (part) => {
        const market = range.from.plus(range.to.minus(range.from).times(part).div(10_000));
        const { end } = play(range, market);
        if (end.kind !== 'settled') return expect.fail(`it ended as ${end.kind}`);
        const error = end.bid.minus(market);
        expect(error.lte(cents) || error.lte(end.bid.times(share))).toBe(true);
      }),
      runs,
    );
  });

  it('goes on from whatever others have learnt, and asks nothing again that is known', () => {
    fc.assert(
      fc.property(
        rangeAndMarket,
        fc.array(amount, { maxLength: 4 }),
        fc.nat(6),
        ({ range, market }, others, questions) => {
          const refusals = others.filter((bid) => bid.lt(market)).sort((a, b) => b.cmp(a));
          const wins = others.filter((bid) => bid.gte(market)).sort((a, b) => a.cmp(b));
          const known: BidEvidence = {
            ...(refusals[0] === undefined ? {} : { refused: refusals[0] }),
            ...(wins[0] === undefined ? {} : { wins: wins[0] }),
          };
          const { asked, end } = play(range, market, known, questions);
          for (const bid of asked) {
            expect(bid.gte(range.from) && bid.lte(range.to)).toBe(true);
            expect(known.wins === undefined || bid.lt(known.wins) || known.wins.gt(range.to)).toBe(true);
            expect(known.refused === undefined || bid.gt(known.refused)).toBe(true);
          }
          if (end.kind === 'settled') expect(end.bid.gte(market) && end.bid.lte(range.to)).toBe(true);
          if (end.kind === 'refused') expect(market.gt(range.to)).toBe(true);
          if (end.kind === 'unsettled') expect(asked).toHaveLength(questions);
          if (questions === 6) expect(end.kind).not.toBe('unsettled');
        },
      ),
      runs,
    );
  });
});
