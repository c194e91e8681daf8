import { backoffMs, type Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Provider } from '../provider/contract.ts';
import { isProviderError } from '../provider/error.ts';
import type { Gate } from '../provider/gate-contract.ts';
import type { HostRevenue, MonthlySummary } from '../provider/reports.ts';
import type { PollFailure, Report, ReportBook, ReportReading } from './contract.ts';

export interface ReportOptions {
  readonly provider: Pick<Provider, 'getRevenue' | 'getSummary'>;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly random: Random;
  /** As whom the provider would be asked at this moment. */
  readonly askedAs: () => string;
  readonly log: Logger;
}

export interface RunningReportBook extends ReportBook {
  /** Nothing is asked any more. */
  stop(): void;
}

/** What hosts earn, and what the organization's account says: read seldom, and only where somebody has asked for it. */
export function createReportBook(options: ReportOptions): RunningReportBook {
  const { provider, clock } = options;
  const abort = new AbortController();
  const { signal } = abort;
  const around = { ...options, signal };
  const summary = new ReportReader<MonthlySummary>('Summary', around, () =>
    provider.getSummary(monthOf(clock.now()), { signal }),
  );
  const revenue = new ReportReader<readonly HostRevenue[]>('Revenue', around, () =>
    provider.getRevenue({}, { signal }),
  );
  return {
    summary,
    revenue,
    stop: () => {
      abort.abort(new Error('the account was stopped'));
    },
  };
}

/** "2026-11", of UTC as all days and months are. */
export function monthOf(now: number): string {
  return new Date(now).toISOString().slice(0, 7);
}

/** An organization that rents out no host is refused for ever: it is asked seldom. */
const backoff = { baseMs: 60_000, maxMs: 3_600_000 };

class ReportReader<T> implements Report<T> {
  readonly #name: string;
  readonly #around: ReportOptions & { readonly signal: AbortSignal };
  readonly #ask: () => Promise<T>;
  #last: ReportReading<T> | undefined;
  #failure: PollFailure | undefined;
  #isAsking = false;
  #pause: { readonly until: number; readonly askedAs: string } | undefined;
  #lastSuccessAt: number;

  constructor(name: string, around: ReportOptions & { readonly signal: AbortSignal }, ask: () => Promise<T>) {
    this.#name = name;
    this.#around = around;
    this.#ask = ask;
    this.#lastSuccessAt = around.clock.now();
  }

  get last(): ReportReading<T> | undefined {
    return this.#last?.askedAs === this.#around.askedAs() ? this.#last : undefined;
  }

  get failure(): PollFailure | undefined {
    return this.#failure;
  }

  request(maxAgeMs: number): void {
    const { clock, askedAs, signal } = this.#around;
    const now = clock.now();
    if (this.#isAsking || signal.aborted) return;
    // With another key the answer may be another one.
    if (this.#pause?.askedAs === askedAs() && now < this.#pause.until) return;
    const { last } = this;
    if (last !== undefined && now - last.requestedAt < maxAgeMs) return;
    this.#isAsking = true;
    void this.#read().finally(() => {
      this.#isAsking = false;
    });
  }

  async #read(): Promise<void> {
    const { gate, clock, signal } = this.#around;
    let asked = this.#asked();
    try {
      const ticket = await gate.acquire('lookup', signal);
      const value = await ticket.run(() => {
        asked = this.#asked();
        return this.#ask();
      });
      this.#last = { ...asked, value };
      this.#failure = undefined;
      this.#pause = undefined;
      this.#lastSuccessAt = clock.now();
    } catch (error) {
      if (!signal.aborted) this.#fail(error, asked.askedAs);
    }
  }

  #asked(): { readonly requestedAt: number; readonly askedAs: string } {
    return { requestedAt: this.#around.clock.now(), askedAs: this.#around.askedAs() };
  }

  #fail(error: unknown, askedAs: string): void {
    const { clock, random, log } = this.#around;
    const consecutive = (this.#failure?.consecutive ?? 0) + 1;
    const kind = isProviderError(error) ? error.kind : 'internal';
    this.#failure = { kind, message: messageOf(error), since: this.#lastSuccessAt, consecutive };
    this.#pause = { until: clock.now() + backoffMs(backoff, consecutive, random), askedAs };
    log.warn({ report: this.#name, ...this.#failure }, 'report not read');
  }
}
