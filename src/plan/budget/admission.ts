import type { Money } from '../../lib/money.ts';
import { nothing, plus, type Charge } from './charge.ts';
import { amountOf, fits, isHopeless, type Limit, type LimitAhead } from './limits.ts';

/**
 * Who comes first where there is not room for all: the oldest that wants room and lacks nothing else. Nobody is overtaken
 * within the limits that are in its way, so nobody starves; and nobody waits behind one that cannot go in whatever the others do.
 */
export interface Claim {
  readonly uid: string;
  /** When the resource was created, in milliseconds. */
  readonly createdAt: number;
  /** How much more it would take. */
  readonly more: Charge;
  /** Those that it is held to, as they are without anybody's claim. */
  readonly limits: readonly Limit[];
}

type Aged = Pick<Claim, 'uid' | 'createdAt'>;

/** Who was created first; by the UID where that is the same second. */
export function byAge(one: Aged, other: Aged): number {
  return one.createdAt - other.createdAt || (one.uid < other.uid ? -1 : Number(one.uid > other.uid));
}

/** The limits of a resource as they are for it, with all older claims before it. */
export function limitsFor(who: Aged & Pick<Claim, 'limits'>, claims: readonly Claim[]): readonly LimitAhead[] {
  return new Line(claims).limitsFor(who);
}

/** Of these claims, those that would go in now, if all did in order of age. */
export function admissible(claims: readonly Claim[]): Claim[] {
  return new Line(claims).admissible();
}

/** What is wanted of the limits of each domain: all of one domain hold for the same resources. */
type Wanted = ReadonlyMap<string, Charge>;

/**
 * Claims in order of age. What those before each of them want is reckoned once, for as long as nothing else changes: with a
 * thousand who wait, every look would otherwise go through all the others.
 */
export class Line {
  readonly #claims: Claim[];
  /** By the domains of the limits that somebody is held to. */
  readonly #queues = new Map<string, Queue>();

  constructor(claims: readonly Claim[]) {
    this.#claims = claims.toSorted(byAge);
  }

  /** One that is new, or that wants something else than before. */
  put(claim: Claim): void {
    this.#replace(claim, [claim]);
  }

  remove(who: Aged): void {
    this.#replace(who, []);
  }

  #replace(who: Aged, claims: readonly Claim[]): void {
    const place = this.#placeOf(who);
    this.#claims.splice(place, this.#claims[place]?.uid === who.uid ? 1 : 0, ...claims);
    for (const queue of this.#queues.values()) queue.forget(place);
  }

  limitsFor(who: Aged & Pick<Claim, 'limits'>): readonly LimitAhead[] {
    const wanted = this.#queueOf(who.limits).before(this.#claims, this.#placeOf(who));
    return who.limits.map((limit) => ({ ...limit, ahead: aheadIn(wanted, limit) }));
  }

  admissible(): Claim[] {
    return this.#claims.filter((claim, place) => {
      const wanted = this.#queueOf(claim.limits).before(this.#claims, place);
      return claim.limits.every((limit) => fits(limit, claim.more, aheadIn(wanted, limit)));
    });
  }

  /** How many are older. */
  #placeOf(who: Aged): number {
    let [from, to] = [0, this.#claims.length];
    while (from < to) {
      const middle = Math.floor((from + to) / 2);
      const claim = this.#claims[middle];
      if (claim !== undefined && byAge(claim, who) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #queueOf(limits: readonly Limit[]): Queue {
    const domains = domainsOf(limits);
    const name = nameOf(domains);
    const queue = this.#queues.get(name) ?? new Queue(domains);
    this.#queues.set(name, queue);
    return queue;
  }
}

/** Between two places at which what is wanted is remembered. */
const stride = 64;

/** What those want who come before somebody who is held to limits of these domains. */
class Queue {
  readonly #domains: ReadonlySet<string>;
  /** What is wanted by those before each place that is a multiple of the stride, as far as somebody has asked. */
  readonly #marks: Wanted[] = [new Map()];
  /** The place that was asked about last: most who ask go from one to the next. */
  #last = { place: 0, wanted: new Map<string, Charge>() };

  constructor(domains: ReadonlySet<string>) {
    this.#domains = domains;
  }

  /** It holds until the next question. */
  before(claims: readonly Claim[], place: number): Wanted {
    const { wanted, place: from } = this.#nearest(place);
    for (let known = from; known < place; known++) {
      const claim = claims[known];
      if (claim !== undefined) this.#add(wanted, claim);
      if (known + 1 === this.#marks.length * stride) this.#marks.push(new Map(wanted));
    }
    this.#last = { place, wanted };
    return wanted;
  }

  #nearest(place: number): { readonly place: number; readonly wanted: Map<string, Charge> } {
    const mark = Math.min(Math.floor(place / stride), this.#marks.length - 1);
    const isNear = this.#last.place <= place && this.#last.place >= mark * stride;
    return isNear ? this.#last : { place: mark * stride, wanted: new Map(this.#marks[mark]) };
  }

  /** Who comes after this place has another one before it now. */
  forget(place: number): void {
    this.#marks.splice(Math.floor(place / stride) + 1);
    if (this.#last.place > place) this.#last = { place: 0, wanted: new Map() };
  }

  #add(wanted: Map<string, Charge>, { limits, more }: Claim): void {
    if (limits.some((limit) => isHopeless(limit, more))) return;
    // It waits for something that those behind it have nothing to do with, as for the limit of another account: until that is
    // there they may use what it cannot.
    if (limits.some((limit) => !this.#domains.has(limit.domain) && !fits(limit, more))) return;
    // Nobody asks about the other domains here.
    const domains = [...domainsOf(limits)].filter((domain) => this.#domains.has(domain));
    for (const domain of domains) wanted.set(domain, plus(wanted.get(domain) ?? nothing, more));
  }
}

function aheadIn(wanted: Wanted, { domain, measure }: Limit): Money {
  return amountOf(wanted.get(domain) ?? nothing, measure);
}

function domainsOf(limits: readonly Limit[]): ReadonlySet<string> {
  return new Set(limits.map(({ domain }) => domain));
}

function nameOf(domains: ReadonlySet<string>): string {
  return [...domains].sort().join(' ');
}
