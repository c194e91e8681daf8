import type { KubeApi } from '../../kube/contract.ts';
import type { Store } from '../../kube/store.ts';
import type { Random } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Journal } from '../../plan/vm/observation.ts';
import type { Announcement } from '../../plan/vm/verdict.ts';
import type { Lane } from '../../provider/gate-contract.ts';
import type { AccountRegistry, AccountRuntime } from '../accounts.ts';
import type { CustomObject, SecretObject } from '../objects.ts';
import type { CatchUp } from '../spending/catch-up.ts';
import type { Ledger } from '../spending/ledger.ts';
import type { Keepers } from '../unmanaged/keepers.ts';
import type { VmOwners } from '../vm-owners.ts';
import type { VmMemory } from './memory.ts';
import type { SpreadDeps } from './spread.ts';

/** What acting needs; reading has its own (observe.ts). */
export interface ActDeps {
  readonly kube: KubeApi;
  readonly store: Store<CustomObject>;
  readonly secrets: Store<SecretObject>;
  readonly clock: Clock;
  readonly random: Random;
  /** A random string of letters and digits, from a cryptographic source. */
  readonly newPassword: () => string;
  readonly log: Logger;
  readonly leadership: { assertLeading(): void };
  readonly metrics: VmMetrics;
  readonly owners: VmOwners;
  readonly accounts: AccountRegistry;
  readonly keepers: Pick<Keepers, 'note'>;
  readonly ledger: Ledger;
  /** Done once before money is spent under a limit. */
  readonly catchUp: Pick<CatchUp, 'isDone' | 'run' | 'attempt'>;
  readonly spread: Pick<SpreadDeps, 'chosenHosts'>;
  announce(object: CustomObject, announcement: Announcement): void;
}

/** What is counted about VMs; telemetry implements it. */
export interface VmMetrics {
  /** A spot VM of a resource in this namespace lost its place. */
  outbid(namespace: string): void;
  launched(outcome: 'launched' | 'refused' | 'uncertain' | 'overpriced'): void;
  duplicateDeleted(): void;
  vmLost(): void;
  priceViolated(): void;
  transitioned(from: string, to: string): void;
}

/** One pass of the loop over one resource: what was read at its start, and what has come together since. */
export interface Pass {
  /** Key among all kinds: "GpuVm/research/trainer". */
  readonly key: string;
  readonly object: CustomObject;
  readonly memory: VmMemory;
  readonly journal: Journal;
  readonly runtime: AccountRuntime | undefined;
  /** Aborted from SIGTERM on: see `mayBegin`. */
  readonly stopping: AbortSignal;
  /** Aborted when calls that are under way have to end. */
  readonly signal: AbortSignal;
  /** Said once the status that they speak of has been written. */
  readonly announcements: Announcement[];
}

/**
 * Whether a call may still leave. From SIGTERM on the next process asks and spends: what this one began it might not see the
 * end of. What stops money goes on until all is broken off; then there is time to write down what has become of calls, and no more.
 */
export function mayBegin({ stopping, signal }: Pick<Pass, 'stopping' | 'signal'>, lane: Lane): boolean {
  return !signal.aborted && (lane === 'stopMoney' || !stopping.aborted);
}

export function isLeading({ leadership }: Pick<ActDeps, 'leadership'>): boolean {
  try {
    leadership.assertLeading();
    return true;
  } catch {
    return false;
  }
}

/**
 * What taking a step led to.
 * - `looked`: something changed, or may have: observe and decide again.
 * - `news`: the same, but the status has to say so first.
 * - `queued`: it is not this resource's turn to call the provider; the gate wakes it, or the process stops.
 * - `conflict`: somebody else wrote the object; what was decided was decided on an old state.
 * - `gone`: the resource itself is gone.
 */
export type ActResult = 'looked' | 'news' | 'queued' | 'conflict' | 'gone';

/** A journal that says nothing of VMs on their way out, or of the spot market, leaves them as they were. */
export function carriedOn({ retiring, spot }: Journal, next: Journal): Journal {
  return { retiring, spot, ...next };
}
