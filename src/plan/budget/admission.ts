import { money, type Money } from '../../lib/money.ts';
import type { Charge } from './charge.ts';
import { amountOf, fits, isHopeless, keyOfLimit, type Limit, type LimitAhead } from './limits.ts';

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
  const ahead = new Ahead(domainsOf(who.limits));
  for (const claim of claims) if (claim.uid !== who.uid && byAge(claim, who) < 0) ahead.add(claim);
  return ahead.within(who.limits);
}

/** Of these claims, those that would go in now, if all did in order of age. */
export function admissible(claims: readonly Claim[]): Claim[] {
  const queues = new Map<string, Ahead>();
  for (const { limits } of claims) {
    const domains = domainsOf(limits);
    const queue = nameOf(domains);
    if (!queues.has(queue)) queues.set(queue, new Ahead(domains));
  }
  return claims.toSorted(byAge).filter((claim) => {
    const limits = queues.get(nameOf(domainsOf(claim.limits)))?.within(claim.limits) ?? [];
    for (const queue of queues.values()) queue.add(claim);
    return limits.every((limit) => fits(limit, claim.more, limit.ahead));
  });
}

/** What is wanted of each limit, by its key, by those who come before somebody who is held to limits of these domains. */
class Ahead {
  readonly #domains: ReadonlySet<string>;
  readonly #wanted = new Map<string, Money>();

  constructor(domains: ReadonlySet<string>) {
    this.#domains = domains;
  }

  add({ limits, more }: Claim): void {
    if (limits.some((limit) => isHopeless(limit, more))) return;
    // It waits for something that those behind it have nothing to do with, as for the limit of another account: until that is
    // there they may use what it cannot.
    if (limits.some((limit) => !this.#domains.has(limit.domain) && !fits(limit, more))) return;
    for (const limit of limits) {
      const key = keyOfLimit(limit);
      this.#wanted.set(key, this.#of(key).plus(amountOf(more, limit.measure)));
    }
  }

  within(limits: readonly Limit[]): LimitAhead[] {
    return limits.map((limit) => ({ ...limit, ahead: this.#of(keyOfLimit(limit)) }));
  }

  #of(key: string): Money {
    return this.#wanted.get(key) ?? money(0);
  }
}

function domainsOf(limits: readonly Limit[]): ReadonlySet<string> {
  return new Set(limits.map(({ domain }) => domain));
}

function nameOf(domains: ReadonlySet<string>): string {
  return [...domains].sort().join(' ');
}
