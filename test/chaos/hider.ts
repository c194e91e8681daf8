import type { FaultSpec, Machine } from '../../src/sim/index.ts';
import type { Random } from '../../src/sim/random.ts';
import { mostStaleMs } from './times.ts';

/** A list that lies for some polls: it is old, or empty. */
export function anyLie(random: Random): FaultSpec {
  const count = random.pick([1, 2, 5, 15]);
  return random.next() < 0.5
    ? { endpoint: 'client/list', kind: 'stale-list', ms: random.integer(100, mostStaleMs), count }
    : { endpoint: 'client/list', kind: 'empty-list', count };
}

/** Longer than the pause before a deployment that failed is tried again. */
const longLies: readonly FaultSpec[] = [
  { endpoint: 'client/list', kind: 'stale-list', ms: mostStaleMs, count: 10 },
  { endpoint: 'client/list', kind: 'empty-list', count: 15 },
];

/** Sees to it that a VM whose deployment got no answer is not in the lists that follow at once. */
export class Hider {
  readonly #random: Random;
  #left = 0;
  #last: unknown;

  constructor(random: Random) {
    this.#random = random;
  }

  /** So many deployments from now on. */
  hide(count: number): void {
    this.#left = count;
  }

  /** After a request to the machine. */
  afterRequest(machine: Machine): void {
    const last = machine.log.latest().at(-1);
    if (last === undefined || last === this.#last) return;
    this.#last = last;
    const isUnanswered = last.path === 'client/deploy/single' && last.fault !== undefined && last.carriedOut;
    if (!isUnanswered || this.#left === 0) return;
    this.#left -= 1;
    machine.faults.add(this.#random.pick(longLies));
  }
}
