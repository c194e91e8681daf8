import type { Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Provider, VmListing } from '../provider/contract.ts';
import { isProviderError } from '../provider/error.ts';
import type { Gate } from '../provider/gate-contract.ts';
import { readThrough } from '../provider/read-through.ts';
import { createBidBook, type BidLimits, type RunningBidBook } from './bids.ts';
import type { BidBook, Fleet, InstantBook, OfferBook, PollFailure, Snapshot } from './contract.ts';
import { isEmptyDiff, type FleetDiff } from './diff.ts';
import { Evidence, type Billing, type EvidenceLimits } from './evidence.ts';
import { createInstantBook, type RunningInstantBook } from './instants.ts';
import { createOfferBook, type OfferBookHooks, type OfferLimits, type RunningOfferBook } from './offers.ts';
import { Poller, type Intervals, type PollFacts } from './poller.ts';
import { nextSnapshot } from './snapshot.ts';

export interface FleetHooks extends OfferBookHooks {
  polled?(facts: { readonly durationMs: number; readonly vms: number; readonly unreadable: number }): void;
  pollFailed?(failure: PollFailure): void;
  distrusted?(reason: string): void;
}

export interface FleetOptions {
  readonly provider: Pick<Provider, 'listVms' | 'getBalance' | 'listHosts' | 'listInstantVms'>;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly random: Random;
  readonly intervals: Intervals;
  readonly maxBackoffMs?: number;
  /** As whom the provider would be asked at this moment. One and the same where nothing is given. */
  readonly askedAs?: () => string;
  readonly evidence?: EvidenceLimits;
  /** Ids of the VMs that resources of this account have recorded: no listing may lack one without a reason. */
  readonly recorded?: () => Iterable<string>;
  readonly offers?: OfferLimits;
  readonly bids?: BidLimits;
  /** These keys have what they waited for: a snapshot, an inventory or an answer (or the news that there is none). */
  readonly wake: (keys: readonly string[]) => void;
  /** Something is different from the snapshot before, which may be distrusted. Called before waiting keys are woken. */
  readonly onChange: (diff: FleetDiff, snapshot: Snapshot) => void;
  readonly hooks?: FleetHooks;
  readonly log: Logger;
}

export interface RunningFleet extends Fleet {
  start(): void;
  /** No more polls; a running one is given up, and its answer ignored. */
  stop(): void;
}

type Belief = Pick<Snapshot, 'distrusted' | 'isUnchecked' | 'isProvisional'>;

/** More keys than that nobody goes back and forth between. */
const mostKeys = 4;

/** One account's live picture. Nothing happens before `start`. */
export function createFleet(options: FleetOptions): RunningFleet {
  return new PolledFleet(options);
}

class PolledFleet implements RunningFleet {
  readonly #options: FleetOptions;
  readonly #poller: Poller;
  /** For each key: if it is another organization's, what its listings lack is no evidence about the VMs of this one. */
  readonly #evidences = new Map<string, Evidence>();
  #evidence: Evidence;
  readonly #offers: RunningOfferBook;
  readonly #instants: RunningInstantBook;
  readonly #bids: RunningBidBook;
  #snapshot: Snapshot | undefined;
  /** What was recorded when the last request for a listing left: of what was recorded later it may know nothing. */
  #recorded: ReadonlySet<string> = new Set();
  /** VMs whose delete calls have left, and have no answer yet. */
  readonly #beingDeleted = new Set<string>();
  /** The last listing was empty, and the bill agreed. */
  #isEmptinessExplained = false;
  readonly #abort = new AbortController();

  constructor(options: FleetOptions) {
    const { provider, gate, clock, random, intervals, wake } = options;
    this.#options = options;
    this.#evidence = new Evidence(options.evidence);
    this.#offers = createOfferBook({
      ...{ provider, gate, clock, random, wake },
      ...(options.offers === undefined ? {} : { limits: options.offers }),
      ...(options.hooks === undefined ? {} : { hooks: options.hooks }),
    });
    this.#instants = createInstantBook({
      ...{ provider, gate, clock, random, wake },
      ...(options.offers === undefined ? {} : { limits: options.offers }),
    });
    this.#bids = createBidBook({
      ...{ clock, wake },
      ...(options.bids === undefined ? {} : { limits: options.bids }),
    });
    this.#poller = new Poller({
      ...{ gate, clock, random, intervals, wake },
      ...(options.maxBackoffMs === undefined ? {} : { maxBackoffMs: options.maxBackoffMs }),
      list: (signal) => {
        this.#recorded = new Set(options.recorded?.());
        return provider.listVms({ signal });
      },
      askedAs: options.askedAs ?? (() => ''),
      publish: (listing, facts) => this.#publish(listing, facts),
      failed: (failure) => {
        this.#pollFailed(failure);
      },
    });
  }

  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  get pollFailure(): PollFailure | undefined {
    return this.#poller.failure;
  }

  get offers(): OfferBook {
    return this.#offers;
  }

  get instants(): InstantBook {
    return this.#instants;
  }

  get bids(): BidBook {
    return this.#bids;
  }

  start(): void {
    this.#poller.start();
  }

  stop(): void {
    this.#abort.abort(new Error('the fleet was stopped'));
    this.#poller.stop();
    this.#offers.stop();
    this.#instants.stop();
    this.#bids.stop();
  }

  awaitSnapshot(key: string, requestedAfter: number): void {
    this.#poller.awaitSnapshot(key, requestedAfter);
  }

  forget(key: string): void {
    this.#poller.forget(key);
    this.#offers.forget(key);
    this.#instants.forget(key);
    this.#bids.forget(key);
  }

  refresh(): void {
    this.#isEmptinessExplained = false;
    this.#poller.refresh();
  }

  async whileDeleting(id: string, call: () => Promise<void>): Promise<void> {
    // A bill from before says nothing of this VM.
    this.#isEmptinessExplained = false;
    this.#evidence.noteDeletionRequested(id);
    this.#beingDeleted.add(id);
    try {
      await call();
      this.#endDeletion(id, true);
    } catch (error) {
      this.#endDeletion(id, isProviderError(error, 'notFound'));
      throw error;
    }
  }

  #endDeletion(id: string, isConfirmed: boolean): void {
    this.#isEmptinessExplained = false;
    this.#beingDeleted.delete(id);
    if (isConfirmed) this.#evidence.noteDeleted(id, this.#options.clock.now());
    else this.#distrustLast(id, this.#evidence.noteDeletionFailed(id));
  }

  noteConfirmedGone(id: string): void {
    this.#isEmptinessExplained = false;
    this.#evidence.noteConfirmedGone(id, this.#options.clock.now());
  }

  noteFoundAlive(id: string): void {
    this.#distrustLast(id, this.#evidence.noteFoundAlive(id));
  }

  /** While the bill is being read the last listing is not yet the snapshot, which may have the VM. */
  #distrustLast(id: string, distrusted: string | undefined): void {
    const last = this.#snapshot;
    if (distrusted === undefined || last === undefined || last.distrusted !== undefined) return;
    if (last.byId.has(id) || last.unreadable.has(id) || this.#abort.signal.aborted) return;
    this.#announce(distrusted);
    this.#snapshot = { ...last, distrusted, isProvisional: false };
  }

  async #publish(listing: VmListing, facts: PollFacts): Promise<() => void> {
    this.#turnTo(facts.askedAs);
    const { requestedAt } = facts;
    const request = { requestedAt, recorded: this.#recorded, beingDeleted: this.#beingDeleted };
    const contradicted = this.#evidence.judge(listing, request);
    if (contradicted !== undefined) this.#isEmptinessExplained = false;
    const inEmpty = contradicted === undefined ? await this.#beliefInEmpty() : { distrusted: contradicted };
    if (this.#abort.signal.aborted) return () => undefined;
    const belief = this.#beliefNow(inEmpty);
    if (belief.distrusted !== undefined) this.#announce(belief.distrusted);
    const { snapshot, diff } = nextSnapshot(this.#snapshot, listing, { ...facts, ...belief });
    this.#snapshot = snapshot;
    return () => {
      this.#options.hooks?.polled?.({
        durationMs: Math.max(0, facts.receivedAt - facts.requestedAt),
        vms: snapshot.byId.size,
        unreadable: snapshot.unreadable.size,
      });
      if (!isEmptyDiff(diff)) this.#options.onChange(diff, snapshot);
    };
  }

  /** A key that is new goes on from what is known: most are of the same organization. */
  #turnTo(askedAs: string): void {
    const known = this.#evidences.get(askedAs);
    if (known !== this.#evidence) this.#isEmptinessExplained = false;
    if (known === undefined) {
      if (this.#evidences.size > 0) this.#evidence = this.#evidence.copy();
      this.#evidences.set(askedAs, this.#evidence);
    } else this.#evidence = known;
    for (const key of this.#evidences.keys()) {
      if (this.#evidences.size > mostKeys && key !== askedAs) this.#evidences.delete(key);
    }
  }

  #announce(doubt: string): void {
    if (this.#snapshot?.distrusted === undefined) this.#options.log.warn({ reason: doubt }, 'listing distrusted');
    this.#options.hooks?.distrusted?.(doubt);
  }

  /** While the bill was read a VM may have been found by its id that the listing lacks, or a delete call may have failed. */
  #beliefNow(inEmpty: Belief): Belief {
    const distrusted = inEmpty.distrusted ?? this.#evidence.objection();
    if (distrusted !== undefined) return { distrusted };
    return this.#evidence.isDeletionOpen ? { ...inEmpty, isProvisional: true } : inEmpty;
  }

  /**
   * Once nothing is billed the bill is only read while somebody waits: an account without VMs costs no second request per
   * poll. Until then it is read each time, since anybody may act on a listing, also on one that nobody waited for.
   */
  async #beliefInEmpty(): Promise<Belief> {
    if (!this.#evidence.isEmpty) this.#isEmptinessExplained = false;
    if (this.#abort.signal.aborted || !this.#evidence.isEmpty) return { distrusted: undefined };
    if (this.#isEmptinessExplained && !this.#poller.isAwaited) return { distrusted: undefined, isUnchecked: true };
    // What happens to a VM while the bill is being read is no part of that bill: it raises the doubt anew.
    this.#isEmptinessExplained = true;
    const distrusted = this.#evidence.judgeEmpty(await this.#billing());
    if (this.#evidence.isEmptinessOpen) this.#isEmptinessExplained = false;
    return { distrusted };
  }

  async #billing(): Promise<Billing> {
    const { gate, clock, random, provider, log } = this.#options;
    const { signal } = this.#abort;
    try {
      return await readThrough({ gate, clock, random, lane: 'poll', signal }, () => provider.getBalance({ signal }));
    } catch (error) {
      log.debug({ error: messageOf(error) }, 'balance not read');
      return 'unreadable';
    }
  }

  #pollFailed(failure: PollFailure): void {
    this.#options.log.warn({ ...failure }, 'poll failed');
    this.#options.hooks?.pollFailed?.(failure);
  }
}
