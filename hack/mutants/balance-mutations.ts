import type { Mutation } from './mutation.ts';

/** Deliberate bugs in what looks after an account's balance. */
export const balanceMutations: readonly Mutation[] = [
  {
    name: 'spend however little is left of the balance',
    harm: 'VMs are deployed for money that is not there, and the provider deletes all.',
    file: 'src/controllers/spending/books.ts',
    find: 'if (min === undefined) return [];',
    replace: 'if (min === undefined || min.ms > 0) return [];',
  },
  {
    name: 'count what the others cost for nothing',
    harm: 'Each VM would have the balance last for long enough, all of them have not.',
    file: 'src/controllers/spending/books.ts',
    find: 'return { account: name, used: hourlyCost.plus(this.#deps.balances.unlisted(account)) };',
    replace: 'return { account: name, used: hourlyCost.minus(hourlyCost) };',
  },
  {
    name: 'spend while nobody knows what is left',
    harm: 'VMs are deployed for money that may not be there.',
    file: 'src/plan/balance/limits.ts',
    find: "const hard = view.kind === 'known' ? mostRate(view.amount, threshold.ms) : money(0);",
    replace: "const hard = view.kind === 'known' ? mostRate(view.amount, threshold.ms) : money(1000);",
    also: {
      file: 'src/plan/balance/view.ts',
      find: 'if (reading !== undefined && now - reading.requestedAt <= timings.staleMs) return known(facts, reading);',
      replace: 'if (reading !== undefined && now - reading.requestedAt <= 0) return known(facts, reading);',
    },
  },
  {
    name: 'release VMs by one answer',
    harm: 'A slip of the provider stops everything.',
    file: 'src/plan/balance/limits.ts',
    find: 'return last.amount.gt(before.amount) ? last.amount : before.amount;',
    replace: 'return last.amount;',
  },
  {
    name: 'release VMs by what was left some time ago',
    harm: 'VMs are stopped although somebody may have recharged the balance since.',
    file: 'src/plan/balance/limits.ts',
    find: 'if (last === undefined || before === undefined || failure !== undefined) return undefined;',
    replace: 'if (last === undefined || before === undefined || failure?.consecutive === -1) return undefined;',
    also: {
      file: 'src/plan/balance/limits.ts',
      find: 'if (last.askedAs !== keyFingerprint || now - last.requestedAt > 3 * timings.nearMs) return undefined;',
      replace: 'if (last.askedAs !== keyFingerprint || now < timings.nearMs) return undefined;',
    },
  },
  {
    name: 'release the most important VM first',
    harm: 'What matters stops, and what does not goes on.',
    file: 'src/plan/budget/stopping.ts',
    find: 'for (const victim of running.toSorted((a, b) => -byImportance(a, b))) {',
    replace: 'for (const victim of running.toSorted((a, b) => byImportance(a, b))) {',
  },
];
