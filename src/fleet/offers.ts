import { backoffMs, type Random } from '../lib/backoff.ts';
import type { CancelTimer, Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Host, Provider } from '../provider/contract.ts';
import { isProviderError } from '../provider/error.ts';
import type { Gate } from '../provider/gate-contract.ts';
import type { HostShare, OfferBook } from './contract.ts';
import { CoolDowns } from './cool-down.ts';
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

const failurePolicy = { baseMs: 2_000, maxMs: 60_000 };

class FetchedOfferBook implements RunningOfferBook {
  readonly #options: OfferBookOptions;
  readonly #clock: Clock;
  readonly #coolDowns: CoolDowns;
  readonly #reservations = new Reservations();
  readonly #waiting = new Set<string>();
  readonly #abort = new AbortController();
  #fetched: readonly Host[] | undefined;
  #reduced: readonly Host[] | undefined;
  #fetchedAt: number | undefined;
  #failure: OfferBook['failure'];
  #failures = 0;
  #busy = false;
  #retryAt = -Infinity;
  #cancelRetry: CancelTimer = () => undefined;

  constructor(options: OfferBookOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#coolDowns = new CoolDowns(options.clock, options.random);
  }

  get hosts(): readonly Host[] | undefined {
    if (this.#fetched !== undefined) this.#reduced ??= this.#reservations.applyTo(this.#fetched);
    return this.#reduced;
  }

  get failure(): OfferBook['failure'] {
    return this.#failure;
  }

  isFresh(): boolean {
    if (this.#fetchedAt === undefined) return false;
    const age = this.#clock.now() - this.#fetchedAt;
    // A negative age: the clock was set back, and nobody knows how old it is.
    return age >= 0 && age < (this.#options.limits?.maxAgeMs ?? 30_000);
  }

  request(key: string): void {
    if (this.isFresh()) {
      this.#options.wake([key]);
      return;
    }
    this.#waiting.add(key);
    if (this.#busy || this.#abort.signal.aborted) return;
    // After a failure all who ask again share one later try.
    this.#busy = true;
    const delay = Math.min(Math.max(0, this.#retryAt - this.#clock.now()), failurePolicy.maxMs);
    if (delay === 0) void this.#fetch();
    else this.#cancelRetry = this.#clock.after(delay, () => void this.#fetch());
  }

  forget(key: string): void {
    this.#waiting.delete(key);
  }

  reserve(hostnode: string, taken: HostShare): void {
    this.#reservations.add(hostnode, taken, this.#clock.now());
    this.#reduced = undefined;
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
    this.#abort.abort(new Error('the fleet was stopped'));
    this.#cancelRetry();
  }

  async #fetch(): Promise<void> {
    const { gate, provider, hooks, wake } = this.#options;
    const { signal } = this.#abort;
    try {
      const ticket = await gate.acquire('lookup', signal);
      // Everyone who waited may have gone while this waited in line.
      if (this.#waiting.size === 0) {
        ticket.release();
        this.#busy = false;
        return;
      }
      let requestedAt = 0;
      const hosts = await ticket.run(() => {
        requestedAt = this.#clock.now();
        return provider.listHosts({ signal });
      });
      this.#take(hosts, requestedAt);
      hooks?.inventoryFetched?.(hosts.length);
    } catch (error) {
      if (signal.aborted) return;
      this.#fail(error);
    }
    this.#busy = false;
    const keys = [...this.#waiting];
    this.#waiting.clear();
    wake(keys);
  }

  #take(hosts: readonly Host[], requestedAt: number): void {
    this.#fetched = hosts;
    this.#reduced = undefined;
    this.#reservations.dropBefore(requestedAt - (this.#options.limits?.settleMs ?? 15_000));
    this.#fetchedAt = this.#clock.now();
    this.#failure = undefined;
    this.#failures = 0;
  }

  /** The old inventory stays, old as it is: `isFresh` says that it is no basis for a choice. */
  #fail(error: unknown): void {
    const kind = isProviderError(error) ? error.kind : 'internal';
    this.#failures += 1;
    this.#failure = { kind, message: messageOf(error) };
    this.#retryAt = this.#clock.now() + backoffMs(failurePolicy, this.#failures, this.#options.random);
    this.#options.hooks?.inventoryFailed?.(kind);
  }
}
