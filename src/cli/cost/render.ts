import { dollars, money, type Money } from '../../lib/money.ts';
import { columns } from '../common/columns.ts';
import type { Paint } from '../common/io.ts';
import { perMonth } from '../common/prices.ts';
import type { SpentAll, SpentThere } from './spent.ts';
import type { CostGroup } from './sum.ts';

/** Why nothing is said of what was spent. */
export type Unspoken = 'selected' | 'forbidden';

export interface CostReport {
  readonly title: string;
  readonly groups: readonly CostGroup[];
  readonly total: CostGroup;
  /** By namespace; undefined: the groups are something else. */
  readonly spentIn: ((namespace: string) => SpentThere | undefined) | undefined;
  readonly spent: SpentAll | Unspoken;
}

/** For people. Pure. */
export function renderCost({ title, groups, total, spentIn, spent }: CostReport, paint: Paint): string[] {
  const later = isUnspoken(spent) ? unspoken(spent) : spentLines(spent, spentIn === undefined);
  if (groups.length === 0) return ['Nothing is rented.', ...later];
  const spentCells = (cells: (namespace: string) => string[], name: string): string[] =>
    spentIn === undefined || isUnspoken(spent) ? [] : cells(name);
  const rows = groups.map((group) => [...cellsOf(group), ...spentCells(spentOrDash(spentIn), group.name)]);
  const sum = [...cellsOf({ ...total, name: 'total' }), ...spentCells(() => sums(spent), '')];
  const titles = [title, 'VMS', '$/H NOW', '$/MONTH', '$/H RUNNING'];
  const unknown =
    total.unknown === 0 ? [] : [`${total.unknown} without a price yet: nothing is known to be billed for them.`];
  return [
    ...columns(
      [...titles, ...spentCells(() => ['TODAY', 'THIS MONTH'], '')],
      groups.length > 1 ? [...rows, sum] : rows,
      paint,
    ),
    ...withGap([...unknown, ...later]),
  ];
}

function withGap(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}

function isUnspoken(spent: SpentAll | Unspoken): spent is Unspoken {
  return typeof spent === 'string';
}

function unspoken(why: Unspoken): string[] {
  return why === 'selected'
    ? ['What was spent is counted for whole namespaces: leave --selector away to see it.']
    : ['What was spent is in the GpuBudgets, which you may not read: the verb list on gpubudgets is missing.'];
}

function cellsOf({ name, vms, now, running }: CostGroup): string[] {
  return [name, `${vms}`, dollars(now), perMonth(money(now)), dollars(running)];
}

function spentOrDash(spentIn: CostReport['spentIn']): (namespace: string) => string[] {
  return (namespace) => {
    const there = spentIn?.(namespace);
    return there === undefined ? ['-', '-'] : [inCents(there.today), inCents(there.thisMonth)];
  };
}

/** Where something is not counted, the sum is what is. */
function sums(spent: SpentAll | Unspoken): string[] {
  if (isUnspoken(spent)) return [];
  const { known, uncounted, today, thisMonth } = spent;
  const isAll = uncounted.length === 0;
  const isDay = isAll && known.every(({ isDayWhole }) => isDayWhole);
  const isMonth = isAll && known.every(({ countedSince }) => countedSince === undefined);
  return [`${isDay ? '' : '≥ '}${inCents(today)}`, `${isMonth ? '' : '≥ '}${inCents(thisMonth)}`];
}

function spentLines(spent: SpentAll, withSum: boolean): string[] {
  const [today = '', month = ''] = sums(spent);
  const of = spent.known.map(({ budget, namespace }) => (spent.known.length === 1 ? budget : `${namespace}/${budget}`));
  const sum = `Spent today ${today}, this month ${month} (UTC), as GpuBudget ${of.join(', ')} has counted.`;
  const { uncounted } = spent;
  const gap = `Not counted in ${uncounted.join(', ')}: no GpuBudget there records what is spent. Make one, with any limit, to have it from then on.`;
  return [
    ...(withSum && spent.known.length > 0 ? [sum] : []),
    ...spent.known.flatMap(reservations),
    ...(uncounted.length > 0 ? [gap] : []),
  ];
}

function reservations({ namespace, budget, countedSince, recordedAt, isOld }: SpentThere): string[] {
  return [
    ...(countedSince === undefined
      ? []
      : [`${namespace}: counted since ${countedSince}, when GpuBudget ${budget} was made.`]),
    ...(isOld
      ? [`${namespace}: last recorded at ${recordedAt}, and reckoned at the rate of then. Does the operator run?`]
      : []),
  ];
}

function inCents(amount: Money): string {
  return `$${amount.toFixed(2)}`;
}
