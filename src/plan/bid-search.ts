import { lesser, money, roundedDown, roundedUp, type Money } from '../lib/money.ts';

/**
 * The search for the lowest bid that wins on one host. Pure: each answer goes into what is known, and the next question
 * follows from that. Whatever others have learnt there counts as if it had been asked for.
 *
 * Bids are told apart in steps of one cent or 2 % of the bid, whichever is larger. `from` is asked first. Where it does
 * not win, the next question is the highest bid whose part below can still be searched with the questions that are left
 * after it: 16 steps up with five left, then 8, 4, 2 and 1. So six questions search 31 steps, a range of up to 16 costs
 * two questions where nothing wins, and `to` itself is always asked before a host is given up.
 *
 * A range of more steps is searched in wider ones, as narrow as six questions allow: from $0.10 to $0.80, which has 64
 * steps, to within 2.1 cents or 4.1 % of the bid; from $1 to $10, which has 117, to within 7.3 %.
 */

/** Calls that a search may cost on one host, the one for `from` included. */
export const questionsPerHost = 6;

export interface BidRange {
  /** The lowest bid to try, and what is bid wherever it wins. Above zero. */
  readonly from: Money;
  /** No bid above this is asked or settled. */
  readonly to: Money;
}

export interface BidEvidence {
  /** The highest bid that is known not to win. Below `wins`. */
  readonly refused?: Money;
  /** The lowest bid that is known to win. */
  readonly wins?: Money;
  /** The highest bid that did not win when that was last asked, too long ago to be believed. */
  readonly lastRefused?: Money;
}

export type BidSearch =
  | { readonly kind: 'ask'; readonly bid: Money }
  /** This bid wins, as far as is known; no lower one that is worth a question does. */
  | { readonly kind: 'settled'; readonly bid: Money }
  /** Nothing within the range wins. */
  | { readonly kind: 'refused' }
  /** Nothing is known to win, and no question is left. */
  | { readonly kind: 'unsettled' };

/** Of a bid that is sent. A finer `to` is sent as it is, since all of it may be needed. */
const decimals = 4;

/** @param questionsLeft how many calls may still be made for this host */
export function nextQuestion({ from, to }: BidRange, known: BidEvidence, questionsLeft: number): BidSearch {
  if (to.lt(from) || isAtLeast(known.refused, to)) return { kind: 'refused' };
  const first = lesser(roundedUp(from, decimals), to);
  const refused = refusedWithin(first, known);
  const wins = winsWithin(first, to, known);
  if (wins === undefined) {
    if (questionsLeft < 1) return { kind: 'unsettled' };
    return { kind: 'ask', bid: refused === undefined ? first : above(refused, to, questionsLeft) };
  }
  if (questionsLeft < 1 || isOneStep(refused ?? first, wins)) return { kind: 'settled', bid: wins };
  return {
    kind: 'ask',
    bid: refused === undefined ? firstBelow(wins, first, known) : between(refused, wins, questionsLeft),
  };
}

/**
 * Where the market stands still, the step below what wins is all that has to be asked again. Where it has fallen, five
 * questions are left, which search 16 steps.
 */
function firstBelow(wins: Money, first: Money, { lastRefused = first }: BidEvidence): Money {
  const rounded = roundedDown(lastRefused, decimals);
  return rounded.gt(first) && rounded.lt(wins) && isOneStep(rounded, wins) ? rounded : first;
}

/** Rounded down: what lies between that and the exact bid is taken for unknown. */
function refusedWithin(first: Money, { refused }: BidEvidence): Money | undefined {
  if (refused === undefined) return undefined;
  const rounded = roundedDown(refused, decimals);
  return rounded.gte(first) ? rounded : undefined;
}

/** What wins below `first` says that `first` wins. */
function winsWithin(first: Money, to: Money, { wins }: BidEvidence): Money | undefined {
  if (wins === undefined || wins.gt(to)) return undefined;
  return wins.lt(first) ? first : wins;
}

/** Nothing is known to win: with n questions left, 2^n - 1 steps can be searched, of which this one decides 2^(n-1). */
function above(refused: Money, to: Money, questions: number): Money {
  const part = 2 ** (questions - 1);
  const steps = stepsWithin(refused, to, 2 * part - 1);
  return steps[part - 1] ?? to;
}

/** With n questions left, 2^n steps can be searched by halves. There are at least two. */
function between(refused: Money, wins: Money, questions: number): Money {
  const steps = stepsWithin(refused, wins, 2 ** questions);
  return steps[Math.floor(steps.length / 2) - 1] ?? wins;
}

/** The ends of at most so many steps that lead from one bid up to another, as narrow as that allows. */
function stepsWithin(from: Money, to: Money, most: number): Money[] {
  let tenths = 10;
  let steps = stepsOf(tenths, from, to, most);
  while (steps === undefined) {
    tenths += Math.max(1, Math.floor(tenths / 20));
    steps = stepsOf(tenths, from, to, most);
  }
  return steps;
}

/** @returns undefined if it takes more than `most` */
function stepsOf(tenths: number, from: Money, to: Money, most: number): Money[] | undefined {
  const steps: Money[] = [];
  for (let bid = from; bid.lt(to);) {
    if (steps.length === most) return undefined;
    bid = lesser(step(bid, tenths), to);
    steps.push(bid);
  }
  return steps;
}

const cent = money('0.01');
const percents = money('0.02');

/**
 * One step up, so many tenths as wide as what need not be told apart. Rounded up it stays within 2 % of the bid that it
 * leads to, since 2 % of the bid that it comes from are less than that by more than the rounding.
 */
function step(bid: Money, tenths: number): Money {
  const least = cent.times(tenths).div(10);
  const relative = bid.times(percents).times(tenths).div(10);
  return roundedUp(bid.plus(relative.gt(least) ? relative : least), decimals);
}

function isOneStep(refused: Money, wins: Money): boolean {
  return step(refused, 10).gte(wins);
}

function isAtLeast(bid: Money | undefined, least: Money): boolean {
  return bid?.gte(least) === true;
}
