import { lanes, type Lane } from './gate-contract.ts';

export interface Waiter {
  readonly lane: Lane;
  readonly fairnessGroup: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/**
 * Every so many starts one goes to a lane that was passed over.
 *
 * The bound: of 8 starts at least one goes to a lower lane that waits, to the one that has waited longest since its last
 * start. There are at most 3 lower lanes, so each gets at least one of 24 starts; within a lane the groups take turns. So a
 * waiter that is number p of its group, with g groups waiting in its lane, starts after at most 24 × g × p starts.
 */
const startsPerTurnOfLowerLanes = 8;

/** One lane: groups take turns, and within a group first come is first served. */
class LaneLine<W extends Waiter> {
  /** In the order of their turns: who was just served goes to the end. */
  readonly #groups = new Map<string, Set<W>>();
  size = 0;
  /** Position in the order of service at which this lane was last served, or began to wait. */
  waitsFrom = 0;

  add(waiter: W): void {
    const group = this.#groups.get(waiter.fairnessGroup) ?? new Set();
    group.add(waiter);
    this.#groups.set(waiter.fairnessGroup, group);
    this.size += 1;
  }

  remove(waiter: W): void {
    const group = this.#groups.get(waiter.fairnessGroup);
    if (group?.delete(waiter) !== true) return;
    this.size -= 1;
    if (group.size === 0) this.#groups.delete(waiter.fairnessGroup);
  }

  shift(): W | undefined {
    for (const [name, group] of this.#groups) {
      for (const waiter of group) {
        this.remove(waiter);
        if (group.size > 0) {
          this.#groups.delete(name);
          this.#groups.set(name, group);
        }
        return waiter;
      }
    }
    return undefined;
  }
}

/** Who starts next: by priority of the lanes, with the above rule against starvation. */
export class LaneQueue<W extends Waiter> {
  readonly #lines = new Map<Lane, LaneLine<W>>(lanes.map((lane) => [lane, new LaneLine<W>()]));
  #served = 0;
  /** Starts in a row that passed over a waiting lower lane. */
  #passedOver = 0;

  get size(): number {
    let total = 0;
    for (const line of this.#lines.values()) total += line.size;
    return total;
  }

  sizeOf(lane: Lane): number {
    return this.#line(lane).size;
  }

  add(waiter: W): void {
    const line = this.#line(waiter.lane);
    if (line.size === 0) line.waitsFrom = this.#served;
    line.add(waiter);
  }

  remove(waiter: W): void {
    this.#line(waiter.lane).remove(waiter);
  }

  /** Takes the next waiter out. */
  shift(): W | undefined {
    const [highest, ...lower] = lanes.map((lane) => this.#line(lane)).filter((line) => line.size > 0);
    if (highest === undefined) return undefined;
    const lowersTurn = lower.length > 0 && this.#passedOver >= startsPerTurnOfLowerLanes - 1;
    const line = lowersTurn ? longestWaiting(lower) : highest;
    this.#passedOver = lower.length === 0 || lowersTurn ? 0 : this.#passedOver + 1;
    this.#served += 1;
    line.waitsFrom = this.#served;
    return line.shift();
  }

  #line(lane: Lane): LaneLine<W> {
    const line = this.#lines.get(lane);
    if (line === undefined) throw new Error(`unknown lane: ${lane}`);
    return line;
  }
}

function longestWaiting<W extends Waiter>(lines: readonly LaneLine<W>[]): LaneLine<W> {
  return lines.reduce((longest, line) => (line.waitsFrom < longest.waitsFrom ? line : longest));
}
