import { backoffMs, type BackoffPolicy, type Random } from '../lib/backoff.ts';
import { sleep, type Clock } from '../lib/clock.ts';
import { assertNever, messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { isKubeError, type KubeApi, type KubeObject, type ListSelector, type ResourceType } from './contract.ts';
import type { Store } from './store.ts';

/**
 * - `empty`: nothing is known, or what was known is too old to go on from: the collection has to be listed.
 * - `listed`: the store is complete up to a resourceVersion; a watch has to be opened from there.
 */
export type ListWatchState = 'empty' | 'listing' | 'listed' | 'watching' | 'stopped';

export interface ListWatchOptions<T extends KubeObject> {
  readonly api: KubeApi;
  readonly type: ResourceType;
  readonly selector?: ListSelector;
  readonly store: Store<T>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Delays after errors; by default 0.5 s doubling up to 30 s. */
  readonly backoff?: BackoffPolicy;
  /** A watch that says nothing for this long, not even a bookmark, is taken for dead; default 2 min. */
  readonly idleMs?: number;
}

const defaultBackoff: BackoffPolicy = { baseMs: 500, maxMs: 30_000 };
/** Bookmarks come about once a minute; two in a row missing mean that the connection is dead, whatever TCP believes. */
const defaultIdleMs = 120_000;
/** Failures in a row to watch from one version after which the version itself is suspected and the kind listed anew. */
const mostWatchFailures = 5;
/** A watch that the server ends sooner, without a word, counts as a failure: reopening it at once would be a hot loop. */
const shortestWatchMs = 1000;

class IdleTimeout extends Error {}

/**
 * Keeps a store in step with one kind at the API server, for ever: an explicit state machine, advanced by one step at
 * a time. No error ends it; each leads to another list or watch after a back-off. A resync is not done: nothing can be
 * missed by a watch that resumes from the version at which the one before it ended.
 */
export class ListWatch<T extends KubeObject> {
  readonly #options: ListWatchOptions<T>;
  readonly #backoff: BackoffPolicy;
  readonly #idleMs: number;
  readonly #abort = new AbortController();
  readonly #synced = Promise.withResolvers<undefined>();
  #state: ListWatchState = 'empty';
  #failures = 0;
  #hasSynced = false;
  #lastError: string | undefined;
  #loop: Promise<void> | undefined;

  constructor(options: ListWatchOptions<T>) {
    this.#options = options;
    this.#backoff = options.backoff ?? defaultBackoff;
    this.#idleMs = options.idleMs ?? defaultIdleMs;
  }

  get state(): ListWatchState {
    return this.#state;
  }

  /** Resolves once the store is complete for the first time; never rejects. */
  get synced(): Promise<undefined> {
    return this.#synced.promise;
  }

  get isSynced(): boolean {
    return this.#hasSynced;
  }

  /** Why the last attempt failed; undefined while all is well. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Ends the watch. Resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#abort.abort(new Error('stopped'));
    await this.#loop;
    this.#state = 'stopped';
  }

  async #run(): Promise<void> {
    while (!this.#isStopped()) {
      try {
        await this.#step();
      } catch (error) {
        if (this.#isStopped()) return;
        await this.#failed(error);
      }
    }
  }

  #isStopped(): boolean {
    return this.#abort.signal.aborted;
  }

  async #step(): Promise<void> {
    switch (this.#state) {
      case 'empty':
      case 'listing':
        await this.#list();
        return;
      case 'listed':
      case 'watching':
        await this.#watch();
        return;
      case 'stopped':
        return;
      default:
        assertNever(this.#state);
    }
  }

  async #list(): Promise<void> {
    const { api, store, type, selector } = this.#options;
    this.#state = 'listing';
    const list = await api.list<T>(type, selector, this.#abort.signal);
    if (this.#isStopped()) return;
    store.replaceAll(list.items, list.resourceVersion);
    this.#state = 'listed';
    this.#heard();
    if (!this.#hasSynced) {
      this.#hasSynced = true;
      this.#synced.resolve(undefined);
      this.#options.log.info({ kind: type.kind, count: list.items.length }, 'store is complete');
    }
  }

  async #watch(): Promise<void> {
    const { api, clock, store, type, selector } = this.#options;
    const idle = new IdleGuard(clock, this.#idleMs, this.#abort.signal);
    const startedAt = clock.now();
    let events = 0;
    this.#state = 'watching';
    try {
      const options = { resourceVersion: store.resourceVersion, signal: idle.signal, ...(selector && { selector }) };
      for await (const event of api.watch<T>(type, options)) {
        idle.rearm();
        events += 1;
        this.#heard();
        if (event.type === 'BOOKMARK') store.progress(event.resourceVersion);
        else store.applyEvent(event.type, event.object);
      }
    } catch (error) {
      // However the API reports an abort: that it was ours is known here.
      if (!idle.expired) throw error;
    } finally {
      idle.end();
    }
    if (idle.expired) throw new IdleTimeout(`no word from the watch for ${String(this.#idleMs)} ms`);
    this.#state = 'listed';
    if (events === 0 && clock.now() - startedAt < shortestWatchMs) throw new Error('the watch ended at once');
  }

  /** Decides where to go on from after an error, and waits as long as it takes not to be a nuisance. */
  async #failed(error: unknown): Promise<void> {
    const { clock, log, random, type } = this.#options;
    this.#failures += 1;
    this.#lastError = messageOf(error);
    const expired = isKubeError(error, 'expired');
    const suspect = this.#failures >= mostWatchFailures;
    const relist = this.#state === 'listing' || expired || suspect || isKubeError(error, 'invalid', 'notFound');
    this.#state = relist ? 'empty' : 'listed';
    // Expected now and then: a list repairs the first, a new connection the second.
    const quiet = this.#failures === 1 && (expired || error instanceof IdleTimeout);
    const delayMs = quiet
      ? Math.round(random() * this.#backoff.baseMs)
      : backoffMs(this.#backoff, this.#failures, random);
    const fields = {
      kind: type.kind,
      error: messageOf(error),
      failures: this.#failures,
      relist,
      retryAfterMs: delayMs,
    };
    if (quiet) log.debug(fields, 'list and watch interrupted');
    else log.warn(fields, 'list and watch interrupted');
    // A stop during the wait ends it; the loop sees the signal.
    await sleep(clock, delayMs, this.#abort.signal).catch(() => undefined);
  }

  #heard(): void {
    this.#failures = 0;
    this.#lastError = undefined;
  }
}

/** Aborts its signal when it was not re-armed for too long, or when the parent signal is aborted. */
class IdleGuard {
  readonly #clock: Clock;
  readonly #idleMs: number;
  readonly #parent: AbortSignal;
  readonly #abort = new AbortController();
  readonly #onParentAbort = (): void => {
    this.#abort.abort(this.#parent.reason);
  };
  #cancel: () => void = () => undefined;
  expired = false;

  constructor(clock: Clock, idleMs: number, parent: AbortSignal) {
    this.#clock = clock;
    this.#idleMs = idleMs;
    this.#parent = parent;
    if (parent.aborted) this.#onParentAbort();
    else parent.addEventListener('abort', this.#onParentAbort, { once: true });
    this.rearm();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  rearm(): void {
    this.#cancel();
    this.#cancel = this.#clock.after(this.#idleMs, () => {
      this.expired = true;
      this.#abort.abort(new IdleTimeout('idle'));
    });
  }

  end(): void {
    this.#cancel();
    this.#parent.removeEventListener('abort', this.#onParentAbort);
  }
}
