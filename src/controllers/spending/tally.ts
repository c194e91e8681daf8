import { isSameCharge, minus, nothing, plus, type Charge } from '../../plan/budget/charge.ts';

/** What all of a group are committed to together. */
interface Sum {
  readonly group: string;
  charge: Charge;
  members: number;
}

interface Share {
  readonly charge: Charge;
  readonly sums: readonly Sum[];
}

/**
 * Sums of groups, kept as what their members are committed to changes: to add all of them up for each change would be quadratic. They
 * are exact, as money and whole numbers are, so that what is added and taken away again leaves nothing behind.
 */
export class Tally {
  /** Of those that are committed to anything. */
  readonly #shares = new Map<string, Share>();
  readonly #sums = new Map<string, Sum>();

  /** Those that are committed to anything. */
  members(): Iterable<string> {
    return this.#shares.keys();
  }

  groupsOf(key: string): readonly string[] {
    return this.#shares.get(key)?.sums.map(({ group }) => group) ?? [];
  }

  /** Of one member. */
  chargeOf(key: string): Charge {
    return this.#shares.get(key)?.charge ?? nothing;
  }

  ofGroup(group: string): Charge {
    return this.#sums.get(group)?.charge ?? nothing;
  }

  /** From now on this member is committed to so much, and counts in these groups. */
  put(key: string, charge: Charge, groups: readonly string[]): 'same' | 'other' | 'moved' {
    const share = this.#shares.get(key);
    const isThere = share === undefined || isIn(share, groups);
    if (isThere && isSameCharge(share?.charge ?? nothing, charge)) return 'same';
    if (share !== undefined) this.#leave(share);
    if (isSameCharge(charge, nothing)) this.#shares.delete(key);
    else this.#shares.set(key, { charge, sums: groups.map((group) => this.#join(group, charge)) });
    return isThere ? 'other' : 'moved';
  }

  #join(group: string, charge: Charge): Sum {
    const sum = this.#sums.get(group) ?? { group, charge: nothing, members: 0 };
    sum.charge = plus(sum.charge, charge);
    sum.members++;
    this.#sums.set(group, sum);
    return sum;
  }

  #leave({ charge, sums }: Share): void {
    for (const sum of sums) {
      sum.charge = minus(sum.charge, charge);
      sum.members--;
      if (sum.members === 0) this.#sums.delete(sum.group);
    }
  }
}

function isIn({ sums }: Share, groups: readonly string[]): boolean {
  return sums.length === groups.length && sums.every(({ group }, nth) => group === groups[nth]);
}
