import { gpuBudgetStatusSchema, type GpuBudgetStatus } from '../../api/gpu-budget.ts';
import type { CustomObject } from '../../controllers/objects.ts';
import { money, parseMoney, type Money } from '../../lib/money.ts';
import { longestUnwrittenMs } from '../../plan/budget/budget-status.ts';
import { spentByStatus, spentLater, startOfDay, startOfMonth } from '../../plan/budget/spend.ts';

/** What a namespace has spent, as its GpuBudget has counted it: nobody else keeps that. */
export interface SpentThere {
  readonly namespace: string;
  readonly budget: string;
  readonly today: Money;
  readonly thisMonth: Money;
  /** When the budget was made, if that is in this month: what was spent before nobody has counted. */
  readonly countedSince: string | undefined;
  /** The budget was there when the day began. */
  readonly isDayWhole: boolean;
  readonly recordedAt: string;
  /** The operator should have written something newer by now. */
  readonly isOld: boolean;
}

/** By namespace. Pure. */
export function spentBy(budgets: readonly CustomObject[], now: number): ReadonlyMap<string, SpentThere> {
  const read = budgets.flatMap((budget) => spentOf(budget, now));
  const byNamespace = Map.groupBy(read, ({ namespace }) => namespace);
  // All of a namespace count the same: the one that has counted for longest knows most.
  return new Map([...byNamespace].map(([namespace, all]) => [namespace, all.reduce(longer)]));
}

function longer(one: SpentThere, other: SpentThere): SpentThere {
  return one.countedSince === undefined || one.countedSince < (other.countedSince ?? '') ? one : other;
}

/** Up to now, at the rate of the last record: the operator writes down the next one when the rate changes. */
function spentOf({ metadata, status }: CustomObject, now: number): SpentThere[] {
  const used = gpuBudgetStatusSchema.safeParse(status ?? {}).data?.used;
  if (used === undefined || !isCounted(used)) return [];
  const rate = money(used.hourlyCost);
  const { daily, monthly } = spentLater(spentByStatus(used, rate, now), now);
  const { name, namespace = '', creationTimestamp = '' } = metadata;
  const madeAt = Date.parse(creationTimestamp);
  return [
    {
      ...{ namespace, budget: name, today: daily, thisMonth: monthly, recordedAt: used.at },
      countedSince: madeAt > startOfMonth(now) ? creationTimestamp : undefined,
      isDayWhole: madeAt <= startOfDay(now),
      isOld: rate.gt(0) && now - Date.parse(used.at) > 2 * longestUnwrittenMs,
    },
  ];
}

function isCounted({ at, hourlyCost, dailyCost, monthlyCost }: NonNullable<GpuBudgetStatus['used']>): boolean {
  if (Number.isNaN(Date.parse(at))) return false;
  return [hourlyCost, dailyCost, monthlyCost].every((amount) => parseMoney(amount) !== undefined);
}

/** What is known of several namespaces. */
export interface SpentAll {
  readonly known: readonly SpentThere[];
  /** Namespaces that rent something and have no budget that counts. */
  readonly uncounted: readonly string[];
  readonly today: Money;
  readonly thisMonth: Money;
}

export function spentAll(spent: ReadonlyMap<string, SpentThere>, renting: ReadonlySet<string>): SpentAll {
  const known = [...spent.values()].toSorted((a, b) => (a.namespace < b.namespace ? -1 : 1));
  return {
    known,
    uncounted: [...renting].filter((namespace) => !spent.has(namespace)).toSorted(),
    today: known.reduce((sum, { today }) => sum.plus(today), money(0)),
    thisMonth: known.reduce((sum, { thisMonth }) => sum.plus(thisMonth), money(0)),
  };
}
