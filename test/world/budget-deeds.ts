import fc from 'fast-check';

/** What the platform team allows the namespace; without `hard` there is no budget. */
export interface BudgetDeed {
  readonly do: 'budget';
  readonly hard: Hard | null;
  /** Default: nothing is released. */
  readonly onExceeded?: 'BlockCreate' | 'StopByPriority';
}

interface Hard {
  readonly vms?: number;
  readonly gpus?: number;
  readonly hourlyCost?: string;
}

/** In worlds where other things happen. */
export const budgetDeed: fc.Arbitrary<BudgetDeed> = fc.record({
  do: fc.constant('budget' as const),
  hard: fc.constantFrom(null, { vms: 0 }, { vms: 1 }, { vms: 2 }, { vms: 3 }, { gpus: 1 }, { gpus: 2 }),
});

/** A VM costs $0.1 to $0.3 per hour. */
const hard = fc.constantFrom<(Hard | null)[]>(
  null,
  { vms: 2 },
  ...[1, 2, 3].map((gpus) => ({ gpus })),
  ...['0.00', '0.12', '0.25', '0.40', '0.60', '0.90'].map((hourlyCost) => ({ hourlyCost })),
  { gpus: 3, hourlyCost: '0.40' },
  { vms: 4, gpus: 2, hourlyCost: '0.60' },
);

export const thriftyDeed: fc.Arbitrary<BudgetDeed> = fc.record({
  do: fc.constant('budget' as const),
  hard,
  onExceeded: fc.constantFrom('StopByPriority', 'StopByPriority', 'BlockCreate'),
});
