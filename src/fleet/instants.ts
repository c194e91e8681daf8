import type { Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { Provider } from '../provider/contract.ts';
import type { Gate } from '../provider/gate-contract.ts';
import type { InstantVm } from '../provider/instant.ts';
import type { InstantBook } from './contract.ts';
import { CoolDowns } from './cool-down.ts';
import { Inventory } from './inventory.ts';
import { settlesMs, type OfferLimits } from './offers.ts';

export interface InstantBookOptions {
  readonly provider: Pick<Provider, 'listInstantVms'>;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly random: Random;
  readonly wake: (keys: readonly string[]) => void;
  readonly limits?: OfferLimits;
}

export interface RunningInstantBook extends InstantBook {
  forget(key: string): void;
  stop(): void;
}

export function createInstantBook(options: InstantBookOptions): RunningInstantBook {
  return new FetchedInstantBook(options);
}

class FetchedInstantBook implements RunningInstantBook {
  readonly #clock: Clock;
  readonly #inventory: Inventory<readonly InstantVm[]>;
  readonly #coolDowns: CoolDowns;
  readonly #settleMs: number;
  /** By id, since when. */
  readonly #taken = new Map<string, number>();
  #listed: readonly InstantVm[] | undefined;

  constructor({ provider, gate, clock, random, wake, limits }: InstantBookOptions) {
    this.#clock = clock;
    this.#settleMs = limits?.settleMs ?? settlesMs;
    this.#coolDowns = new CoolDowns(clock, random);
    this.#inventory = new Inventory({
      ...{ gate, clock, random, wake },
      maxAgeMs: limits?.maxAgeMs ?? 30_000,
      read: (signal) => provider.listInstantVms({ signal }),
      taken: (vms, requestedAt) => {
        this.#take(vms, requestedAt);
      },
    });
  }

  get vms(): readonly InstantVm[] | undefined {
    return this.#listed?.filter(({ id }) => !this.#taken.has(id));
  }

  get failure(): InstantBook['failure'] {
    return this.#inventory.isPausing ? this.#inventory.failure : undefined;
  }

  isFresh(): boolean {
    return this.#inventory.isFresh();
  }

  request(key: string): void {
    this.#inventory.request(key);
  }

  forget(key: string): void {
    this.#inventory.forget(key);
  }

  take(id: string): void {
    this.#taken.set(id, this.#clock.now());
  }

  giveBack(id: string): void {
    this.#taken.delete(id);
  }

  reportFailure(id: string, reason: string): void {
    this.#coolDowns.fail(id, reason);
  }

  coolingDownUntil(id: string): number | undefined {
    return this.#coolDowns.until(id);
  }

  stop(): void {
    this.#inventory.stop();
  }

  /** What was taken before this list was asked for is not in it any more, unless nothing came of that. */
  #take(vms: readonly InstantVm[], requestedAt: number): void {
    this.#listed = vms;
    for (const [id, at] of this.#taken) {
      if (at < requestedAt - this.#settleMs) this.#taken.delete(id);
    }
  }
}
