import type { Condition, ConditionDraft } from '../../api/conditions.ts';
import type { EventReason, Reason } from '../../api/reasons.ts';
import type { KeptVms } from '../../api/unmanaged-vms.ts';
import type { Capacity, Phase } from '../../api/vm-status.ts';
import type { Money } from '../../lib/money.ts';
import type { VmSize } from '../../provider/contract.ts';
import type { Need } from '../budget/spending.ts';
import type { Offer } from '../placement.ts';
import type { Journal } from './observation.ts';

/** What is to be done next: at most one thing. After it the world is observed again and decided anew. */
export type Step =
  /** Nothing now; `look` says what to wait for. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'addFinalizer' }
  | { readonly kind: 'removeFinalizer'; readonly announcement: Announcement | undefined }
  /** The account writes down first that these VMs of the resource are to be kept. */
  | { readonly kind: 'noteKept'; readonly why: KeptVms['why']; readonly ids: readonly string[] }
  /** The resource itself is deleted, as by its owner. */
  | { readonly kind: 'expire'; readonly announcement: Announcement }
  /** Only the journal changes, by what was seen. */
  | {
      readonly kind: 'record';
      readonly journal: Journal;
      readonly announcement?: Announcement | undefined;
      /** The status says so before a call to the provider, which may take long, could hold that up. */
      readonly isNews?: boolean;
      /** The host let us down: it cools down. */
      readonly hostFailure?: { readonly hostnode: string; readonly reason: string } | undefined;
    }
  /** Create or update the connection Secret with these values, and with a generated password if so wanted. */
  | {
      readonly kind: 'writeSecret';
      readonly data: Readonly<Record<string, string>>;
      /** Keys that it must not have any more. */
      readonly remove?: readonly string[];
      readonly generatePassword: boolean;
    }
  /** What the spec refers to has to be known before anything else can be decided. */
  | { readonly kind: 'readInputs' }
  | { readonly kind: 'launch'; readonly plan: LaunchPlan }
  /** `isIdle`: nothing waits for the answer. */
  | { readonly kind: 'askBid'; readonly question: BidQuestion; readonly isIdle?: boolean }
  /** Whether spot is winnable beside an on-demand VM, and whether that is now given up for it. */
  | { readonly kind: 'noteMarket'; readonly isWinnable: boolean; readonly isReturning: boolean }
  | { readonly kind: 'confirmGone'; readonly vmId: string }
  | { readonly kind: 'start'; readonly vmId: string; readonly hostnode: string | undefined }
  | { readonly kind: 'stop'; readonly vmId: string; readonly release: boolean }
  | { readonly kind: 'modify'; readonly vmId: string; readonly size: VmSize }
  | { readonly kind: 'delete'; readonly vmId: string; readonly why: DeleteReason };

export type StepKind = Step['kind'];
export type DeleteReason = 'resourceDeleted' | 'duplicate' | 'overpriced' | 'retired';

/** Would this bid win? */
export interface BidQuestion {
  readonly hostnode: string;
  readonly size: VmSize;
  readonly bid: Money;
  /** Of a VM that exists, by its id; absent: of one still to be deployed. */
  readonly vmId?: string | undefined;
  /** The most that may be bid there: a host that refuses it has nothing to offer. */
  readonly most: Money;
}

export interface LaunchPlan {
  readonly attempt: number;
  /** Name at the provider, at most 60 characters. */
  readonly name: string;
  readonly offer: Offer;
  /** Id of the ready-made VM that is taken; absent: one is deployed. */
  readonly instant?: string | undefined;
  /** Launches that failed in a row before this one. */
  readonly failures: number;
  /** Of a resource that may hold a spot VM: which it is to be. */
  readonly capacity?: Capacity | undefined;
  readonly bid?: Money | undefined;
  /** Id of the recorded VM, which retires with the intent. */
  readonly replaces?: string | undefined;
}

/** An Event, and a line of the log, once the status that it speaks of has been written. */
export interface Announcement {
  readonly type: 'Normal' | 'Warning';
  readonly reason: EventReason;
  readonly message: string;
}

export type ReadyDraft = { readonly status: Condition['status']; readonly reason: Reason; readonly message: string };

export interface Verdict {
  /** Name of the rule that decided: for logs and tests. */
  readonly rule: string;
  readonly step: Step;
  readonly phase: Phase | 'keep';
  /** `keep`: what was said before still stands; a failed poll is no news about the VM. */
  readonly ready: ReadyDraft | 'keep';
  /** Somebody has to change something before anything can happen. */
  readonly stalled?: boolean;
  /** Absent: the last reconcile went through. */
  readonly synced?: ReadyDraft;
  /** Conditions beside Ready and Synced that this rule knows better than the general ones. */
  readonly extra?: readonly ConditionDraft[];
  readonly look?: Look;
  /** The room that the step takes, or that is waited for and nothing else. */
  readonly need?: Need;
  /** What to probe from now on; absent: nothing. */
  readonly probe?: ProbeTarget;
}

export interface ProbeTarget {
  readonly host: string;
  readonly port: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly failureThreshold: number;
}

/** When to look again, whichever comes first. Changes of the resource and of its VM always lead to a look. */
export interface Look {
  readonly inMs?: number | undefined;
  /** A snapshot requested at or after this moment is needed. */
  readonly snapshotAfter?: number | undefined;
  /** A fresh inventory of hosts is needed. */
  readonly hosts?: boolean | undefined;
  /** A fresh list of ready-made VMs is needed. */
  readonly instants?: boolean | undefined;
  /** The next answer about bids on that host. */
  readonly bids?: { readonly hostnode: string; readonly size: VmSize } | undefined;
}

/** Steps that change something at the provider: a paused resource takes none of them. */
const changing: ReadonlySet<StepKind> = new Set(['launch', 'start', 'stop', 'modify', 'delete']);

export function changesProvider(step: Step): boolean {
  return changing.has(step.kind);
}

export function ready(status: Condition['status'], reason: Reason, message: string): ReadyDraft {
  return { status, reason, message };
}

export function waiting(reason: Reason, message: string): ReadyDraft {
  return ready('False', reason, message);
}
