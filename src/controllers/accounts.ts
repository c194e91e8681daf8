import type { Reason } from '../api/reasons.ts';
import type { Fleet } from '../fleet/contract.ts';
import type { Gate } from '../provider/gate-contract.ts';
import type { Provider } from '../provider/contract.ts';
import type { HostSuspicions } from './host-suspicions.ts';

export interface Credentials {
  readonly apiKey: string;
  readonly apiToken: string;
}

/** What runs for one GpuAccount: it owns its poll, its gate and its inventory, and shares nothing with other accounts. */
export interface AccountRuntime {
  readonly provider: Provider;
  readonly gate: Gate;
  readonly fleet: Fleet;
  readonly suspicions: HostSuspicions;
  setCredentials(credentials: Credentials): void;
  setRate(requestsPerSecond: number): void;
  stop(): void;
}

/** Makes the runtime of an account; given by the composition root, which knows the provider's client. */
export type StartAccount = (account: {
  readonly name: string;
  readonly endpoint: string;
  readonly requestsPerSecond: number;
  readonly credentials: Credentials;
}) => AccountRuntime;

export type AccountState =
  | { readonly kind: 'notReady'; readonly reason: Reason; readonly message: string }
  | { readonly kind: 'ready'; readonly runtime: AccountRuntime };

/** The accounts that exist, by name. Written by the GpuAccount controller, read by the controllers of VMs. */
export class AccountRegistry {
  readonly #start: StartAccount;
  readonly #states = new Map<
    string,
    { runtime: AccountRuntime | undefined; problem: { reason: Reason; message: string } | undefined }
  >();

  constructor(start: StartAccount) {
    this.#start = start;
  }

  state(name: string): AccountState | undefined {
    const entry = this.#states.get(name);
    if (entry === undefined) return undefined;
    if (entry.problem !== undefined || entry.runtime === undefined) {
      const problem = entry.problem ?? { reason: 'CredentialsUnknown' as const, message: 'it has just been created.' };
      return { kind: 'notReady', ...problem };
    }
    return { kind: 'ready', runtime: entry.runtime };
  }

  runtime(name: string): AccountRuntime | undefined {
    return this.#states.get(name)?.runtime;
  }

  /** Of all accounts, usable or not. */
  runtimes(): AccountRuntime[] {
    return [...this.#states.values()].flatMap(({ runtime }) => (runtime === undefined ? [] : [runtime]));
  }

  /** The account can be used with these settings; a running one is kept, with its list, and only told what changed. */
  ensure(account: Parameters<StartAccount>[0]): AccountRuntime {
    const entry = this.#states.get(account.name);
    if (entry?.runtime === undefined) {
      const runtime = this.#start(account);
      this.#states.set(account.name, { runtime, problem: undefined });
      return runtime;
    }
    entry.problem = undefined;
    entry.runtime.setCredentials(account.credentials);
    entry.runtime.setRate(account.requestsPerSecond);
    return entry.runtime;
  }

  /** The account exists but cannot be used: nothing is decided by it until `ensure`. What it listed is kept. */
  block(name: string, reason: Reason, message: string): void {
    const entry = this.#states.get(name);
    this.#states.set(name, { runtime: entry?.runtime, problem: { reason, message } });
  }

  remove(name: string): void {
    this.#states.get(name)?.runtime?.stop();
    this.#states.delete(name);
  }

  stop(): void {
    for (const name of [...this.#states.keys()]) this.remove(name);
  }
}
