import type { Money } from '../lib/money.ts';
import type { CloudVm, Host, VmSize } from '../provider/contract.ts';
import type { InstantVm } from '../provider/instant.ts';
import type { HostRevenue, MonthlySummary } from '../provider/reports.ts';

/** What one successful `listVms` said. Immutable; VM objects that did not change are shared between snapshots. */
export interface Snapshot {
  /** 1, 2, 3, … within this process. */
  readonly sequence: number;
  /**
   * When the request was about to leave (milliseconds since the epoch). What happened at the provider before this
   * moment is in the answer of an honest provider; nothing can be said about what happened after.
   */
  readonly requestedAt: number;
  readonly receivedAt: number;
  /** As whom the provider was asked: fingerprint of the key that the request carried. What it does not list is that one's. */
  readonly askedAs: string;
  readonly byId: ReadonlyMap<string, CloudVm>;
  readonly byName: ReadonlyMap<string, readonly CloudVm[]>;
  /** Entries that were listed but could not be read: neither present nor absent. */
  readonly unreadable: ReadonlySet<string>;
  /** Names of those of them whose name at least could be read. */
  readonly unreadableNames: ReadonlyMap<string, string>;
  /**
   * Set when the listing contradicts other evidence (it lacks a VM that was found by id or that a resource has recorded,
   * many VMs vanished at once, or it is empty while the organization is being billed): it proves that VMs are there,
   * never that they are not.
   */
  readonly distrusted: string | undefined;
  /** The listing is empty, and was not compared with the bill, as nobody waited for it: no proof that there is no VM. */
  readonly isUnchecked?: boolean;
  /** The listing lacks a VM whose delete call had no answer yet, and if that fails is distrusted: it proves no absence either. */
  readonly isProvisional?: boolean;
}

/** Why there is no snapshot, or no newer one. */
export interface PollFailure {
  readonly kind: string;
  readonly message: string;
  /** Since when no poll has succeeded (milliseconds since the epoch). */
  readonly since: number;
  readonly consecutive: number;
}

/** One account's live picture: the poller, its last snapshot, and the inventory of hosts. */
export interface Fleet {
  readonly snapshot: Snapshot | undefined;
  readonly pollFailure: PollFailure | undefined;

  /**
   * The key waits for a snapshot requested at or after `requestedAfter`; it is woken when there is one. While anyone
   * waits the poller uses its short interval. One wait per key: a later call replaces it. Already there: woken at once.
   */
  awaitSnapshot(key: string, requestedAfter: number): void;
  /** The key waits for nothing any more. */
  forget(key: string): void;
  /** What the polls so far have said no longer counts: the next one is as soon as may be, also after failures. */
  refresh(): void;

  /**
   * Makes a delete call, right now. That the VM vanishes while it is under way is no reason for distrust, but makes listings
   * provisional; once it fails it is one. Rejects as the call does, also when the provider says that there is nothing to delete.
   */
  whileDeleting(id: string, call: () => Promise<void>): Promise<void>;
  /** `getVm` rejected with `notFound`, or showed the VM terminated. */
  noteConfirmedGone(id: string): void;
  /** `getVm` showed the VM: if the last listing lacks it, neither that one nor any that follows proves an absence. */
  noteFoundAlive(id: string): void;

  readonly offers: OfferBook;
  readonly instants: InstantBook;
  readonly bids: BidBook;
}

/** One answer about the organization's money. */
export interface BalanceReading {
  /** What is left, in US dollars. */
  readonly amount: Money;
  /** What the provider says that all VMs cost per hour. */
  readonly hourlyCost: Money;
  /** What the VMs of the last list would have cost if all had run; undefined: there was no list. */
  readonly mostListed: Money | undefined;
  /** When the request was about to leave (milliseconds since the epoch). */
  readonly requestedAt: number;
  /** As whom the provider was asked, as in a Snapshot. */
  readonly askedAs: string;
}

/** What is known of the organization's money. It is read when somebody wants to know, and seldom. */
export interface BalanceBook {
  readonly last: BalanceReading | undefined;
  /** The answer before it, if it was given to the same key. */
  readonly before: BalanceReading | undefined;
  /** Why there is no newer one. */
  readonly failure: PollFailure | undefined;
  /**
   * An answer that is no older than this is wanted. Asked through the gate, as a look-up, unless there is one, or somebody asks
   * already; after a failure only once its pause is over.
   */
  request(maxAgeMs: number): void;
}

/** What `auth/test`, or what stands for it, says of the key and token that calls carry now. */
export interface CredentialsCheck {
  /** Undefined: it has not said anything yet. */
  readonly verdict: 'accepted' | 'refused' | undefined;
}

/** The inventory of hosts, shared by all pending launches, less what launches in flight have taken from it. */
export interface OfferBook {
  /** Hosts as last fetched, with stock reduced by reservations made since. Undefined until first fetched. */
  readonly hosts: readonly Host[] | undefined;
  readonly failure: { readonly kind: string; readonly message: string } | undefined;

  /** True when the inventory is young enough to choose from. */
  isFresh(): boolean;
  /** The key needs a fresh inventory: fetched once for all who ask, through the gate; the key is woken afterwards. */
  request(key: string): void;

  /**
   * Takes stock and ports off a host until the next fetch, so that parallel launches do not choose the same GPU. Where the inventory
   * is about to be too old the next one is fetched, for those who stand behind.
   */
  reserve(hostnode: string, taken: HostShare): void;
  /** Gives back what `reserve` took, after a launch that certainly did not happen. */
  release(hostnode: string, taken: HostShare): void;

  /** A launch or start on that host failed: it cools down, longer after each failure in a row. */
  reportFailure(hostnode: string, reason: string): void;
  reportSuccess(hostnode: string): void;
  /** Until when (milliseconds since the epoch) a host is to be left alone, if it is. */
  coolingDownUntil(hostnode: string): number | undefined;
}

/** Ready-made VMs, shared by all pending launches that would take one, less those that launches in flight have taken. */
export interface InstantBook {
  /** As last fetched, less those that were taken since. Undefined until first fetched. */
  readonly vms: readonly InstantVm[] | undefined;
  /** Of a moment ago: later it is tried again. */
  readonly failure: OfferBook['failure'];

  isFresh(): boolean;
  /** As of the inventory of hosts. */
  request(key: string): void;

  /** Nobody else here takes this one, until a list that was asked for some time later says what became of it. */
  take(id: string): void;
  /** It was certainly not taken. */
  giveBack(id: string): void;

  /** It could not be had: it is left alone for a while, longer after each failure in a row. */
  reportFailure(id: string, reason: string): void;
  /** Until when (milliseconds since the epoch) it is to be left alone, if it is. */
  coolingDownUntil(id: string): number | undefined;
}

export interface HostShare {
  readonly gpuModel: string;
  readonly gpuCount: number;
  readonly vcpus: number;
  readonly memoryGB: number;
  readonly storageGB: number;
  readonly externalPorts: readonly number[];
}

/**
 * What hosts have said about bids, for each host and size (the GPU model included), shared by all VMs of the account: of
 * those who want the same, one asks. Answers grow old, since the market moves.
 */
export interface BidBook {
  known(hostnode: string, size: VmSize): KnownBids;

  /**
   * Call right before a question leaves. False: somebody else is asking there, so wait for the answer. A question that is
   * begun must end with `note` or `failed`; one that does not is over after a while (default 60 s), as if it had failed.
   */
  begin(hostnode: string, size: VmSize): boolean;
  /**
   * The provider has answered, whoever asked: also a deployment or start with a bid is an answer. One that contradicts
   * an older one says that the market has moved: a bid refused now that has won, or that is above one that has, voids all
   * wins, and the reverse.
   */
  note(hostnode: string, size: VmSize, bid: Money, wins: boolean): void;
  /** The question got no answer. */
  failed(hostnode: string, size: VmSize): void;

  /**
   * The key is woken once, by the next answer or failure there, or when a question there is over without either. It may
   * wait at several places; to be woken at one of them ends no other wait. While nobody asks there it is woken after a
   * while all the same.
   */
  awaitAnswer(key: string, hostnode: string, size: VmSize): void;
  /** The key waits nowhere any more. */
  forget(key: string): void;
}

/** Of one size on one host. `refused` is below `wins` whenever both are there. */
export interface KnownBids {
  /** The highest bid that does not win, of the answers of the last while (default 60 s). */
  readonly refused?: Money;
  /** The lowest bid that wins, of the answers of the last while (default 30 s). */
  readonly wins?: Money;
  /** Somebody is asking at this moment. */
  readonly isBeingAsked: boolean;
  /** When the last answer came (milliseconds since the epoch). */
  readonly askedAt?: number;
  /** What `wins` was when last a bid won, however long ago: to guess by, never to deploy by. */
  readonly lastWin?: Money;
  /** What `refused` was when last a bid was refused, if none has won since that is not above it: to ask again by. */
  readonly lastRefused?: Money;
}

export interface ReportReading<T> {
  readonly value: T;
  /** When the request was about to leave (milliseconds since the epoch). */
  readonly requestedAt: number;
  /** As whom the provider was asked, as in a Snapshot. */
  readonly askedAs: string;
}

/** One report of the provider. It is read when somebody wants it, and harms nobody when it cannot be. */
export interface Report<T> {
  /** The last one that was given to the key of now. */
  readonly last: ReportReading<T> | undefined;
  /** Why there is no newer one. */
  readonly failure: PollFailure | undefined;
  /** One that is no older than this is wanted: asked for as a look-up, unless there is one, or a failure was not long ago. */
  request(maxAgeMs: number): void;
}

/** For those who rent out hosts. */
export interface ReportBook {
  /** Of the month (UTC) in which it was asked for. */
  readonly summary: Report<MonthlySummary>;
  readonly revenue: Report<readonly HostRevenue[]>;
}
