import { money, type Money } from '../../lib/money.ts';

/** What a resource, or all of a namespace, is committed to at a moment: what it holds, or may come to hold by a call. */
export interface Charge {
  /** VMs, whether they run or not. */
  readonly vms: number;
  /** Their GPUs, but for those that were given back. */
  readonly gpus: number;
  /** US dollars. */
  readonly hourlyCost: Money;
}

export const nothing: Charge = { vms: 0, gpus: 0, hourlyCost: money(0) };

export function plus(one: Charge, other: Charge): Charge {
  return {
    vms: one.vms + other.vms,
    gpus: one.gpus + other.gpus,
    hourlyCost: one.hourlyCost.plus(other.hourlyCost),
  };
}

/** Of a sum without one of those that it was made of. */
export function minus(one: Charge, other: Charge): Charge {
  return {
    vms: one.vms - other.vms,
    gpus: one.gpus - other.gpus,
    hourlyCost: one.hourlyCost.minus(other.hourlyCost),
  };
}

/** By each measure the larger: what was reserved is a part of what is stored as soon as that knows of it. */
export function larger(one: Charge, other: Charge): Charge {
  return {
    vms: Math.max(one.vms, other.vms),
    gpus: Math.max(one.gpus, other.gpus),
    hourlyCost: one.hourlyCost.gt(other.hourlyCost) ? one.hourlyCost : other.hourlyCost,
  };
}

/** What `after` is more than `before`, by each measure; nowhere below zero. */
export function growth(before: Charge, after: Charge): Charge {
  const { hourlyCost } = larger(before, after);
  return {
    vms: Math.max(0, after.vms - before.vms),
    gpus: Math.max(0, after.gpus - before.gpus),
    hourlyCost: hourlyCost.minus(before.hourlyCost),
  };
}

export function total(charges: Iterable<Charge>): Charge {
  let sum = nothing;
  for (const charge of charges) sum = plus(sum, charge);
  return sum;
}

/** Whether there is less of anything. */
export function isLessAnywhere(after: Charge, before: Charge): boolean {
  return after.vms < before.vms || after.gpus < before.gpus || after.hourlyCost.lt(before.hourlyCost);
}

export function isSameCharge(one: Charge, other: Charge): boolean {
  return one.vms === other.vms && one.gpus === other.gpus && one.hourlyCost.eq(other.hourlyCost);
}
