import fc from 'fast-check';
import { expect, it } from 'vitest';

import { money } from '../../lib/money.ts';
import { isSameCharge, nothing, total, type Charge } from '../../plan/budget/charge.ts';
import { Tally } from './tally.ts';

const charge: fc.Arbitrary<Charge> = fc.oneof(
  fc.constant(nothing),
  fc
    .record({ vms: fc.nat({ max: 3 }), gpus: fc.nat({ max: 1_000_000 }), cents: fc.nat({ max: 10 ** 9 }) })
    .map(({ vms, gpus, cents }) => ({ vms, gpus, hourlyCost: money(cents).div(1e9) })),
);
const groups = fc.subarray(['namespace/a', 'namespace/b', 'account/a']);

it('a sum is what its members come to, whoever joins, leaves, or is committed to something else', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('x', 'y', 'z'), charge, groups), { maxLength: 40 }), (puts) => {
      const tally = new Tally();
      const members = new Map<string, { charge: Charge; groups: readonly string[] }>();
      for (const [key, charge, groups] of puts) {
        const before = members.get(key) ?? { charge: nothing, groups };
        members.set(key, { charge, groups });
        const isMoved = !isSameCharge(charge, nothing) && before.groups.join() !== groups.join();
        const isSame = tally.put(key, charge, groups) === 'same';
        expect(isSame).toBe(!isMoved && isSameCharge(before.charge, charge));
        expect(tally.chargeOf(key)).toEqual(charge);
        for (const group of ['namespace/a', 'namespace/b', 'account/a']) {
          const all = [...members.values()].filter((member) => member.groups.includes(group));
          expect(isSameCharge(tally.ofGroup(group), total(all.map((member) => member.charge)))).toBe(true);
        }
      }
    }),
  );
});
