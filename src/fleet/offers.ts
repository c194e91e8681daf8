import type { Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { Host, Provider } from '../provider/contract.ts';
import type { Gate } from '../provider/gate-contract.ts';
import type { HostShare, OfferBook } from './contract.ts';
import { CoolDowns } from './cool-down.ts';
import { Inventory } from './inventory.ts';
import { Reservations } from './reservations.ts';

export interface OfferLimits {
  /** How long an inventory is young enough to choose from, and so how often at most it is fetched. Default 30 s. */
  readonly maxAgeMs?: number;
  /**
   * A reservation younger than this when an inventory is requested is kept: its launch may not be in that inventory yet.
   * Default 15 s, about as long as the provider takes for a deployment.
   */
  readonly settleMs?: number;
}

export interface OfferBookHooks {
  inventoryFetched?(hosts: number): void;
  inventoryFailed?(kind: string): void;
}

export interface OfferBookOptions {
  readonly provider: Pick<Provider, 'listHosts'>;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly random: Random;
  readonly wake: (keys: readonly string[]) => void;
  readonly limits?: OfferLimits;
  readonly hooks?: OfferBookHooks;
}

export interface RunningOfferBook extends OfferBook {
  /** The key no longer waits for an inventory. */
  forget(key: string): void;
  /** Why a host is cooling down, if it is. */
  coolingDownBecause(hostnode: string): string | undefined;
  stop(): void;
}

export function createOfferBook(options: OfferBookOptions): RunningOfferBook {
  return new FetchedOfferBook(options);
}

/** How long what a launch has taken is counted beside an inventory that may not know of it yet. */
export const settlesMs = 15_000;

class FetchedOfferBook implements RunningOfferBook {
  readonly #options: OfferBookOptions;
  readonly #inventory: Inventory<readonly Host[]>;
  readonly #coolDowns: CoolDowns;
  readonly #reservations = new Reservations();
  #fetched: readonly Host[] | undefined;
  #reduced: readonly Host[] | undefined;

  constructor(options: OfferBookOptions) {
    const { provider, gate, clock, random, wake, hooks, limits } = options;
    this.#options = options;
    this.#coolDowns = new CoolDowns(clock, random);
    this.#inventory = new Inventory<readonly Host[]>({
      ...{ gate, clock, random, wake },
      maxAgeMs: limits?.maxAgeMs ?? 30_000,
      read: (signal) => provider.listHosts({ signal }),
      taken: (hosts, requestedAt) => {
        this.#take(hosts, requestedAt);
      },
      failed: (kind) => hooks?.inventoryFailed?.(kind),
    });
  }

  get hosts(): readonly Host[] | undefined {
    if (this.#fetched !== undefined) this.#reduced ??= this.#reservations.applyTo(this.#fetched);
    return this.#reduced;
  }

  get failure(): OfferBook['failure'] {
    return this.#inventory.failure;
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

  reserve(hostnode: string, taken: HostShare): void {
    this.#reservations.add(hostnode, taken, this.#options.clock.now());
    this.#reduced = undefined;
    this.#inventory.noteUse();
  }

  release(hostnode: string, taken: HostShare): void {
    if (this.#reservations.remove(hostnode, taken)) this.#reduced = undefined;
  }

  reportFailure(hostnode: string, reason: string): void {
    this.#coolDowns.fail(hostnode, reason);
  }

  reportSuccess(hostnode: string): void {
    this.#coolDowns.succeed(hostnode);
  }

  coolingDownUntil(hostnode: string): number | undefined {
    return this.#coolDowns.until(hostnode);
  }

  coolingDownBecause(hostnode: string): string | undefined {
    return this.#coolDowns.reason(hostnode);
  }

  stop(): void {
    this.#inventory.stop();
  }

  #take(hosts: readonly Host[], requestedAt: number): void {
    this.#fetched = hosts;
    this.#reduced = undefined;
    this.#reservations.dropBefore(requestedAt - (this.#options.limits?.settleMs ?? settlesMs));
    this.#options.hooks?.inventoryFetched?.(hosts.length);
  }
}
