import type { GpuAccountStatus } from '../api/gpu-account.ts';
import type { Reason } from '../api/reasons.ts';
import type { BalanceBook, CredentialsCheck, Fleet, ReportBook, Snapshot } from '../fleet/contract.ts';
import type { Gate } from '../provider/gate-contract.ts';
import type { Provider } from '../provider/contract.ts';
import type { HostSuspicions } from './host-suspicions.ts';
import type { CustomObject } from './objects.ts';

export interface Credentials {
  readonly apiKey: string;
  readonly apiToken: string;
}

/** What runs for one GpuAccount: it owns its poll, its gate and its inventory, and shares nothing with other accounts. */
export interface AccountRuntime {
  readonly provider: Provider;
  readonly gate: Gate;
  readonly fleet: Fleet;
  readonly balance: BalanceBook;
  readonly check: CredentialsCheck;
  readonly suspicions: HostSuspicions;
  readonly reports: ReportBook;
  /** Of the key that the next call would carry. */
  readonly keyFingerprint: string;
  /** Since when calls carry this key and this token (milliseconds since the epoch). */
  readonly credentialsSince: number;
  setCredentials(credentials: Credentials): void;
  setRate(requestsPerSecond: number): void;
  stop(): void;
}

/** The last list, if it was got with this key. */
export function listAskedAs(keyFingerprint: string | undefined, { fleet }: AccountRuntime): Snapshot | undefined {
  return fleet.snapshot?.askedAs === keyFingerprint ? fleet.snapshot : undefined;
}

/**
 * The last list, if it was got with the key that calls would carry now, and that key is the one whose lists are believed. Neither
 * a key that was exchanged since, nor a list from before, is acted on; nor is anybody asked about a VM before.
 */
export function provenList({ status }: CustomObject, runtime: AccountRuntime): Snapshot | undefined {
  const proven = (status as GpuAccountStatus | undefined)?.organization?.keyFingerprint;
  return runtime.keyFingerprint === proven ? listAskedAs(proven, runtime) : undefined;
}

/** Makes the runtime of an account; given by the composition root, which knows the provider's client. */
export type StartAccount = (account: AccountSettings) => AccountRuntime;

export interface AccountSettings {
  readonly name: string;
  /** Of the GpuAccount: one that was made anew under the same name is another account. */
  readonly uid: string;
  readonly endpoint: string;
  readonly requestsPerSecond: number;
  readonly credentials: Credentials;
}

export type AccountState =
  | { readonly kind: 'notReady'; readonly reason: Reason; readonly message: string }
  | { readonly kind: 'ready'; readonly runtime: AccountRuntime };

interface Entry {
  /** Undefined while it was never usable. */
  readonly running: { readonly uid: string; readonly endpoint: string; readonly runtime: AccountRuntime } | undefined;
  readonly problem: { readonly reason: Reason; readonly message: string } | undefined;
}

/** The accounts that exist, by name. Written by the GpuAccount controller, read by the controllers of VMs. */
export class AccountRegistry {
  readonly #start: StartAccount;
  readonly #states = new Map<string, Entry>();
  #isStopped = false;

  constructor(start: StartAccount) {
    this.#start = start;
  }

  state(name: string): AccountState | undefined {
    const entry = this.#states.get(name);
    if (entry === undefined) return undefined;
    if (entry.problem !== undefined || entry.running === undefined) {
      const problem = entry.problem ?? { reason: 'CredentialsUnknown' as const, message: 'it has just been created.' };
      return { kind: 'notReady', ...problem };
    }
    return { kind: 'ready', runtime: entry.running.runtime };
  }

  runtime(name: string): AccountRuntime | undefined {
    return this.#states.get(name)?.running?.runtime;
  }

  /** What runs for this very account, unless it is blocked. */
  usable(name: string, uid: string): AccountRuntime | undefined {
    const { running, problem } = this.#states.get(name) ?? {};
    return problem === undefined && running?.uid === uid ? running.runtime : undefined;
  }

  /** Of all accounts, usable or not. */
  runtimes(): AccountRuntime[] {
    return [...this.#states.values()].flatMap(({ running }) => (running === undefined ? [] : [running.runtime]));
  }

  /** The last list of each account, by its name. */
  lists(): ReadonlyMap<string, Snapshot | undefined> {
    const lists = new Map<string, Snapshot | undefined>();
    for (const [name, { running }] of this.#states) {
      if (running !== undefined) lists.set(name, running.runtime.fleet.snapshot);
    }
    return lists;
  }

  /**
   * The account can be used with these settings. A running one is kept, with its list, and only told what changed; but
   * what ran for an account that is gone, or at another endpoint, ends: it would be another organization's. Throws once all
   * was stopped.
   */
  ensure(account: AccountSettings): AccountRuntime {
    // A reconcile that was left to itself may come here after the end: what it started nobody would stop.
    if (this.#isStopped) throw new Error('the accounts have been stopped');
    const { name, uid, endpoint } = account;
    const running = this.#states.get(name)?.running;
    if (running?.uid === uid && running.endpoint === endpoint) {
      running.runtime.setCredentials(account.credentials);
      running.runtime.setRate(account.requestsPerSecond);
      this.#states.set(name, { running, problem: undefined });
      return running.runtime;
    }
    running?.runtime.stop();
    const runtime = this.#start(account);
    this.#states.set(name, { running: { uid, endpoint, runtime }, problem: undefined });
    return runtime;
  }

  /** The account exists but cannot be used: nothing is decided by it until `ensure`. What it listed is kept. */
  block(name: string, reason: Reason, message: string): void {
    this.#states.set(name, { running: this.#states.get(name)?.running, problem: { reason, message } });
  }

  remove(name: string): void {
    this.#states.get(name)?.running?.runtime.stop();
    this.#states.delete(name);
  }

  /** For good. */
  stop(): void {
    this.#isStopped = true;
    for (const name of [...this.#states.keys()]) this.remove(name);
  }
}
