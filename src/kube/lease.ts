import type { Random } from '../lib/backoff.ts';
import { sleep, toMicroTime, within, type CancelTimer, type Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { isKubeError, type KubeApi, type KubeObject, type ObjectRef, type ResourceType } from './contract.ts';
import { NotLeadingError, type Leadership } from './leader.ts';
import { limited } from './limited.ts';

export const leaseType: ResourceType = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};

interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

export interface LeaseOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly lease: ObjectRef;
  /** Unique to this process: pod name and something random. A restarted process is somebody else. */
  readonly identity: string;
  readonly timing?: LeaseTiming;
}

export interface LeaseTiming {
  /** How long the others wait after the last renewal they saw before one of them takes over. */
  readonly durationMs: number;
  /** The leader gives up when it could not renew for this long. Less than the duration: there must be a gap. */
  readonly renewDeadlineMs: number;
  /** Between two renewals. Those that wait look at the lease more often: after 0.4 to 0.8 of it. */
  readonly retryMs: number;
}

/** client-go's defaults. */
export const defaultLeaseTiming: LeaseTiming = { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2000 };

/** How long a request may take, so that there is time for another one. */
export function requestLimitMs({ renewDeadlineMs }: Pick<LeaseTiming, 'renewDeadlineMs'>): number {
  return renewDeadlineMs / 2;
}

/**
 * How long those that wait let the lease be between two looks, as shares of `retryMs`; at random between the two, so that they
 * do not all come at the same moment. client-go's waiters let 1 to 2.2 of it go by. A look is one small GET, and a lease that
 * is given back is to be taken within two seconds.
 */
const lookAfter = { least: 0.4, most: 0.8 };

/**
 * Leader election by a Lease, with the rules of client-go, so that it mixes with every other tool that reads Leases:
 *
 * - Nobody trusts another's clock. A lease has run out when this process has seen no change of it for its duration.
 * - The leader counts from before its last successful renewal was sent, and stands down by itself after the renew deadline:
 *   `durationMs - renewDeadlineMs` before anybody else can take over, whether it hears of that or not.
 * - Every write is locked to the version that was judged.
 * - A request is given up after half the renew deadline, as a connection may be dead without a word, and another one is made
 *   at once. What was given up may still be carried out: the next look sees it, and what is written by then is refused.
 *
 * What it does not promise: a call that left while we led may arrive after somebody else leads. Calls that cost money
 * are therefore journaled under optimistic lock as well.
 */
export class LeaseElector implements Leadership {
  readonly #options: LeaseOptions;
  readonly #timing: LeaseTiming;
  readonly #abort = new AbortController();
  /** Aborted when no answer is waited for any more, not even for that of giving the lease back. */
  readonly #over = new AbortController();
  readonly #gained: (() => void)[] = [];
  readonly #lost: (() => void)[] = [];
  /** Last state of the lease, and when it was first seen like that. */
  #seen: { readonly lease: Lease; readonly at: number } | undefined;
  /** True while `#seen` is the answer to our own last write: then it need not be read before the next. */
  #fresh = false;
  /** Whether the lease may carry our name: an attempt to write it may have succeeded without our hearing of it. */
  #claimed = false;
  #leading = false;
  #renewedAt = Number.NEGATIVE_INFINITY;
  #cancelDeadline: CancelTimer = () => undefined;
  #loop: Promise<void> | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#timing = options.timing ?? defaultLeaseTiming;
  }

  isLeader(): boolean {
    // Looked at by the clock too: after a pause of the whole process its timers come late.
    return this.#leading && this.#options.clock.now() < this.#renewedAt + this.#timing.renewDeadlineMs;
  }

  assertLeading(): void {
    if (!this.isLeader()) throw new NotLeadingError();
  }

  onGained(listener: () => void): void {
    this.#gained.push(listener);
    if (this.isLeader()) listener();
  }

  onLost(listener: () => void): void {
    this.#lost.push(listener);
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  async stop(limitMs: number): Promise<void> {
    const { clock, log } = this.#options;
    this.#abort.abort(new Error('stopped'));
    let error = `no answer from the API server within ${String(limitMs)} ms`;
    try {
      if ((await within(clock, limitMs, this.#giveBack())) !== undefined) return;
    } catch (failure) {
      error = messageOf(failure);
    }
    this.#over.abort(new Error('stopped'));
    this.#standDown('stopped');
    log.warn({ error }, 'could not give the lease back: others wait until it has run out');
  }

  /** Also what an attempt has taken that was under way when there was nobody any more to lead. */
  async #giveBack(): Promise<'done'> {
    await this.#loop;
    this.#standDown('stopped');
    if (!this.#claimed) return 'done';
    if (!this.#fresh && !(await this.#read())) return 'done';
    const isOurs = this.#seen?.lease.spec?.holderIdentity === this.#options.identity;
    if (isOurs) await this.#write({ holderIdentity: '', leaseDurationSeconds: 1 });
    return 'done';
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    let isContested = false;
    while (!this.#abort.signal.aborted) {
      const wasContested = isContested;
      const end = await this.#attempt();
      isContested = end === 'contested';
      // The pause is over: it has been waited for an answer.
      if (end === 'slow') continue;
      // Somebody else has written the lease of a leader, who may be none any more: it is read at once, but not for ever.
      if (isContested && !wasContested && this.#leading) continue;
      const waitMs = this.#leading ? this.#timing.retryMs : this.#msToNextLook();
      await sleep(clock, waitMs, this.#abort.signal).catch(() => undefined);
    }
  }

  /** Sooner where the lease will have run out by then: a leader that was killed has cost its whole duration already. */
  #msToNextLook(): number {
    const { clock, random } = this.#options;
    const { least, most } = lookAfter;
    const lookMs = this.#timing.retryMs * (least + (most - least) * random());
    const expiresAt = this.#expiresAt();
    if (expiresAt === undefined || expiresAt <= clock.now()) return lookMs;
    // Right after: at that moment itself it has not run out yet. Several that come together are told apart by the version.
    return Math.min(lookMs, expiresAt - clock.now() + 1);
  }

  /** Acquires or renews. Never rejects. */
  async #attempt(): Promise<'contested' | 'slow' | 'done'> {
    const { clock, log } = this.#options;
    const startedAt = clock.now();
    try {
      if (await this.#acquireOrRenew()) this.#succeeded(startedAt);
      else this.#standDown('somebody else holds the lease');
    } catch (error) {
      this.#fresh = false;
      // Somebody was quicker; the next look says who.
      if (isKubeError(error, 'conflict', 'alreadyExists')) return 'contested';
      log.warn({ error: messageOf(error) }, 'could not acquire or renew the lease');
      // Whoever gave it up: the connection may have a limit of its own.
      if (clock.now() - startedAt >= requestLimitMs(this.#timing) / 2) return 'slow';
    }
    return 'done';
  }

  async #acquireOrRenew(): Promise<boolean> {
    if (!this.#fresh && !(await this.#read())) {
      this.#claimed = true;
      await this.#create();
      return true;
    }
    this.#claimed = this.#mayTake();
    if (!this.#claimed) return false;
    const { clock, identity } = this.#options;
    const now = toMicroTime(clock.now());
    const spec = this.#seen?.lease.spec;
    const mine = spec?.holderIdentity === identity;
    await this.#write({
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(this.#timing.durationMs / 1000),
      renewTime: now,
      ...(!mine && { acquireTime: now, leaseTransitions: (spec?.leaseTransitions ?? 0) + 1 }),
    });
    return true;
  }

  /** Reads the lease. False when there is none. */
  async #read(): Promise<boolean> {
    const { api, clock, lease: ref } = this.#options;
    const lease = await this.#answerOf(api.get<Lease>(leaseType, ref));
    if (lease === undefined) return false;
    if (lease.metadata.resourceVersion !== this.#seen?.lease.metadata.resourceVersion) {
      this.#seen = { lease, at: clock.now() };
    }
    return true;
  }

  #mayTake(): boolean {
    if (this.#seen === undefined) return false;
    const { lease } = this.#seen;
    const holder = lease.spec?.holderIdentity ?? '';
    if (holder === '' || holder === this.#options.identity) return true;
    return this.#options.clock.now() > (this.#expiresAt() ?? Number.POSITIVE_INFINITY);
  }

  /** When the lease, unless it changes, has run out for this process; undefined while nothing is known of it. */
  #expiresAt(): number | undefined {
    if (this.#seen === undefined) return undefined;
    const { lease, at } = this.#seen;
    return at + (lease.spec?.leaseDurationSeconds ?? this.#timing.durationMs / 1000) * 1000;
  }

  async #create(): Promise<void> {
    const { api, clock, identity, lease: ref } = this.#options;
    const now = toMicroTime(clock.now());
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { ...ref },
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds: Math.ceil(this.#timing.durationMs / 1000),
        acquireTime: now,
        renewTime: now,
        leaseTransitions: 0,
      },
    };
    this.#wrote(await this.#answerOf(api.create<Lease>(leaseType, lease)));
  }

  async #write(spec: NonNullable<Lease['spec']>): Promise<void> {
    const { api, lease: ref } = this.#options;
    const resourceVersion = this.#seen?.lease.metadata.resourceVersion;
    const patch = { metadata: { resourceVersion }, spec };
    this.#wrote(await this.#answerOf(api.mergePatch<Lease>(leaseType, ref, patch)));
  }

  #answerOf<T>(request: Promise<T>): Promise<T> {
    const limits = { clock: this.#options.clock, limitMs: requestLimitMs(this.#timing), over: this.#over.signal };
    return limited(limits, request);
  }

  #wrote(lease: Lease): void {
    this.#seen = { lease, at: this.#options.clock.now() };
    this.#fresh = true;
  }

  #succeeded(startedAt: number): void {
    const { clock, identity, log } = this.#options;
    const deadline = startedAt + this.#timing.renewDeadlineMs;
    // The answer took so long that the renewal is worth nothing any more. The next attempt renews again.
    if (clock.now() >= deadline || this.#abort.signal.aborted) return;
    this.#renewedAt = startedAt;
    this.#cancelDeadline();
    this.#cancelDeadline = clock.after(deadline - clock.now(), () => {
      this.#standDown('the lease could not be renewed in time');
    });
    if (this.#leading) return;
    this.#leading = true;
    log.info({ identity }, 'leading');
    for (const listener of this.#gained) listener();
  }

  #standDown(why: string): void {
    this.#cancelDeadline();
    if (!this.#leading) return;
    this.#leading = false;
    this.#options.log.warn({ identity: this.#options.identity, why }, 'no longer leading');
    for (const listener of this.#lost) listener();
  }
}
