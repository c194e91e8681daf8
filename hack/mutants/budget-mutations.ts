import type { Mutation } from './mutation.ts';

/** Deliberate bugs in what holds a team to its budget. */
export const budgetMutations: readonly Mutation[] = [
  {
    name: 'start a released VM without asking for room',
    harm: 'A team spends more than it may.',
    file: 'src/plan/vm/room.ts',
    find: "return { kind: 'start', after, more: growth(spend.own, after) };",
    replace: "return { kind: 'start', after, more: nothing };",
  },
  {
    name: 'make a VM larger without asking for room',
    harm: 'A team spends more than it may.',
    file: 'src/plan/vm/room.ts',
    find: 'const after = plus(spend.ownStarted, larger);',
    replace: 'const after = plus(spend.ownStarted, Date.now() < 0 ? larger : nothing);',
  },
  {
    name: 'release nobody for a budget',
    harm: 'A team that has less from now on goes on spending.',
    file: 'src/plan/budget/stopping.ts',
    find: 'return settled.some(isExceeded)',
    replace: 'return settled.some((limit) => isExceeded(limit) && limit.hard.lt(0))',
  },
  {
    name: 'release VMs for which there is room',
    harm: 'What a team may have is taken from it.',
    file: 'src/plan/budget/stopping.ts',
    find: 'return used.gt(hard);',
    replace: 'return used.gte(hard);',
  },
  {
    name: 'count a VM that is being started as one that is released',
    harm: 'A process that takes over finds room that is taken.',
    file: 'src/plan/budget/commitment.ts',
    find: "if (phase === 'Starting') return false;",
    replace: "if (phase === 'Starting') return true;",
  },
];
