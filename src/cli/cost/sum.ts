import { money, type Money } from '../../lib/money.ts';
import { amountOf } from '../common/prices.ts';
import type { VmView } from '../common/vm-view.ts';

/** By what costs are added up. */
export interface CostKey {
  readonly title: string;
  of(view: VmView): string;
}

export interface CostGroup {
  readonly name: string;
  readonly vms: number;
  /** Per hour, in the states that they are in now. */
  readonly now: Money;
  /** Per hour, if all of them ran. */
  readonly running: Money;
  /** So many whose price nobody knows. */
  readonly unknown: number;
}

export const noCost: Omit<CostGroup, 'name'> = { vms: 0, now: money(0), running: money(0), unknown: 0 };

/** Costs by the key, the dearest first, and all together. Pure. */
export function sumUp(
  views: readonly VmView[],
  key: CostKey,
): { readonly groups: readonly CostGroup[]; readonly total: CostGroup } {
  const byName = Map.groupBy(views, (view) => key.of(view));
  const groups = [...byName].map(([name, ofName]) => groupOf(name, ofName));
  return {
    groups: groups.toSorted((a, b) => b.now.cmp(a.now) || (a.name < b.name ? -1 : 1)),
    total: groupOf('', views),
  };
}

function groupOf(name: string, views: readonly VmView[]): CostGroup {
  return views.reduce<CostGroup>(
    (sum, { status: { hourlyPrice, retiring = [], vm } }) => ({
      name,
      vms: sum.vms + (vm === undefined ? 0 : 1) + retiring.length,
      now: retiring
        .reduce((all, { billedNow }) => all.plus(amountOf(billedNow) ?? 0), sum.now)
        .plus(amountOf(hourlyPrice?.billedNow) ?? 0),
      running: sum.running.plus(amountOf(hourlyPrice?.running) ?? 0),
      unknown: sum.unknown + (vm !== undefined && hourlyPrice === undefined ? 1 : 0),
    }),
    { name, ...noCost },
  );
}
