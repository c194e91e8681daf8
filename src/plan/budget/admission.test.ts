import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { money } from '../../lib/money.ts';
import { admissible, byAge, limitsFor, Line, type Claim } from './admission.ts';
import { nothing, total, type Charge } from './charge.ts';
import { amountOf, fits, shortageOf, type Limit } from './limits.ts';

function charge(vms: number, gpus = vms, hourlyCost: number | string = 0): Charge {
  return { vms, gpus, hourlyCost: money(hourlyCost) };
}

function limit(hard: number, used: number, changes: Partial<Limit> = {}): Limit {
  return {
    ...{ of: 'GpuBudget', name: 'team', domain: 'namespace/research', measure: 'vms' },
    ...{ hard: money(hard), used: money(used) },
    ...changes,
  };
}

function claim(uid: string, createdAt: number, more: Charge, ...limits: Limit[]): Claim {
  return { uid, createdAt, more, limits };
}

const account = { of: 'GpuAccount', name: 'default', domain: 'account/default' } as const;

describe('of those that want room', () => {
  it.each<[string, readonly Claim[], readonly string[]]>([
    [
      'the oldest go in, as many as there is room for',
      [
        claim('c', 3, charge(1), limit(2, 0)),
        claim('a', 1, charge(1), limit(2, 0)),
        claim('b', 2, charge(1), limit(2, 0)),
      ],
      ['a', 'b'],
    ],
    [
      'the UID decides between those of one second',
      [claim('b', 1, charge(1), limit(1, 0)), claim('a', 1, charge(1), limit(1, 0))],
      ['a'],
    ],
    [
      'a small young one does not overtake a large old one, or that would never get in',
      [
        claim('large', 1, charge(1, 4), limit(8, 6, { measure: 'gpus' })),
        claim('small', 2, charge(1, 1), limit(8, 6, { measure: 'gpus' })),
      ],
      [],
    ],
    [
      'nobody waits behind one that is larger than the limit',
      [
        claim('hopeless', 1, charge(1, 9), limit(8, 0, { measure: 'gpus' })),
        claim('small', 2, charge(1, 1), limit(8, 0, { measure: 'gpus' })),
      ],
      ['small'],
    ],
    [
      'nobody waits behind one that waits for the limit of another account',
      [claim('other', 1, charge(1), limit(1, 0), limit(1, 1, account)), claim('mine', 2, charge(1), limit(1, 0))],
      ['mine'],
    ],
    [
      'who is held to the same limits does wait behind it',
      [
        claim('old', 1, charge(1), limit(1, 0), limit(1, 1, account)),
        claim('young', 2, charge(1), limit(1, 0), limit(1, 1, account)),
      ],
      [],
    ],
    [
      'nobody goes in once the money of the day is spent',
      [claim('a', 1, charge(1), limit(5, 5, { measure: 'dailyCost' }))],
      [],
    ],
  ])('%s', (_, claims, expected) => {
    expect(admissible(claims).map(({ uid }) => uid)).toEqual(expected);
  });
});

/** Some resources in a namespace with three limits, and what befalls them one after the other. */
const wants = fc.record({ gpus: fc.integer({ min: 1, max: 4 }), cents: fc.integer({ min: 1, max: 60 }) });
const steps = fc.array(
  fc.record({
    who: fc.nat({ max: 11 }),
    does: fc.constantFrom('ask', 'ask', 'ask', 'refused', 'goes', 'givesUp'),
  }),
  { minLength: 10, maxLength: 120 },
);
const hards = fc.record({
  vms: fc.integer({ min: 0, max: 8 }),
  gpus: fc.integer({ min: 0, max: 16 }),
  cents: fc.integer({ min: 0, max: 300 }),
});

class Team {
  readonly #hard: { readonly vms: number; readonly gpus: number; readonly cents: number };
  readonly held = new Map<number, Charge>();
  readonly asking = new Map<number, Charge>();

  constructor(hard: { readonly vms: number; readonly gpus: number; readonly cents: number }) {
    this.#hard = hard;
  }

  limits(): Limit[] {
    const used = total(this.held.values());
    const { vms, gpus, cents } = this.#hard;
    return [
      limit(vms, used.vms),
      limit(gpus, used.gpus, { measure: 'gpus' }),
      limit(0, 0, { measure: 'hourlyCost', hard: money(cents).div(100), used: used.hourlyCost }),
    ];
  }

  claims(): Claim[] {
    const limits = this.limits();
    return [...this.asking].map(([who, more]) => claim(String(who), who, more, ...limits));
  }

  /** As a resource does that is decided about; whether it went in. */
  ask(who: number, more: Charge): boolean {
    this.asking.set(who, more);
    const limits = limitsFor({ uid: String(who), createdAt: who, limits: this.limits() }, this.claims());
    if (shortageOf(limits, more) !== undefined) return false;
    this.asking.delete(who);
    this.held.set(who, more);
    return true;
  }
}

describe('whatever happens in whatever order', () => {
  it('never is more used than a limit allows, and nobody is overtaken by a younger one', () => {
    fc.assert(
      fc.property(fc.array(wants, { minLength: 12, maxLength: 12 }), hards, steps, (all, hard, deeds) => {
        const team = new Team(hard);
        for (const { who, does } of deeds) {
          const want = all[who] ?? { gpus: 1, cents: 1 };
          const more = charge(1, want.gpus, money(want.cents).div(100).toFixed());
          if (does === 'ask' && !team.held.has(who)) {
            const older = team.claims().filter((other) => other.uid !== String(who) && other.createdAt < who);
            const couldGo = older.filter(({ more: theirs, limits }) => limits.every((one) => fits(one, theirs)));
            const went = team.ask(who, more);
            const before = total([...couldGo.map((other) => other.more), more]);
            const limits = team.limits();
            const left = limits.map((one) => one.hard.minus(one.used).plus(went ? amountOf(more, one.measure) : 0));
            if (went)
              limits.forEach((one, index) => {
                expect(amountOf(before, one.measure).lte(left[index] ?? 0)).toBe(true);
              });
          } else if (does === 'goes' || does === 'refused') team.held.delete(who);
          else team.asking.delete(who);
          for (const { hard: most, used } of team.limits()) expect(used.lte(most)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('everybody who can go in at all does in the end, the oldest first, once those before have left', () => {
    fc.assert(
      fc.property(fc.array(wants, { minLength: 12, maxLength: 12 }), hards, (all, hard) => {
        const team = new Team(hard);
        const served: number[] = [];
        all.forEach(({ gpus, cents }, who) => team.asking.set(who, charge(1, gpus, money(cents).div(100).toFixed())));
        for (let round = 0; round < 12; round++) {
          for (const next of admissible(team.claims()))
            if (team.ask(Number(next.uid), next.more)) served.push(Number(next.uid));
          team.held.clear();
        }
        const fitting = all.flatMap(({ gpus, cents }, who) =>
          hard.vms >= 1 && gpus <= hard.gpus && cents <= hard.cents ? [who] : [],
        );
        expect(served).toEqual(fitting);
      }),
    );
  });
});

it('a line that changes says the same as one that is made anew', () => {
  const some = fc.array(
    fc.record({
      uid: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      gpus: fc.integer({ min: 1, max: 3 }),
      does: fc.constantFrom('asks', 'asks', 'leaves', 'looks'),
      isElsewhere: fc.boolean(),
    }),
  );
  fc.assert(
    fc.property(some, (deeds) => {
      const line = new Line([]);
      const claims = new Map<string, Claim>();
      for (const { uid, gpus, does, isElsewhere } of deeds) {
        const team = limit(4, 0, { measure: 'gpus' });
        const one = claim(
          uid,
          uid.charCodeAt(0) % 3,
          charge(1, gpus),
          team,
          ...(isElsewhere ? [limit(2, 2, account)] : []),
        );
        if (does === 'leaves') {
          line.remove(claims.get(uid) ?? one);
          claims.delete(uid);
        } else if (does === 'asks') {
          line.put(one);
          claims.set(uid, one);
        }
        expect(line.limitsFor(one)).toEqual(limitsFor(one, [...claims.values()]));
        expect(line.admissible()).toEqual(admissible([...claims.values()]));
      }
    }),
  );
});

it('what is ahead of each in a long line is what all who are older want, in whatever order they come, leave and are asked about', () => {
  const who = fc.integer({ min: 0, max: 299 });
  const deeds = fc.array(
    fc.record({ who, gpus: fc.integer({ min: 1, max: 9 }), does: fc.constantFrom('asks', 'leaves') }),
  );
  fc.assert(
    fc.property(
      fc.uniqueArray(who, { minLength: 150 }),
      deeds,
      fc.array(who, { minLength: 5 }),
      (first, deeds, looks) => {
        const claims = new Map<number, Claim>();
        const claimOf = (who: number, gpus: number): Claim =>
          claim(`${who}`, who, charge(1, gpus), limit(8, 0, { measure: 'gpus' }));
        for (const who of first) claims.set(who, claimOf(who, (who % 9) + 1));
        const line = new Line([...claims.values()]);
        for (const { who, gpus, does } of [...deeds, { who: 0, gpus: 1, does: 'asks' }]) {
          const one = claimOf(who, gpus);
          if (does === 'asks') line.put(one);
          else line.remove(one);
          if (does === 'asks') claims.set(who, one);
          else claims.delete(who);
          for (const look of looks) {
            // Nine GPUs have no room in any case: nobody waits for that.
            const older = [...claims.values()].filter(({ createdAt, more }) => createdAt < look && more.gpus < 9);
            const [ahead] = line.limitsFor(claimOf(look, 1)).map((limit) => limit.ahead.toNumber());
            expect(ahead).toBe(total(older.map(({ more }) => more)).gpus);
          }
        }
      },
    ),
    { numRuns: 50 },
  );
});

it('age is the time of creation, and the UID where that is the same', () => {
  const sorted = [claim('b', 2, nothing), claim('c', 1, nothing), claim('a', 2, nothing)].toSorted(byAge);
  expect(sorted.map(({ uid }) => uid)).toEqual(['c', 'a', 'b']);
});
