import type { Random } from '../lib/backoff.ts';
import { within, type Clock } from '../lib/clock.ts';
import { assertNever, messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { isKubeError, type Outcome, type Reconciler } from './contract.ts';
import { NotLeadingError } from './leader.ts';
import type { WorkQueue } from './queue.ts';

/** The words of controller-runtime's metric label `result`. */
export type ReconcileResult = 'success' | 'error' | 'requeue' | 'requeue_after';

/** Told what reconciles do; implemented by telemetry. Hooks must not throw. */
export interface RunnerHooks {
  reconciled(result: ReconcileResult, durationMs: number): void;
  activeWorkers(count: number): void;
}

export interface RunnerOptions {
  readonly reconciler: Reconciler;
  readonly queue: WorkQueue;
  readonly clock: Clock;
  /** For reconcile ids. */
  readonly random: Random;
  readonly log: Logger;
  /** Reconciles at once; default 64. They wait for the network most of the time. */
  readonly concurrency?: number;
  readonly hooks?: RunnerHooks;
}

/** Of all reconciles between a start and its stop; see ReconcileContext. */
interface Aborts {
  readonly stopping: AbortController;
  readonly abort: AbortController;
}

/** How long a reconcile has from its abort on, to write down what became of its call. */
const unwindMs = 1_000;

/**
 * Reconciles that begin before anything else has a turn. Most of those at a start need no network, and so would end without
 * one: ten thousand of them took seconds in which no lease was renewed.
 */
const mostInOneBreath = 32;

/** After this many requeues in a row a key backs off as if it had failed: somebody is fighting over the object, say. */
const mostRequeuesInARow = 5;

/**
 * Runs a reconciler over the keys of its queue: the only place where an outcome becomes queue action, metric and log.
 * A reconcile that throws harms only its own key.
 */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #concurrency: number;
  readonly #active = new Set<Promise<void>>();
  readonly #requeues = new Map<string, number>();
  #aborts: Aborts | undefined;
  #pumping = false;
  #inOneBreath = 0;
  #isBreathing = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#concurrency = options.concurrency ?? 64;
  }

  /** Starts taking keys. May be called again after `stop`. */
  start(): void {
    if (this.#aborts !== undefined) return;
    this.#aborts = { stopping: new AbortController(), abort: new AbortController() };
    this.#options.queue.setListener(() => {
      this.#pump();
    });
    this.#pump();
  }

  /**
   * Takes no more keys, tells the running ones to begin nothing, and waits for them. After `graceMs` they are broken off, and
   * a second later they are left to themselves. `reason` for losing the right to act: aborts at once.
   *
   * @returns true when nothing runs any more
   */
  async stop(graceMs: number, reason: 'shutdown' | 'leadershipLost' = 'shutdown'): Promise<boolean> {
    const aborts = this.#aborts;
    this.#aborts = undefined;
    this.#options.queue.setListener(undefined);
    if (aborts === undefined || this.#active.size === 0) return this.#active.size === 0;
    const why = new Error(reason === 'leadershipLost' ? 'no longer the leader' : 'shutting down');
    aborts.stopping.abort(why);
    if (reason === 'shutdown' && (await this.#isIdleWithin(graceMs))) return true;
    aborts.abort.abort(why);
    if (await this.#isIdleWithin(unwindMs)) return true;
    this.#options.log.warn({ running: this.#active.size }, 'reconciles do not end: they are left to themselves');
    return false;
  }

  async #isIdleWithin(limitMs: number): Promise<boolean> {
    return (await within(this.#options.clock, limitMs, Promise.all(this.#active))) !== undefined;
  }

  #pump(): void {
    // A key that becomes ready while keys are being taken is found by the loop that takes them.
    if (this.#pumping || this.#isBreathing) return;
    this.#pumping = true;
    try {
      while (this.#aborts !== undefined && this.#active.size < this.#concurrency) {
        if (this.#inOneBreath >= mostInOneBreath) return;
        const key = this.#options.queue.take();
        if (key === undefined) return;
        this.#inOneBreath += 1;
        this.#launch(key, this.#aborts);
      }
    } finally {
      this.#pumping = false;
      if (this.#inOneBreath >= mostInOneBreath) this.#breathe();
    }
  }

  /** Lets everything else have its turn first: requests leave, answers are read, the lease is renewed. */
  #breathe(): void {
    this.#isBreathing = true;
    this.#options.clock.after(0, () => {
      this.#isBreathing = false;
      this.#inOneBreath = 0;
      this.#pump();
    });
  }

  #launch(key: string, aborts: Aborts): void {
    const run = this.#run(key, aborts).finally(() => {
      this.#active.delete(run);
      this.#options.hooks?.activeWorkers(this.#active.size);
      this.#options.queue.done(key);
      this.#pump();
    });
    this.#active.add(run);
    this.#options.hooks?.activeWorkers(this.#active.size);
  }

  /** Never rejects. */
  async #run(key: string, { stopping, abort: { signal } }: Aborts): Promise<void> {
    const { reconciler, clock, hooks, log } = this.#options;
    const reconcileId = newReconcileId(this.#options.random);
    const startedAt = clock.now();
    try {
      const outcome = await reconciler.reconcile(key, { reconcileId, stopping: stopping.signal, signal });
      const result = this.#apply(key, outcome);
      hooks?.reconciled(result, clock.now() - startedAt);
      log.debug({ key, reconcileId, result, durationMs: clock.now() - startedAt }, 'reconciled');
    } catch (error) {
      this.#applyError(key, error, { reconcileId, signal, startedAt });
    }
  }

  #apply(key: string, outcome: Outcome): ReconcileResult {
    const { queue } = this.#options;
    if (outcome.kind === 'requeue') return this.#applyRequeue(key);
    this.#requeues.delete(key);
    queue.forget(key);
    switch (outcome.kind) {
      case 'done':
        return 'success';
      case 'requeueAfter':
        queue.addAfter(key, outcome.delayMs);
        return 'requeue_after';
      default:
        return assertNever(outcome);
    }
  }

  #applyRequeue(key: string): ReconcileResult {
    const requeues = (this.#requeues.get(key) ?? 0) + 1;
    this.#requeues.set(key, requeues);
    if (requeues > mostRequeuesInARow) this.#options.queue.addFailed(key);
    else this.#options.queue.add(key);
    return 'requeue';
  }

  #applyError(
    key: string,
    error: unknown,
    run: { readonly reconcileId: string; readonly signal: AbortSignal; readonly startedAt: number },
  ): void {
    const { clock, hooks, log, queue } = this.#options;
    const { reconcileId } = run;
    // What an abort broke off is no failure of the resource; whoever runs next starts from what is written down.
    if (run.signal.aborted) {
      queue.add(key);
      log.debug({ key, reconcileId }, 'reconcile broken off');
      return;
    }
    // A reconciler that lets a write conflict through means the same as `requeue`.
    if (isKubeError(error, 'conflict')) {
      hooks?.reconciled(this.#applyRequeue(key), clock.now() - run.startedAt);
      log.debug({ key, reconcileId }, 'write conflict');
      return;
    }
    // A process that woke up late learns it here, before it is told. Not at once again: the telling has to get its turn.
    if (error instanceof NotLeadingError) {
      queue.addFailed(key);
      log.debug({ key, reconcileId }, 'no longer leading');
      return;
    }
    const retryAfterMs = queue.addFailed(key);
    hooks?.reconciled('error', clock.now() - run.startedAt);
    log.error({ key, reconcileId, error: messageOf(error), stack: stackOf(error), retryAfterMs }, 'reconcile failed');
  }
}

function stackOf(error: unknown): string | undefined {
  // An error of the API server is complete in its message; where it was thrown from says nothing more.
  return error instanceof Error && !isKubeError(error) ? error.stack : undefined;
}

/** Twelve hexadecimal digits: unique enough to find the lines of one reconcile. */
function newReconcileId(random: Random): string {
  return Math.floor(random() * 2 ** 48)
    .toString(16)
    .padStart(12, '0');
}
