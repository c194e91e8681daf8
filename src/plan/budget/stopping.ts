import { growth, plus, type Charge } from './charge.ts';
import { amountOf, fits, isOverTime, type Limit } from './limits.ts';

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
}

/**
 * Whose VMs are kept released (onExceeded StopByPriority), by the UIDs of their resources. Whoever is stopped stays so while there
 * is no room for it at its full price, so that nobody is stopped and started in turns. Once all that may be spent in a
 * day or a month is spent, everything stops.
 */
export function chooseStopped(
  limits: readonly Limit[],
  members: readonly Stoppable[],
  before: ReadonlySet<string>,
): readonly string[] {
  const stopped = members.filter(({ uid }) => before.has(uid));
  const running = members.filter((member) => !before.has(member.uid) && isRunning(member));
  if (limits.some((limit) => isOverTime(limit.measure) && limit.used.gte(limit.hard))) {
    return uidsOf([...stopped, ...running]);
  }
  const momentary = limits.filter(({ measure }) => measure === 'gpus' || measure === 'hourlyCost');
  // Those that have been told to stop count as if they had.
  const leaving = stopped.map(({ now, kept }) => growth(kept, now));
  const settled = momentary.map((limit) => less(limit, leaving));
  return settled.some(isExceeded) ? stopMore(settled, running, stopped) : startSome(settled, stopped);
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

function startSome(limits: readonly Limit[], stopped: readonly Stoppable[]): string[] {
  const still: Stoppable[] = [];
  let taken: Charge | undefined;
  for (const member of stopped.toSorted(byImportance)) {
    const more = growth(member.kept, member.started);
    const all = taken === undefined ? more : plus(taken, more);
    // The more important one first: what is left after it is not given to others meanwhile.
    if (still.length === 0 && limits.every((limit) => fits(limit, all))) taken = all;
    else still.push(member);
  }
  return uidsOf(still);
}

/** Highest priority first, then the oldest. */
function byImportance(a: Stoppable, b: Stoppable): number {
  return b.priority - a.priority || a.createdAt - b.createdAt || (a.uid < b.uid ? -1 : 1);
}

function isRunning({ now, kept }: Stoppable): boolean {
  return now.gpus > kept.gpus || now.hourlyCost.gt(kept.hourlyCost);
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
