import type { GpuAccountStatus } from '../../api/gpu-account.ts';
import type { Clock } from '../../lib/clock.ts';
import { billedBeside } from '../../plan/balance/list.ts';
import { viewBalance, type BalanceFacts, type BalanceTimings } from '../../plan/balance/view.ts';
import { money, type Money } from '../../lib/money.ts';
import { listAskedAs, type AccountRegistry } from '../accounts.ts';
import type { CustomObject } from '../objects.ts';

export interface BalancesDeps {
  readonly clock: Clock;
  readonly accounts: Pick<AccountRegistry, 'runtime'>;
  readonly timings: BalanceTimings;
}

/** What is known of the money of each account, at the moment of asking. */
export class Balances {
  readonly #deps: BalancesDeps;

  constructor(deps: BalancesDeps) {
    this.#deps = deps;
  }

  get timings(): BalanceTimings {
    return this.#deps.timings;
  }

  /** Undefined: nothing runs for the account. */
  factsOf({ metadata: { name }, status }: CustomObject): BalanceFacts | undefined {
    const { accounts, clock, timings } = this.#deps;
    const runtime = accounts.runtime(name);
    if (runtime === undefined) return undefined;
    const proven = (status as GpuAccountStatus | undefined)?.organization?.keyFingerprint;
    // The money of another organization is nobody's here.
    const keyFingerprint = runtime.keyFingerprint === proven ? proven : undefined;
    return {
      ...{ now: clock.now(), timings, book: runtime.balance, keyFingerprint },
      snapshot: listAskedAs(keyFingerprint, runtime),
      pollFailure: runtime.fleet.pollFailure,
    };
  }

  /** What is billed beside all VMs of the list, as far as that is known. */
  unlisted(account: CustomObject): Money {
    const facts = this.factsOf(account);
    return facts === undefined ? money(0) : billedBeside(facts, viewBalance(facts));
  }
}
