import type { CancelTimer, Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { ProbeFact } from '../plan/vm/observation.ts';
import type { ProbeTarget } from '../plan/vm/verdict.ts';

/**
 * Opens a TCP connection and closes it again. Rejects with ProbeForbiddenError where probes may not go, and at once when the
 * signal is aborted.
 */
export type Connect = (host: string, port: number, timeoutMs: number, signal: AbortSignal) => Promise<void>;

export class ProbeForbiddenError extends Error {}

interface Watch {
  readonly target: ProbeTarget;
  readonly id: string;
  fact: ProbeFact;
  failures: number;
  cancel: CancelTimer;
  /** Ends the probe that is under way: it may take a minute, and nobody wants to know any more. */
  readonly abort: AbortController;
}

/**
 * Probes VMs on their own timers, apart from the reconcilers: a guest that does not answer takes seconds, and must not
 * hold a worker. A result that changed wakes the resource; what it was is kept here until it is asked for.
 */
export class Prober {
  readonly #clock: Clock;
  readonly #connect: Connect;
  readonly #wake: (key: string) => void;
  readonly #watches = new Map<string, Watch>();
  #isStopped = false;

  constructor(options: { readonly clock: Clock; readonly connect: Connect; wake(key: string): void }) {
    this.#clock = options.clock;
    this.#connect = options.connect;
    this.#wake = (key) => {
      options.wake(key);
    };
  }

  /** From now on this target is probed for the key, and no other. Calling it again with the same target changes nothing. */
  watch(key: string, target: ProbeTarget): void {
    const id = JSON.stringify(target);
    if (this.#isStopped || this.#watches.get(key)?.id === id) return;
    this.unwatch(key);
    const fact: ProbeFact = {
      target: addressOf(target),
      result: 'pending',
      message: 'The VM has not been probed yet.',
    };
    const watch: Watch = { target, id, fact, failures: 0, cancel: () => undefined, abort: new AbortController() };
    this.#watches.set(key, watch);
    this.#probe(key, watch);
  }

  unwatch(key: string): void {
    const watch = this.#watches.get(key);
    this.#watches.delete(key);
    watch?.cancel();
    watch?.abort.abort(new Error('nobody wants to know any more'));
  }

  fact(key: string): ProbeFact | undefined {
    return this.#watches.get(key)?.fact;
  }

  /** For good. */
  stop(): void {
    this.#isStopped = true;
    for (const key of [...this.#watches.keys()]) this.unwatch(key);
  }

  #probe(key: string, watch: Watch): void {
    const { host, port, timeoutMs, periodMs } = watch.target;
    const finish = (error: unknown): void => {
      if (this.#watches.get(key) !== watch) return;
      const before = watch.fact.result;
      note(watch, error);
      watch.cancel = this.#clock.after(periodMs, () => {
        this.#probe(key, watch);
      });
      if (watch.fact.result !== before) this.#wake(key);
    };
    this.#connect(host, port, timeoutMs, watch.abort.signal).then(() => {
      finish(undefined);
    }, finish);
  }
}

function addressOf({ host, port }: ProbeTarget): string {
  return `${host}:${port}`;
}

function note(watch: Watch, error: unknown): void {
  const target = addressOf(watch.target);
  if (error === undefined) {
    watch.failures = 0;
    watch.fact = { target, result: 'success', message: `TCP connection to ${target} was accepted.` };
    return;
  }
  watch.failures += 1;
  if (error instanceof ProbeForbiddenError) {
    watch.fact = { target, result: 'forbidden', message: error.message };
  } else if (watch.failures >= watch.target.failureThreshold) {
    watch.fact = { target, result: 'failure', message: `TCP connection to ${target} failed: ${messageOf(error)}` };
  }
}
