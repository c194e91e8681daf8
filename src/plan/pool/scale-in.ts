import type { GpuPoolSpec } from '../../api/gpu-pool.ts';
import { hasVm, isAvailable, isOutdated } from './members.ts';
import type { PoolMember, PoolObservation } from './observation.ts';

/**
 * Which members go first when there are too many: those that nobody misses, then those that somebody has chosen, then by
 * the policy. Ties are broken by age and name, so that whoever computes it comes to the same.
 */
export function inVictimOrder(
  members: readonly PoolMember[],
  observation: Pick<PoolObservation, 'spec' | 'now' | 'hash'>,
): PoolMember[] {
  const rank = (member: PoolMember): number => {
    if (!isAvailable(member, observation)) return rankOfDown(member);
    if (member.isDeleteFirst) return 3;
    // It may be stopped for an edit at this moment.
    if (!member.isObserved) return 4;
    return isOutdated(member, observation) ? 5 : 6;
  };
  const byPolicy = policies[observation.spec.scaleIn.policy];
  return members.toSorted((a, b) => rank(a) - rank(b) || byPolicy(a, b) || newestFirst(a, b) || byName(a, b));
}

/** Without a VM, with one that is not Ready, with one that has not been Ready for long enough. */
function rankOfDown(member: PoolMember): number {
  if (member.ready.isTrue) return 2;
  return hasVm(member) ? 1 : 0;
}

type Order = (a: PoolMember, b: PoolMember) => number;

const newestFirst: Order = (a, b) => b.createdAt - a.createdAt;

const mostExpensiveFirst: Order = (a, b) => {
  if (a.price === undefined || b.price === undefined)
    return Number(a.price === undefined) - Number(b.price === undefined);
  return b.price.cmp(a.price);
};

const policies: Readonly<Record<GpuPoolSpec['scaleIn']['policy'], Order>> = {
  MostExpensive: mostExpensiveFirst,
  Newest: newestFirst,
  Oldest: (a, b) => a.createdAt - b.createdAt,
};

/** The highest number first: "pool-10" before "pool-9". */
const byName: Order = (a, b) => b.name.length - a.name.length || (a.name < b.name ? 1 : -1);
