import type { Mutation } from './mutation.ts';

/** Deliberate bugs in what only pools and budgets have. */
export const poolMutations: readonly Mutation[] = [
  {
    name: 'let a pool have a member too many',
    harm: 'It costs more than its owner allows.',
    file: 'src/plan/pool/rollout.ts',
    find: "const most = spec.replicas + (type === 'OnDelete' ? 0 : maxSurge);",
    replace: "const most = 1 + spec.replicas + (type === 'OnDelete' ? 0 : maxSurge);",
    also: {
      file: 'src/plan/pool/rollout.ts',
      find: 'const lacking = (kind: MemberKind): number => wanted[kind] - ofKind(kept, kind).length;',
      replace: 'const lacking = (kind: MemberKind): number => 1 + wanted[kind] - ofKind(kept, kind).length;',
    },
  },
  {
    name: 'take members that are needed for others that are not there yet',
    harm: 'Nobody serves meanwhile.',
    file: 'src/plan/pool/rollout.ts',
    find: 'const leastAvailable = Math.max(0, spec.replicas - spec.updateStrategy.maxUnavailable);',
    replace: 'const leastAvailable = 0;',
  },
  {
    name: 'find room on every host, however many members are there',
    harm: 'One host that fails takes more of the pool with it than its owner allows.',
    file: 'src/plan/placement.ts',
    find: "if (isFull?.(host) === true) return 'spread';",
    replace: '',
  },
  {
    name: 'find room in every budget',
    harm: 'A team spends more than it may.',
    file: 'src/plan/budget/limits.ts',
    find: 'return limit.used.plus(ahead).plus(amount).lte(limit.hard);',
    replace: 'return amount.gte(0) || ahead.eq(0);',
  },
  {
    name: 'let a pool cost what it likes',
    harm: 'It costs more than its owner allows.',
    file: 'src/controllers/spending/books.ts',
    find: "const hard = typeof maxHourlyCost === 'string' ? parseMoney(maxHourlyCost) : undefined;",
    replace: "const hard = typeof maxHourlyCost === 'number' ? parseMoney(maxHourlyCost) : undefined;",
  },
];
