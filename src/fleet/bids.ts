import type { CancelTimer, Clock } from '../lib/clock.ts';
import type { Money } from '../lib/money.ts';
import type { VmSize } from '../provider/contract.ts';
import type { BidBook, KnownBids } from './contract.ts';

export interface BidLimits {
  /** How long it is believed that a bid does not win. Default 60 s. */
  readonly refusedMaxAgeMs?: number;
  /** How long it is believed that a bid wins; less, since a deployment or a start follows from it. Default 30 s. */
  readonly winsMaxAgeMs?: number;
  /**
   * How long calls have to wait for their turn now: answers are believed for so much longer, or whoever comes to act on one, or
   * to ask the next question, would find the one before forgotten, and ask it again, for ever. Default 0.
   */
  readonly turnMs?: () => number;
  /** A question without an answer for this long is over, and others may ask: nobody knows what became of its asker. Default 60 s. */
  readonly questionMs?: number;
  /** A place that nobody has asked about for this long, and that nobody waits for, is forgotten. Default one hour. */
  readonly forgetAfterMs?: number;
}

export interface BidBookOptions {
  readonly clock: Clock;
  readonly wake: (keys: readonly string[]) => void;
  readonly limits?: BidLimits;
}

export interface RunningBidBook extends BidBook {
  /** Nobody is woken any more. */
  stop(): void;
}

export function createBidBook(options: BidBookOptions): RunningBidBook {
  return new SharedBidBook(options);
}

interface Answer {
  readonly bid: Money;
  readonly wins: boolean;
  readonly at: number;
}

/** What is known of one size on one host. */
interface Place {
  /** None contradicts another: all that were refused are below all that won. */
  answers: Answer[];
  lastWin: Money | undefined;
  lastRefused: Money | undefined;
  askedAt: number | undefined;
  isBeingAsked: boolean;
  touchedAt: number;
  /** In the order in which they came, so that they are woken in that order. */
  readonly waiting: Set<string>;
  cancelTimer: CancelTimer;
}

class SharedBidBook implements RunningBidBook {
  readonly #clock: Clock;
  readonly #wake: BidBookOptions['wake'];
  readonly #limits: Required<BidLimits>;
  /** By host and size; those touched longest ago first. */
  readonly #places = new Map<string, Place>();
  readonly #awaitedBy = new Map<string, Set<string>>();
  #stopped = false;

  constructor({ clock, wake, limits = {} }: BidBookOptions) {
    this.#clock = clock;
    this.#wake = wake;
    this.#limits = {
      ...{ refusedMaxAgeMs: 60_000, winsMaxAgeMs: 30_000, questionMs: 60_000, forgetAfterMs: 3_600_000 },
      ...{ turnMs: () => 0, ...limits },
    };
  }

  known(hostnode: string, size: VmSize): KnownBids {
    const place = this.#places.get(idOf(hostnode, size));
    if (place === undefined) return { isBeingAsked: false };
    const refused = highest(this.#young(place, false));
    const wins = lowest(this.#young(place, true));
    return {
      ...(refused === undefined ? {} : { refused }),
      ...(wins === undefined ? {} : { wins }),
      isBeingAsked: place.isBeingAsked,
      ...(place.askedAt === undefined ? {} : { askedAt: place.askedAt }),
      ...(place.lastWin === undefined ? {} : { lastWin: place.lastWin }),
      ...(place.lastRefused === undefined ? {} : { lastRefused: place.lastRefused }),
    };
  }

  begin(hostnode: string, size: VmSize): boolean {
    const id = idOf(hostnode, size);
    if (this.#places.get(id)?.isBeingAsked === true) return false;
    const place = this.#touch(id);
    place.isBeingAsked = true;
    this.#endAfterLimit(id, place);
    return true;
  }

  note(hostnode: string, size: VmSize, bid: Money, wins: boolean): void {
    const id = idOf(hostnode, size);
    const place = this.#touch(id);
    const answer = { bid, wins, at: this.#clock.now() };
    place.answers = [
      ...leftBy(
        answer,
        place.answers.filter((older) => this.#isYoung(older)),
      ),
      answer,
    ];
    place.askedAt = answer.at;
    if (wins) place.lastWin = lowest([bid, ...this.#young(place, true)]);
    else place.lastRefused = highest([bid, ...this.#young(place, false)]);
    if (wins && place.lastRefused?.gte(bid) === true) place.lastRefused = highest(this.#young(place, false));
    this.#end(id, place);
  }

  failed(hostnode: string, size: VmSize): void {
    const id = idOf(hostnode, size);
    this.#end(id, this.#touch(id));
  }

  awaitAnswer(key: string, hostnode: string, size: VmSize): void {
    const id = idOf(hostnode, size);
    const place = this.#touch(id);
    // Nobody asks, so perhaps nobody will: whoever waits is not to wait for ever.
    if (!place.isBeingAsked && place.waiting.size === 0) this.#endAfterLimit(id, place);
    place.waiting.add(key);
    const awaited = this.#awaitedBy.get(key) ?? new Set<string>();
    this.#awaitedBy.set(key, awaited.add(id));
  }

  forget(key: string): void {
    for (const id of this.#awaitedBy.get(key) ?? []) {
      const place = this.#places.get(id);
      place?.waiting.delete(key);
      if (place?.waiting.size === 0 && !place.isBeingAsked) place.cancelTimer();
    }
    this.#awaitedBy.delete(key);
  }

  stop(): void {
    this.#stopped = true;
    for (const place of this.#places.values()) place.cancelTimer();
    this.#places.clear();
    this.#awaitedBy.clear();
  }

  #touch(id: string): Place {
    const now = this.#clock.now();
    this.#forgetOld(now);
    const place = this.#places.get(id) ?? emptyPlace(now);
    place.touchedAt = now;
    this.#places.delete(id);
    this.#places.set(id, place);
    return place;
  }

  #forgetOld(now: number): void {
    for (const [id, { touchedAt, isBeingAsked, waiting }] of this.#places) {
      if (now - touchedAt <= this.#limits.forgetAfterMs) return;
      if (!isBeingAsked && waiting.size === 0) this.#places.delete(id);
    }
  }

  #endAfterLimit(id: string, place: Place): void {
    place.cancelTimer();
    if (this.#stopped) return;
    place.cancelTimer = this.#clock.after(this.#limits.questionMs, () => {
      this.#end(id, place);
    });
  }

  /** There was an answer, or there will be none. */
  #end(id: string, place: Place): void {
    place.cancelTimer();
    place.isBeingAsked = false;
    const keys = [...place.waiting];
    place.waiting.clear();
    for (const key of keys) {
      const awaited = this.#awaitedBy.get(key);
      awaited?.delete(id);
      if (awaited?.size === 0) this.#awaitedBy.delete(key);
    }
    if (keys.length > 0 && !this.#stopped) this.#wake(keys);
  }

  #young(place: Place, wins: boolean): Money[] {
    return place.answers.filter((answer) => answer.wins === wins && this.#isYoung(answer)).map(({ bid }) => bid);
  }

  #isYoung({ wins, at }: Answer): boolean {
    const age = this.#clock.now() - at;
    // A negative age: the clock was set back, and nobody knows how old it is.
    const { winsMaxAgeMs, refusedMaxAgeMs, turnMs } = this.#limits;
    return age >= 0 && age < (wins ? winsMaxAgeMs : refusedMaxAgeMs) + turnMs();
  }
}

function emptyPlace(now: number): Place {
  return {
    ...{
      answers: [],
      lastWin: undefined,
      lastRefused: undefined,
      askedAt: undefined,
      isBeingAsked: false,
      touchedAt: now,
    },
    ...{ waiting: new Set<string>(), cancelTimer: () => undefined },
  };
}

/**
 * What still counts beside a new answer. One that contradicts it was given before the market moved, and so was everything else
 * that was said on its side: what had won above a bid that is refused now may lose as well, and the reverse.
 */
function leftBy(newer: Answer, answers: readonly Answer[]): readonly Answer[] {
  const hasMoved = answers.some((older) => older.wins !== newer.wins && contradicts(older, newer));
  return answers.filter((older) => (older.wins === newer.wins ? !older.bid.eq(newer.bid) : !hasMoved));
}

function contradicts(older: Answer, newer: Answer): boolean {
  return newer.wins ? older.bid.gte(newer.bid) : older.bid.lte(newer.bid);
}

function lowest(bids: readonly Money[]): Money | undefined {
  return bids.reduce<Money | undefined>(
    (least, bid) => (least === undefined || bid.lt(least) ? bid : least),
    undefined,
  );
}

function highest(bids: readonly Money[]): Money | undefined {
  return bids.reduce<Money | undefined>((most, bid) => (most === undefined || bid.gt(most) ? bid : most), undefined);
}

function idOf(hostnode: string, { gpuModel, gpuCount, vcpus, memoryGB, storageGB }: VmSize): string {
  return JSON.stringify([hostnode, gpuModel, gpuCount, vcpus, memoryGB, storageGB]);
}
