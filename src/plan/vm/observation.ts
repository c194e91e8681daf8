import type { VmSpec, VmStatus } from '../../api/vm.ts';
import type { Reason } from '../../api/reasons.ts';
import type { Launch, RecordedVm, Resize, RetiringVm, SpotHistory } from '../../api/vm-status.ts';
import type { KnownBids, PollFailure, Snapshot } from '../../fleet/contract.ts';
import type { CloudVm, Host, ProviderCapabilities, VmSize } from '../../provider/contract.ts';
import type { InstantVm } from '../../provider/instant.ts';
import type { ProviderErrorKind } from '../../provider/error.ts';
import type { SpendView } from '../budget/spending.ts';
import type { PowerHold } from './power-hold.ts';
import type { ServiceFact } from '../service/words.ts';
import type { SpotTerms } from './spot-terms.ts';

/**
 * Everything a decision about one VM may depend on, gathered before it is made: no rule does I/O, reads a clock or
 * draws a number. What a rule does not find here it cannot know.
 */
export interface VmObservation {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** This installation's id, as in the names of its VMs. */
  readonly installation: string;
  readonly timings: VmTimings;
  readonly meta: VmMeta;
  /** Why the stored spec could not be parsed. The API server validates too, but by the CRD that it has. */
  readonly specProblem: string | undefined;
  /** The problem is the stored status: nobody knows which VM is whose. */
  readonly isStatusDamaged: boolean;
  readonly spec: VmSpec;
  /** What keeps the VM from running though its spec asks for that. */
  readonly holds: readonly PowerHold[];
  /** What may be bid; undefined for a VM on demand. */
  readonly spot: SpotTerms | undefined;
  /** As stored. */
  readonly status: VmStatus;
  /** The journal in the status, overridden by what this process knows but could not write yet. */
  readonly journal: Journal;
  readonly account: AccountView;
  /** What budgets and limits have to say: reckoned when it is first asked for, which most decisions never do. */
  readonly spend: SpendView;
  /** VMs in the snapshot that carry this resource's mark and are not over, oldest attempt first; but for retiring ones. */
  readonly marked: readonly CloudVm[];
  readonly inputs: InputsView;
  readonly secret: SecretView;
  readonly adoption: AdoptionView | undefined;
  readonly rivals: RivalsView;
  /** Whether the account has it written down that these VMs of this resource, and any with its mark, are to be kept. */
  readonly isKeptNoted: (ids: readonly string[]) => boolean;
  /** Of a member of a pool that is to be spread: whether a host has as many of them as it may have. */
  readonly isFull?: ((host: Host) => boolean) | undefined;
  readonly facts: VmFacts;
}

export interface VmMeta {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number | undefined;
  /** By the API server's clock. */
  readonly createdAt: number | undefined;
  readonly deleting: boolean;
  readonly hasFinalizer: boolean;
  readonly paused: boolean;
  readonly abandoned: boolean;
  readonly reconcileRequestedAt: string | undefined;
}

export interface VmTimings {
  /** Two lists without a VM whose deployment is uncertain must be requested at least this far apart. */
  readonly absenceProofMs: number;
  /** Longest time a call may take; a journal without an outcome counts as uncertain from then on. */
  readonly callTimeoutMs: number;
  /** An intent that is older than this when it has been written was overtaken by the world: its call is not made. */
  readonly intentFreshMs: number;
  /** How often to look for an offer, an input or an account that is missing. */
  readonly retryMs: number;
  /** Pauses between launches that fail in a row. */
  readonly launchBackoff: { readonly baseMs: number; readonly maxMs: number };
  /** Pauses after start, stop, modify and delete calls that fail in a row. */
  readonly callBackoff: { readonly baseMs: number; readonly maxMs: number };
  /** How long a VM that is being built, started or stopped is looked at in the short interval. */
  readonly transitionMs: number;
}

/** The part of the status that the operator itself relies on. */
export interface Journal {
  readonly vm?: RecordedVm | undefined;
  readonly launch?: Launch | undefined;
  readonly resize?: Resize | undefined;
  /** VMs on their way out, in the order in which they were replaced. */
  readonly retiring?: RetiringVm[] | undefined;
  readonly spot?: SpotHistory | undefined;
}

export type AccountView =
  | { readonly kind: 'missing' }
  | { readonly kind: 'notReady'; readonly reason: Reason; readonly message: string }
  | {
      readonly kind: 'ready';
      /** Of the key that the list was got with, and that calls would carry. */
      readonly keyFingerprint: string;
      readonly capabilities: ProviderCapabilities;
      readonly snapshot: Snapshot | undefined;
      readonly pollFailure: PollFailure | undefined;
      readonly offers: OffersView;
      readonly instants: InstantsView;
      readonly bids: BidsView;
    };

export type ReadyAccount = Extract<AccountView, { kind: 'ready' }>;

export interface OffersView {
  readonly hosts: readonly Host[] | undefined;
  readonly fresh: boolean;
  readonly failure: { readonly kind: string; readonly message: string } | undefined;
  coolingDownUntil(hostnode: string): number | undefined;
}

/** Ready-made VMs, by their ids. */
export interface InstantsView {
  readonly vms: readonly InstantVm[] | undefined;
  readonly fresh: boolean;
  /** Why they could not be listed a moment ago. */
  readonly failure: { readonly kind: string; readonly message: string } | undefined;
  coolingDownUntil(id: string): number | undefined;
}

/** What the account's hosts have said about bids. */
export interface BidsView {
  known(hostnode: string, size: VmSize): KnownBids;
}

/** What the spec refers to, resolved. Never shown: holds secrets. Not looked up unless a launch may follow. */
export type InputsView =
  | { readonly kind: 'notNeeded' }
  | { readonly kind: 'problem'; readonly reason: Reason; readonly message: string }
  | {
      readonly kind: 'resolved';
      readonly sshKey: string | undefined;
      readonly password: string | undefined;
      readonly cloudInit: string | undefined;
    };

export interface SecretView {
  readonly name: string;
  /** `leftover`: of a resource of the same name that is gone, but whose Secret the garbage collector has not reached. */
  readonly state: 'absent' | 'ours' | 'leftover' | 'foreign';
  readonly uid: string | undefined;
  /** Plain values of our Secret. */
  readonly data: Readonly<Record<string, string>>;
}

/** The VM that the adopt annotation names. */
export interface AdoptionView {
  readonly vmId: string;
}

/** What there is to know about the other resources of this cluster. */
export interface RivalsView {
  /** Whether a resource of this cluster has this UID. */
  isAlive(uid: string): boolean;
  /** Which resource has taken over this VM. `contested`: this one and another one say so, and nothing tells who was first. */
  adopterOf(vmId: string): 'nobody' | 'self' | 'other' | 'contested';
}

/**
 * What this process has learned and may forget at any moment: after a crash each of them is learned again, at the cost
 * of a call, never of a VM.
 */
export interface VmFacts {
  /** Ids of VMs whose deletion, or absence, the provider has confirmed, and when that answer came. */
  readonly deletedAt: ReadonlyMap<string, number>;
  /** Ids of VMs that the provider gave to deploy calls of this process for this resource. */
  readonly deployed: ReadonlySet<string>;
  /** The last start, stop, modify or delete call about the recorded VM. */
  readonly lastCall: CallFact | undefined;
  /** The last of these calls about each VM, by its id. */
  readonly calls: ReadonlyMap<string, CallFact>;
  /** The last answer to the question about each VM that the list did not have, by its id. */
  readonly confirmations: ReadonlyMap<string, Confirmation>;
  /**
   * When this process first saw the journal's launch with or without an end as it has now. The times in the journal are
   * another process' if that one wrote them: no proof is built on somebody else's clock.
   */
  readonly launchSeenAt: number | undefined;
  /** When this process first saw that this VM is recorded; `recordedAt` may be of another process' clock. */
  readonly vmSeenAt: number | undefined;
  /** When the last list was requested that has shown this process the recorded VM running. */
  readonly vmRanAt: number | undefined;
  /** When the last start of the recorded VM ended that was not refused. */
  readonly startFiledAt: number | undefined;
  /** When this process first saw each of the times at which the resource was outbid, by the time as it is written. */
  readonly outbidSeenAt: ReadonlyMap<string, number>;
  /** When this process first saw that the resource is to be deleted. */
  readonly deletionSeenAt: number | undefined;
  /** Trusted lists, requested after an uncertain launch, that did not have its VM. */
  readonly absence: Absence | undefined;
  /** When the API server last dropped an intent, or a part of it, from the status. */
  readonly journalDroppedAt: number | undefined;
  /** UID of our Secret, if nothing can be taken out of it. */
  readonly stubbornSecretUid?: string | undefined;
  readonly probe: ProbeFact | undefined;
  /** What is known of the Service that the spec asks for. */
  readonly service?: ServiceFact | undefined;
  /** Hosts that refused this resource, and until when it leaves them alone. */
  readonly avoidedHosts: ReadonlyMap<string, number>;
  /** The provider refused to release a VM that was stopped with its resources kept: start it first. */
  readonly releaseNeedsStart: boolean;
  readonly bidding: BiddingFact;
}

/** How the search for a bid that wins is going. */
export interface BiddingFact {
  /** Questions asked in this round, and of which host how many. */
  readonly asked: number;
  readonly askedOf: ReadonlyMap<string, number>;
  /** When the next round may begin. */
  readonly nextRoundAt: number;
  /** Hosts that refused the most that may be bid since the search began, or did not answer, and when: they are asked last. */
  readonly refusedAt: ReadonlyMap<string, number>;
  /** Beside an on-demand VM: since when a bid within the limits has been winnable whenever it was looked at. */
  readonly winnableSince: number | undefined;
  /** Beside an on-demand VM: when it was decided to go back to a spot VM. */
  readonly returningSince: number | undefined;
}

export const noBidding: BiddingFact = {
  asked: 0,
  askedOf: new Map(),
  nextRoundAt: 0,
  refusedAt: new Map(),
  winnableSince: undefined,
  returningSince: undefined,
};

export interface CallFact {
  readonly call: 'start' | 'stop' | 'modify' | 'delete';
  readonly endedAt: number;
  readonly failure: { readonly kind: ProviderErrorKind; readonly message: string } | undefined;
  /** Failures of this call in a row. */
  readonly failures: number;
  /** Not to be tried again before. */
  readonly nextTryAt: number;
}

export interface Confirmation {
  readonly vmId: string;
  readonly askedAt: number;
  readonly answer: 'gone' | 'exists' | 'noAnswer';
  /** Of a VM that exists: its name at the provider. */
  readonly name?: string | undefined;
}

export interface Absence {
  readonly launchName: string;
  /** requestedAt of the first and of the latest list that lacked it. */
  readonly firstAt: number;
  readonly latestAt: number;
}

export interface ProbeFact {
  readonly target: string;
  readonly result: 'pending' | 'success' | 'failure' | 'forbidden';
  readonly message: string;
}

export const noFacts: VmFacts = {
  deletedAt: new Map(),
  deployed: new Set(),
  lastCall: undefined,
  calls: new Map(),
  confirmations: new Map(),
  launchSeenAt: undefined,
  vmSeenAt: undefined,
  vmRanAt: undefined,
  startFiledAt: undefined,
  outbidSeenAt: new Map(),
  deletionSeenAt: undefined,
  absence: undefined,
  journalDroppedAt: undefined,
  probe: undefined,
  avoidedHosts: new Map(),
  releaseNeedsStart: false,
  bidding: noBidding,
};
