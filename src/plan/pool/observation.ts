import type { GpuPoolSpec, GpuPoolStatus } from '../../api/gpu-pool.ts';
import type { Reason } from '../../api/reasons.ts';
import type { Capacity, Market } from '../../api/vm-status.ts';
import type { Money } from '../../lib/money.ts';
import type { ServiceFact } from '../service/words.ts';

/** Everything that a decision about a pool may depend on. Times in milliseconds since the epoch. */
export interface PoolObservation {
  readonly now: number;
  readonly meta: PoolMeta;
  /** With what makes the members run the pool's container, if it has one, in the template's place for a cloud-config. */
  readonly spec: GpuPoolSpec;
  /** Of the template that members are to be made from; empty while nobody knows. */
  readonly hash: string;
  /** What members cannot be made without is missing; those that are there go on. */
  readonly blocked: { readonly reason: Reason; readonly message: string } | undefined;
  /** As stored. */
  readonly status: GpuPoolStatus;
  /** What is known of the Service that the spec asks for. */
  readonly service?: ServiceFact | undefined;
  /** What the pool owns, by the UID in their owner references; those being deleted included. */
  readonly members: readonly PoolMember[];
  /** Whether a resource of either kind has this name, be it whose it may: their connection Secrets are named alike. */
  isTaken(name: string): boolean;
}

export interface PoolMeta {
  readonly name: string;
  readonly generation: number | undefined;
  readonly createdAt: number;
  readonly isPaused: boolean;
  readonly reconcileRequestedAt: string | undefined;
}

export type MemberKind = 'GpuVm' | 'SpotVm';

/** One member as it was observed. */
export interface PoolMember {
  readonly kind: MemberKind;
  readonly name: string;
  readonly uid: string;
  readonly createdAt: number;
  /** Also when this process has just asked for it, and the watch does not show it yet. */
  readonly isDeleting: boolean;
  /** Hash of the template that it was made from. */
  readonly hash: string | undefined;
  /** `since` of the repairs during which it was made. */
  readonly repairedSince: string | undefined;
  readonly isDeleteFirst: boolean;
  /** A resource of the other kind has the same name, be it whose it may. */
  readonly hasNamesake: boolean;
  /** Since when it has the VM that it has; undefined without one. A VM that may exist, as its deploy call is in doubt, counts. */
  readonly vmSince: number | undefined;
  /** The condition Ready, with when it became true, or ceased to be. */
  readonly ready: {
    readonly isTrue: boolean;
    readonly since: number;
    readonly reason: string;
    readonly message: string;
  };
  /** Its owner, its schedule, a budget or the balance wants its VM not to run now. */
  readonly isWantedDown: boolean;
  /** The operator may not aim probes at it: nobody knows whether it would answer. */
  readonly isProbeForbidden: boolean;
  /** Since when this process has seen it broken, or left without a VM by the market, without anything else in between: see troubles.ts. */
  readonly brokenSince: number | undefined;
  readonly marketSince: number | undefined;
  /** False while what the status says may be out of date. */
  readonly isSynced: boolean;
  /** False while its spec is another one than the status speaks of: it may be stopped for that at this moment. */
  readonly isObserved: boolean;
  /** What its VM is held by; undefined without one. */
  readonly capacity: Capacity | undefined;
  readonly market: Market | undefined;
  readonly outbidSince: number | undefined;
  /** Per hour now, with what is on its way out. */
  readonly cost: Money;
  /** Per hour while it runs; undefined while nobody knows. */
  readonly price: Money | undefined;
  /** As stored. */
  readonly spec: Readonly<Record<string, unknown>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Value of the annotation of that name. */
  readonly templateMetadata: string | undefined;
}
