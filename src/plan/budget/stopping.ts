import { growth, nothing, plus, type Charge } from './charge.ts';
import { amountOf, fits, isHopeless, isOverTime, type Limit, type Measure } from './limits.ts';

/** A resource that a budget may keep released. */
export interface Stoppable {
  readonly uid: string;
  readonly priority: number;
  /** In milliseconds. */
  readonly createdAt: number;
  /** What it is committed to now, with its VM released, and with its VM running. */
  readonly now: Charge;
  readonly kept: Charge;
  readonly started: Charge;
  /** Whether it would hold its GPU now if no budget kept it from that. */
  readonly isWanted: boolean;
  /** It was told to stop, and has not for longer than that takes: nobody knows whether it ever will. */
  readonly isStuck: boolean;
}

/**
 * Whose VMs are kept released (onExceeded StopByPriority), by the UIDs of their resources. Whoever is stopped stays so while there
 * is no room for it at its full price, so that nobody is stopped and started in turns. Once all that may be spent in a
 * day or a month is spent, everything stops.
 *
 * @param toStart what there has to be room in for somebody to be started again
 */
export function chooseStopped(
  limits: readonly Limit[],
  members: readonly Stoppable[],
  before: ReadonlySet<string>,
  toStart: readonly Limit[] = limits,
): readonly string[] {
  const stopped = members.filter(({ uid }) => before.has(uid));
  const running = members.filter((member) => !before.has(member.uid) && isRunning(member));
  if (limits.some((limit) => isOverTime(limit.measure) && limit.used.gte(limit.hard))) {
    return uidsOf([...stopped, ...running]);
  }
  // Those that have been told to stop count as if they had: but not for ever, or nobody would be stopped in their place.
  const leaving = stopped.filter(isLeaving).map(({ now, kept }) => growth(kept, now));
  const { settled } = momentaryOf(limits, leaving);
  return settled.some(isExceeded)
    ? stopMore(settled, running, stopped)
    : startSome(momentaryOf(toStart, leaving), stopped);
}

/** Whether less of it is used at once when a VM is released. */
export function isReleasable(measure: Measure): boolean {
  return measure === 'gpus' || measure === 'hourlyCost';
}

function momentaryOf(limits: readonly Limit[], leaving: readonly Charge[]): Limits {
  const momentary = limits.filter(({ measure }) => isReleasable(measure));
  return { momentary, settled: momentary.map((limit) => less(limit, leaving)) };
}

function stopMore(limits: readonly Limit[], running: readonly Stoppable[], stopped: readonly Stoppable[]): string[] {
  const victims: Stoppable[] = [];
  let left = limits;
  for (const victim of running.toSorted((a, b) => -byImportance(a, b))) {
    if (!left.some(isExceeded)) break;
    victims.push(victim);
    left = left.map((limit) => less(limit, [growth(victim.kept, victim.now)]));
  }
  return uidsOf([...stopped, ...victims]);
}

/**
 * The more important one first: what is left after it is not given to others meanwhile. But nobody waits for one that needs
 * more than there is as a whole, or that would not be started anyway.
 */
function startSome(limits: Limits, stopped: readonly Stoppable[]): string[] {
  const still: Stoppable[] = [];
  let taken: Charge = nothing;
  let isTaken = false;
  for (const member of stopped.toSorted(byImportance)) {
    if (!member.isWanted) {
      if (isRunning(member)) still.push(member);
      continue;
    }
    const all = plus(taken, moreToStart(member));
    const isHopelessNow = limits.settled.some((limit) => isHopeless(limit, member.started));
    if (!isTaken && !isHopelessNow && hasRoom(limits, member, all)) taken = all;
    else {
      still.push(member);
      isTaken ||= !isHopelessNow;
    }
  }
  return uidsOf(still);
}

interface Limits {
  /** As they are. */
  readonly momentary: readonly Limit[];
  /** As they will be when those that leave have left. */
  readonly settled: readonly Limit[];
}

/** For one that is released others have to have left already: or they would be let go on before it takes their place. */
function hasRoom({ momentary, settled }: Limits, member: Stoppable, all: Charge): boolean {
  if (!settled.every((limit) => fits(limit, all))) return false;
  return isRunning(member) || momentary.every((limit) => fits(limit, all));
}

/** One that does not stop has what it would be started with. */
function moreToStart(member: Stoppable): Charge {
  return growth(isLeaving(member) ? member.kept : member.now, member.started);
}

type Ranked = Pick<Stoppable, 'uid' | 'priority' | 'createdAt'>;

/** Highest priority first, then the oldest. */
export function byImportance(a: Ranked, b: Ranked): number {
  return b.priority - a.priority || a.createdAt - b.createdAt || (a.uid < b.uid ? -1 : 1);
}

/** Whether it holds what it would give back if its VM were released. */
export function isRunning({ now, kept }: Pick<Stoppable, 'now' | 'kept'>): boolean {
  return now.gpus > kept.gpus || now.hourlyCost.gt(kept.hourlyCost);
}

function isLeaving(member: Stoppable): boolean {
  return isRunning(member) && !member.isStuck;
}

function isExceeded({ used, hard }: Limit): boolean {
  return used.gt(hard);
}

function less(limit: Limit, charges: readonly Charge[]): Limit {
  const used = charges.reduce((left, charge) => left.minus(amountOf(charge, limit.measure)), limit.used);
  return { ...limit, used };
}

function uidsOf(members: readonly Stoppable[]): string[] {
  return members.map(({ uid }) => uid).sort();
}
