import { lesser, type Money } from '../../lib/money.ts';
import type { VmPrice, VmSize } from '../../provider/contract.ts';
import { nextQuestion, questionsPerHost, type BidRange } from '../bid-search.ts';
import { rankOffers, type NoPlacement, type Offer } from '../placement.ts';
import { leastShowable, priceCap, quote, showable, showableAbove } from '../price.ts';
import { isLeftAlone } from './left-alone.ts';
import type { VmObservation } from './observation.ts';
import { mostForVm } from './room.ts';
import type { SpotTerms } from './spot-terms.ts';
import type { BidQuestion } from './verdict.ts';

/** Which host a bid should go to, and how high it has to be: found by asking, in few calls. */
export type BidOffers =
  | { readonly kind: 'found'; readonly offer: Offer; readonly bid: Money }
  | { readonly kind: 'ask'; readonly question: BidQuestion }
  /** Somebody else asks the same there: the answer is for all. */
  | { readonly kind: 'beingAsked'; readonly hostnode: string; readonly size: VmSize }
  /** No bid within the limits wins, as far as may be asked in this round. */
  | { readonly kind: 'refused' }
  /** The questions of this round are used up, and no host has said no: the provider does not answer them. */
  | { readonly kind: 'unanswered' }
  | { readonly kind: 'noHost'; readonly placement: NoPlacement };

/**
 * Questions of one round, the one about the bid of the VM itself included. With the deployment that follows, and the
 * deletion of what was replaced, a recovery costs at most ten calls. On the way back from on demand, whose VM is released first and
 * whose bid may be asked about once more after that, they are twelve.
 */
export const questionsPerRound = 8;

/**
 * The next thing to do in the search for a bid that wins. Hosts come in the order of what they are expected to cost; those
 * that refused the most that may be bid come after all others, so that in time each of them is asked.
 */
export function searchBid(observation: VmObservation, spot: SpotTerms): BidOffers {
  const { account, spec } = observation;
  const hosts = account.kind === 'ready' ? (account.offers.hosts ?? []) : [];
  const ranking = rankOffers(spec, hosts, {
    maxHourlyPrice: priceCap(spec),
    mostHourly: mostForVm(observation),
    isCoolingDown: (hostnode) => isLeftAlone(observation, hostnode),
    isFull: observation.isFull,
    priceOf: (host, gpu, size) => priceWithBid(quote(host, gpu, size), spot.price),
    rankBy: (offer) => expectedTotal(observation, spot, offer),
  });
  if (ranking.kind === 'none') return { kind: 'noHost', placement: ranking };
  let isRefused = false;
  for (const offer of refusedLast(observation, ranking.offers)) {
    const next = searchOn(observation, spot, offer);
    if (next.kind !== 'refused' && next.kind !== 'unanswered') return next;
    isRefused ||= next.kind === 'refused';
  }
  return { kind: isRefused ? 'refused' : 'unanswered' };
}

function searchOn(observation: VmObservation, spot: SpotTerms, offer: Offer): BidOffers {
  const { account } = observation;
  if (account.kind !== 'ready') return { kind: 'unanswered' };
  const { host, size } = offer;
  const range = rangeOn(observation, spot, offer);
  const known = account.bids.known(host.id, size);
  // By a bid that is finer than what can be shown, as VMs of older releases have, what is above it wins.
  const wins = known.wins === undefined ? {} : { wins: showableAbove(known.wins) };
  const search = nextQuestion(range, { ...known, ...wins }, questionsLeft(observation, host.id));
  switch (search.kind) {
    case 'settled':
      return { kind: 'found', offer: { ...offer, price: priceWithBid(offer.price, search.bid) }, bid: search.bid };
    case 'ask':
      if (known.isBeingAsked) return { kind: 'beingAsked', hostnode: host.id, size };
      return { kind: 'ask', question: { hostnode: host.id, size, bid: search.bid, most: range.to } };
    case 'refused':
      return { kind: 'refused' };
    case 'unsettled':
      return { kind: known.refused === undefined ? 'unanswered' : 'refused' };
  }
}

/** What may be asked of this host in this round. */
export function questionsLeft({ facts: { bidding }, now }: VmObservation, hostnode: string): number {
  if (now >= bidding.nextRoundAt) return questionsPerHost;
  const ofHost = questionsPerHost - (bidding.askedOf.get(hostnode) ?? 0);
  return Math.max(0, Math.min(ofHost, questionsPerRound - bidding.asked));
}

/** From what is bid first to the most that the bid, and the price cap beside the storage, allow. */
function rangeOn(observation: VmObservation, { price, maxPrice }: SpotTerms, { price: { storage } }: Offer): BidRange {
  const cap = capOf(observation);
  const most = cap === undefined ? maxPrice : lesser(maxPrice, cap.minus(storage ?? 0));
  // Where the two are one, and finer than what the provider shows, it is that much less.
  return { from: greatest(showable(price), leastShowable), to: showable(most) };
}

/** By the spec, and by what limits of others leave. */
function capOf(observation: VmObservation): Money | undefined {
  const cap = priceCap(observation.spec);
  const most = mostForVm(observation);
  return cap === undefined || most === undefined ? (cap ?? most) : lesser(cap, most);
}

function refusedLast({ facts: { bidding } }: VmObservation, offers: readonly Offer[]): readonly Offer[] {
  const refusedAt = ({ host }: Offer): number => bidding.refusedAt.get(host.id) ?? -Infinity;
  return offers.toSorted((a, b) => {
    const [first, second] = [refusedAt(a), refusedAt(b)];
    return first === second ? 0 : first - second;
  });
}

/** Nobody knows where a market stands that was never asked: its hosts' owners ask for about half of the price on demand. */
const guessedShare = 0.5;

function expectedTotal(observation: VmObservation, { price }: SpotTerms, { host, size }: Offer): Money {
  const { account } = observation;
  const gpu = host.gpus.find(({ model }) => model === size.gpuModel);
  const onDemand = gpu === undefined ? undefined : quote(host, gpu, size);
  const { lastWin, wins, refused = price } = account.kind === 'ready' ? account.bids.known(host.id, size) : {};
  const guess = onDemand?.compute.times(guessedShare) ?? price;
  // The first bid that wins is seldom the lowest: taken for what the host costs, it would end the search there half-way.
  const expected = wins === undefined ? (lastWin ?? guess) : lesser(wins, guess);
  // And what has won once says little where a higher bid is refused now.
  return greatest(expected, price, refused).plus(onDemand?.storage ?? 0);
}

function greatest(first: Money, ...others: readonly Money[]): Money {
  return others.reduce((most, one) => (one.gt(most) ? one : most), first);
}

function priceWithBid({ storage }: VmPrice, bid: Money): VmPrice {
  return { compute: bid, storage, total: bid.plus(storage ?? 0) };
}
