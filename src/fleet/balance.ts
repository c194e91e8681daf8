import { backoffMs, type Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Money } from '../lib/money.ts';
import type { Provider } from '../provider/contract.ts';
import { isProviderError } from '../provider/error.ts';
import type { Gate } from '../provider/gate-contract.ts';
import type { BalanceBook, BalanceReading, PollFailure } from './contract.ts';

export interface BalanceOptions {
  readonly provider: Pick<Provider, 'getBalance'>;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly random: Random;
  /** Pauses after failures in a row. */
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
  /** As whom the provider would be asked at this moment. */
  readonly askedAs: () => string;
  /** What the VMs of the last list would cost if all ran; undefined: there is no list. */
  readonly mostListed: () => Money | undefined;
  /** There is an answer, or the news that there is none. */
  readonly told: () => void;
  readonly log: Logger;
}

export interface RunningBalanceBook extends BalanceBook {
  /** The key was exchanged: what failed before it is no reason to wait. */
  refresh(): void;
  /** Nothing is asked any more. */
  stop(): void;
}

export function createBalanceBook(options: BalanceOptions): RunningBalanceBook {
  return new ReadBalances(options);
}

class ReadBalances implements RunningBalanceBook {
  readonly #options: BalanceOptions;
  readonly #abort = new AbortController();
  #last: BalanceReading | undefined;
  #before: BalanceReading | undefined;
  #failure: PollFailure | undefined;
  #isAsking = false;
  #pausedUntil = -Infinity;
  #lastSuccessAt: number;

  constructor(options: BalanceOptions) {
    this.#options = options;
    this.#lastSuccessAt = options.clock.now();
  }

  get last(): BalanceReading | undefined {
    return this.#last;
  }

  get before(): BalanceReading | undefined {
    return this.#before;
  }

  get failure(): PollFailure | undefined {
    return this.#failure;
  }

  request(maxAgeMs: number): void {
    const now = this.#options.clock.now();
    if (this.#isAsking || this.#abort.signal.aborted || now < this.#pausedUntil) return;
    if (this.#last?.askedAs === this.#options.askedAs() && now - this.#last.requestedAt < maxAgeMs) return;
    void this.#ask();
  }

  refresh(): void {
    this.#failure = undefined;
    this.#pausedUntil = -Infinity;
  }

  stop(): void {
    this.#abort.abort(new Error('the account was stopped'));
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    const askedAs = this.#options.askedAs();
    try {
      this.#note(await this.#read());
    } catch (error) {
      // An answer to somebody else.
      if (askedAs === this.#options.askedAs()) this.#fail(error);
    }
    this.#isAsking = false;
    if (!this.#abort.signal.aborted) this.#options.told();
  }

  async #read(): Promise<BalanceReading> {
    const { gate, clock, provider, askedAs, mostListed } = this.#options;
    const { signal } = this.#abort;
    const ticket = await gate.acquire('lookup', signal);
    let asked = { requestedAt: 0, askedAs: '' };
    const { balance: amount, hourlyCost } = await ticket.run(() => {
      asked = { requestedAt: clock.now(), askedAs: askedAs() };
      return provider.getBalance({ signal });
    });
    return { ...asked, amount, hourlyCost, mostListed: mostListed() };
  }

  #note(reading: BalanceReading): void {
    this.#before = this.#last?.askedAs === reading.askedAs ? this.#last : undefined;
    this.#last = reading;
    this.#failure = undefined;
    this.#pausedUntil = -Infinity;
    this.#lastSuccessAt = this.#options.clock.now();
  }

  #fail(error: unknown): void {
    if (this.#abort.signal.aborted) return;
    const { clock, random, backoff, log } = this.#options;
    const consecutive = (this.#failure?.consecutive ?? 0) + 1;
    this.#failure = {
      kind: isProviderError(error) ? error.kind : 'internal',
      message: messageOf(error),
      since: this.#lastSuccessAt,
      consecutive,
    };
    this.#pausedUntil = clock.now() + backoffMs(backoff, consecutive, random);
    log.warn({ ...this.#failure }, 'balance not read');
  }
}
