import type { CancelTimer, Clock } from '../lib/clock.ts';
import type { Gate, Lane, Ticket } from './gate-contract.ts';
import { closedError, lostTicket } from './gate-errors.ts';
import { LaneQueue, type Waiter } from './lane-queue.ts';
import { TokenBucket, type Rate } from './token-bucket.ts';

export interface GateHooks {
  /** A call has started; `waitedMs` is the time from asking to the turn. */
  started?(lane: Lane, waitedMs: number): void;
  /** The number of waiters of a lane has changed. */
  queueLength?(lane: Lane, length: number): void;
  /** A turn was granted to a key that did not come for it. */
  turnExpired?(lane: Lane, key: string): void;
}

export interface GateOptions extends Rate {
  readonly clock: Clock;
  /** Calls running at the same time. Default 64. */
  readonly maxInFlight?: number;
  /** How long a granted turn waits for its key to claim it. Default 5 s. */
  readonly turnMs?: number;
  /**
   * How long a ticket keeps its place without being used. Default 10 s: time to write an intent down, and no more, since
   * with a burst of 1 calls that stop money wait as long.
   */
  readonly ticketMs?: number;
  /** The turn of this key has come: reconcile it, so that it claims again. Called outside of the gate's own work. */
  readonly onTurn: (key: string) => void;
  /** Asked right before each call leaves. False: its ticket is lost, as the right to call has gone to somebody else. */
  readonly mayCall?: () => boolean;
  readonly hooks?: GateHooks;
}

export interface RunningGate extends Gate {
  /** Takes effect at once, for waiters too. */
  setRate(rate: Rate): void;
  readonly inFlight: number;
  /** Rejects everyone who waits in `acquire` (`unavailable`, `notDone`) and stops all timers. Calls that run go on. */
  close(): void;
}

interface Waiting extends Waiter {
  readonly key: string | undefined;
  /** For `acquire`. Keys are told through `onTurn` instead. */
  readonly resolve: ((ticket: Ticket) => void) | undefined;
  readonly reject: ((error: Error) => void) | undefined;
}

/** A token that was taken for someone and not used yet: a turn until it is claimed, then a ticket. */
interface Grant {
  readonly waiting: Waiting;
  cancelExpiry: CancelTimer;
  /** False once the token was used or has gone on to somebody else. */
  live: boolean;
}

/** Pollers and look-ups share a group of their own; no namespace has an empty name. */
const internalGroup = '';

export function createGate(options: GateOptions): RunningGate {
  return new TokenGate(options);
}

class TokenGate implements RunningGate {
  readonly #options: GateOptions;
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;
  readonly #queue = new LaneQueue<Waiting>();
  readonly #waitingByKey = new Map<string, Waiting>();
  readonly #turnByKey = new Map<string, Grant>();
  readonly #tickets = new Set<Grant>();
  readonly #acquiring = new Set<Waiting>();
  #inFlight = 0;
  #pausedUntil = -Infinity;
  #cancelWake: CancelTimer = () => undefined;
  #closed = false;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#bucket = new TokenBucket(options, options.clock.now());
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  claim(lane: Lane, key: string, fairnessGroup: string): Ticket | undefined {
    const turn = this.#takeTurn(key);
    if (turn !== undefined) return this.#ticketOf(turn);
    this.#enqueueKey(lane, key, fairnessGroup);
    const told = this.#pump();
    // Its own turn came at once: there is no need to tell it.
    const own = this.#takeTurn(key);
    this.#tell(told.filter((other) => other !== key));
    return own === undefined ? undefined : this.#ticketOf(own);
  }

  withdraw(key: string): void {
    const waiting = this.#waitingByKey.get(key);
    if (waiting !== undefined) this.#leave(waiting);
    const turn = this.#takeTurn(key);
    if (turn !== undefined) this.#giveBack(turn);
    this.#tell(this.#pump());
  }

  async acquire(lane: Lane, signal?: AbortSignal): Promise<Ticket> {
    signal?.throwIfAborted();
    if (this.#closed) throw closedError();
    let waiting: Waiting | undefined;
    const onAbort = (): void => {
      if (waiting === undefined) return;
      this.#leave(waiting);
      waiting.reject?.(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await new Promise<Ticket>((resolve, reject) => {
        const since = this.#clock.now();
        waiting = { lane, fairnessGroup: internalGroup, since, key: undefined, resolve, reject };
        this.#acquiring.add(waiting);
        this.#enter(waiting);
        this.#tell(this.#pump());
      });
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  pauseUntil(time: number): void {
    if (time <= this.#pausedUntil) return;
    this.#pausedUntil = time;
    // Nobody may start on a turn or ticket from before the pause. Keys go back into their queue.
    for (const turn of [...this.#turnByKey.values()]) {
      this.#turnByKey.delete(turn.waiting.key ?? '');
      this.#giveBack(turn);
      this.#enter(turn.waiting);
    }
    for (const ticket of [...this.#tickets]) this.#giveBack(ticket);
    this.#tell(this.#pump());
  }

  setRate(rate: Rate): void {
    this.#bucket.setRate(rate, this.#clock.now());
    this.#tell(this.#pump());
  }

  close(): void {
    this.#closed = true;
    this.#cancelWake();
    for (const grant of [...this.#turnByKey.values(), ...this.#tickets]) grant.cancelExpiry();
    for (const waiting of [...this.#acquiring]) {
      this.#leave(waiting);
      waiting.reject?.(closedError());
    }
  }

  #enqueueKey(lane: Lane, key: string, fairnessGroup: string): void {
    const before = this.#waitingByKey.get(key);
    if (before?.lane === lane && before.fairnessGroup === fairnessGroup) return;
    if (before !== undefined) this.#leave(before);
    const since = before?.since ?? this.#clock.now();
    this.#enter({ lane, fairnessGroup, since, key, resolve: undefined, reject: undefined });
  }

  #enter(waiting: Waiting): void {
    this.#queue.add(waiting);
    if (waiting.key !== undefined) this.#waitingByKey.set(waiting.key, waiting);
    this.#options.hooks?.queueLength?.(waiting.lane, this.#queue.sizeOf(waiting.lane));
  }

  #leave(waiting: Waiting): void {
    this.#queue.remove(waiting);
    if (waiting.key !== undefined) this.#waitingByKey.delete(waiting.key);
    this.#acquiring.delete(waiting);
    this.#options.hooks?.queueLength?.(waiting.lane, this.#queue.sizeOf(waiting.lane));
  }

  /** Grants as many turns as tokens, pause and the limit of calls in flight allow. Returns the keys to be told. */
  #pump(): string[] {
    this.#cancelWake();
    this.#cancelWake = () => undefined;
    const told: string[] = [];
    while (!this.#closed && this.#queue.size > 0 && this.#mayGrant()) {
      const waiting = this.#queue.shift();
      if (waiting === undefined) break;
      this.#leave(waiting);
      this.#grant(waiting);
      if (waiting.key !== undefined) told.push(waiting.key);
    }
    return told;
  }

  /** Takes a token, or sets the timer for the moment when it is worth asking again. */
  #mayGrant(): boolean {
    // A call that ends, and a grant that ends unused, pump again: no timer is needed for that.
    const busy = this.#inFlight + this.#turnByKey.size + this.#tickets.size;
    if (busy >= (this.#options.maxInFlight ?? 64)) return false;
    const now = this.#clock.now();
    if (now < this.#pausedUntil) {
      this.#wakeIn(this.#pausedUntil - now);
      return false;
    }
    if (this.#bucket.take(now)) return true;
    const delay = this.#bucket.untilNext(now);
    if (delay !== undefined) this.#wakeIn(delay);
    return false;
  }

  #wakeIn(delayMs: number): void {
    this.#cancelWake = this.#clock.after(delayMs, () => {
      this.#tell(this.#pump());
    });
  }

  #grant(waiting: Waiting): void {
    const grant: Grant = { waiting, cancelExpiry: () => undefined, live: true };
    if (waiting.key === undefined) {
      waiting.resolve?.(this.#ticketOf(grant));
      return;
    }
    this.#turnByKey.set(waiting.key, grant);
    grant.cancelExpiry = this.#clock.after(this.#options.turnMs ?? 5_000, () => {
      this.#takeTurn(waiting.key ?? '');
      this.#giveBack(grant);
      this.#options.hooks?.turnExpired?.(waiting.lane, waiting.key ?? '');
      this.#tell(this.#pump());
    });
  }

  #takeTurn(key: string): Grant | undefined {
    const turn = this.#turnByKey.get(key);
    if (turn === undefined) return undefined;
    this.#turnByKey.delete(key);
    turn.cancelExpiry();
    return turn;
  }

  #ticketOf(grant: Grant): Ticket {
    this.#tickets.add(grant);
    const lose = (): void => {
      this.#giveBack(grant);
      this.#tell(this.#pump());
    };
    grant.cancelExpiry = this.#clock.after(this.#options.ticketMs ?? 10_000, lose);
    let used = false;
    return {
      run: async (call) => {
        if (used) throw new Error('a ticket is good for one call');
        used = true;
        // The operator has stopped while its holder was busy with something else.
        if (this.#closed) throw closedError();
        if (this.#options.mayCall?.() === false) lose();
        return this.#run(grant, call);
      },
      release: () => {
        used = true;
        if (grant.live) lose();
      },
    };
  }

  /**
   * A ticket that was lost meanwhile (it grew old, or a pause came) is refused rather than made to wait for another: its
   * caller has written down when its call was to leave, and a successor counts on that time.
   */
  async #run<T>(grant: Grant, call: () => Promise<T>): Promise<T> {
    if (!grant.live) throw lostTicket();
    const now = this.#clock.now();
    this.#end(grant);
    this.#bucket.spend(now);
    this.#inFlight += 1;
    this.#options.hooks?.started?.(grant.waiting.lane, Math.max(0, now - grant.waiting.since));
    // Using a held token makes room for the next one to grow.
    this.#tell(this.#pump());
    try {
      return await call();
    } finally {
      this.#inFlight -= 1;
      this.#tell(this.#pump());
    }
  }

  #giveBack(grant: Grant): void {
    if (!grant.live) return;
    this.#end(grant);
    this.#bucket.giveBack(this.#clock.now());
  }

  #end(grant: Grant): void {
    grant.live = false;
    grant.cancelExpiry();
    this.#tickets.delete(grant);
  }

  /** Last of all, when the gate's own state is in order: whoever is told may come back into the gate at once. */
  #tell(keys: readonly string[]): void {
    for (const key of keys) this.#options.onTurn(key);
  }
}
