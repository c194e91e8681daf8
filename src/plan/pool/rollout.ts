import { hasVm, isAvailable, isOutdated, wantedOf } from './members.ts';
import type { MemberKind, PoolMember, PoolObservation } from './observation.ts';
import { inVictimOrder } from './scale-in.ts';

/**
 * How many members of which kind, and which of those that are there go: the arithmetic of a Deployment. What is made never
 * brings the pool above replicas + maxSurge, and what is deleted never below replicas - maxUnavailable that are available.
 */

/** Members by what is to become of them. */
export interface Sorted {
  /** They stay. */
  readonly kept: readonly PoolMember[];
  /** Made from this template, but more than there are to be of their kind; those that go first come first. */
  readonly surplus: readonly PoolMember[];
  /** Made from another template; those that go first come first. */
  readonly outdated: readonly PoolMember[];
}

export interface Sizing {
  readonly create: Readonly<Record<MemberKind, number>>;
  readonly delete: readonly { readonly member: PoolMember; readonly why: 'tooMany' | 'outdated' }[];
}

type Observed = Pick<PoolObservation, 'spec' | 'now' | 'hash' | 'blocked'>;

/** @param members those that are not being deleted */
export function sortMembers(observation: Observed, members: readonly PoolMember[]): Sorted {
  const ordered = inVictimOrder(members, observation);
  const isOnDelete = observation.spec.updateStrategy.type === 'OnDelete';
  const current = ordered.filter((member) => isOnDelete || !isOutdated(member, observation));
  const wanted = wantedOf(observation.spec);
  const kept = memberKinds.flatMap((kind) => last(ofKind(current, kind), wanted[kind]));
  return {
    kept,
    surplus: current.filter((member) => !kept.includes(member)),
    outdated: ordered.filter((member) => !current.includes(member)),
  };
}

/** @param members those that are not being deleted, nor about to be */
export function sizeOf(observation: Observed, members: readonly PoolMember[]): Sizing {
  const sorted = sortMembers(observation, members);
  const deletions = deletionsOf(observation, sorted);
  return {
    delete: deletions,
    create: creations(observation, sorted, members.length - deletions.length),
  };
}

function deletionsOf(observation: Observed, sorted: Sorted): Sizing['delete'] {
  if (observation.spec.updateStrategy.type === 'OnDelete') return onDelete(observation, sorted);
  return observation.blocked === undefined ? rolling(observation, sorted) : stalled(observation, sorted);
}

/**
 * No member can be made, so none goes for another to take its place; but those go that nobody wants any more, the ones that
 * are not available first. What a rollout has made in advance is wanted: it goes on with it later.
 */
function stalled(observation: Observed, { kept, surplus, outdated }: Sorted): Sizing['delete'] {
  const { replicas, updateStrategy } = observation.spec;
  const most = replicas + (outdated.length > 0 ? updateStrategy.maxSurge : 0);
  const spare = [...surplus, ...outdated];
  const isUp = (member: PoolMember): boolean => isAvailable(member, observation);
  const down = [...spare, ...kept].filter((member) => !isUp(member));
  const tooMany = Math.max(0, kept.length + spare.length - most);
  return [...down, ...spare.filter(isUp)].slice(0, tooMany).map((member) => ({ member, why: 'tooMany' }));
}

/** Only what is too many. */
function onDelete({ spec }: Observed, { kept, surplus }: Sorted): Sizing['delete'] {
  const tooMany = Math.max(0, kept.length + surplus.length - spec.replicas);
  return surplus.slice(0, tooMany).map((member) => ({ member, why: 'tooMany' }));
}

function rolling(observation: Observed, { kept, surplus, outdated }: Sorted): Sizing['delete'] {
  const { spec } = observation;
  // One whose spec was edited a moment ago is not counted on, and is not idle either.
  const isUp = (member: PoolMember): boolean => isAvailable(member, observation) && member.isObserved;
  const leastAvailable = Math.max(0, spec.replicas - spec.updateStrategy.maxUnavailable);
  // A member without a VM costs nothing and gives nothing. One that is not available is no better than those of the same
  // template that stay.
  const idle = [
    ...surplus.filter((member) => !isAvailable(member, observation)),
    ...outdated.filter((member) => !isUp(member) && !hasVm(member)),
  ];
  const left = [...outdated, ...surplus].filter((member) => !idle.includes(member));
  // Those of the old template that are not available may become so, while the new ones may never: some of them are kept.
  const down = left.filter((member) => !isUp(member));
  const keptDown = kept.filter((member) => !isUp(member)).length;
  const mostDown = Math.max(0, kept.length + left.length - leastAvailable - keptDown);
  const up = left.filter(isUp);
  const available = kept.filter(isUp).length + up.length;
  const mostUp = Math.max(0, available - leastAvailable);
  const going = [...idle, ...down.slice(0, mostDown), ...up.slice(0, mostUp)];
  return going.map((member) => ({ member, why: outdated.includes(member) ? 'outdated' : 'tooMany' }));
}

function creations({ spec }: Observed, { kept }: Sorted, staying: number): Sizing['create'] {
  const { type, maxSurge } = spec.updateStrategy;
  const most = spec.replicas + (type === 'OnDelete' ? 0 : maxSurge);
  const wanted = wantedOf(spec);
  const lacking = (kind: MemberKind): number => wanted[kind] - ofKind(kept, kind).length;
  const room = Math.max(0, most - staying);
  // What the market cannot take away comes first.
  const onDemand = Math.min(lacking('GpuVm'), room);
  return { GpuVm: onDemand, SpotVm: Math.min(lacking('SpotVm'), room - onDemand) };
}

const memberKinds: readonly MemberKind[] = ['GpuVm', 'SpotVm'];

function ofKind(members: readonly PoolMember[], kind: MemberKind): PoolMember[] {
  return members.filter((member) => member.kind === kind);
}

function last(members: readonly PoolMember[], count: number): PoolMember[] {
  return members.slice(Math.max(0, members.length - count));
}
