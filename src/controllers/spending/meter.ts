import type { GpuBudgetStatus } from '../../api/gpu-budget.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Money } from '../../lib/money.ts';
import { spentByStatus, spentLater, type Spent } from '../../plan/budget/spend.ts';
import type { CustomObject } from '../objects.ts';

/**
 * What was spent under each budget. It is told of every change of the rate at the moment of the change, so that between two
 * writes of the status nothing is counted at a wrong one.
 */
export class SpendMeter {
  readonly #clock: Clock;
  /** By the UID of the budget. */
  readonly #spent = new Map<string, Spent>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Up to now; from now on it is counted at this rate. */
  read({ metadata: { uid }, status }: CustomObject, rate: Money): Spent {
    const now = this.#clock.now();
    const known = this.#spent.get(uid) ?? spentByStatus((status as GpuBudgetStatus | undefined)?.used, rate, now);
    const spent = { ...spentLater(known, now), rate };
    this.#spent.set(uid, spent);
    return spent;
  }

  /** Whether anything is counted under this budget already. */
  knows(uid: string): boolean {
    return this.#spent.has(uid);
  }

  forget(uid: string): void {
    this.#spent.delete(uid);
  }
}
