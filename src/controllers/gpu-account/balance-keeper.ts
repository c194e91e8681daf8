import type { GpuAccountStatus } from '../../api/gpu-account.ts';
import type { Indexed } from '../../kube/store.ts';
import { releaseLimit, runwayLimit } from '../../plan/balance/limits.ts';
import { thresholdsOf, type Thresholds } from '../../plan/balance/runway.ts';
import type { BalanceObservation } from '../../plan/balance/status.ts';
import { balanceMaxAgeMs, viewBalance, type BalanceFacts } from '../../plan/balance/view.ts';
import type { AccountRuntime } from '../accounts.ts';
import type { CustomObject } from '../objects.ts';
import type { Balances } from '../spending/balances.ts';
import { parseAccount } from '../spending/books.ts';
import { releasedBy } from '../spending/hold.ts';
import type { Ledger } from '../spending/ledger.ts';
import { Releases } from '../spending/releases.ts';
import { keyAmongKinds } from '../vm/observe.ts';

export interface BalanceKeeperDeps {
  /** Resources of all kinds that stand for one VM, by `account` and `uid`. */
  readonly vms: Indexed<CustomObject>;
  readonly ledger: Pick<Ledger, 'books'>;
  readonly balances: Balances;
  /** A key among all kinds, to be reconciled. */
  wake(key: string): void;
}

/** Watches over an account's balance: has it read often enough, and chooses whose VMs are kept released for want of it. */
export class BalanceKeeper {
  readonly #deps: BalanceKeeperDeps;
  readonly #releases = new Releases();

  constructor(deps: BalanceKeeperDeps) {
    this.#deps = deps;
  }

  observe(account: CustomObject): BalanceObservation {
    const spec = parseAccount(account);
    const thresholds = thresholdsOf(spec?.limits);
    const facts = this.#deps.balances.factsOf(account);
    if (facts === undefined || spec === undefined)
      return { view: { kind: 'unread' }, thresholds, stopped: this.#keptAsTheyAre(account) };
    return { view: viewBalance(facts), thresholds, stopped: this.#stopped(account, facts, thresholds) };
  }

  /** While key or token are refused nothing is to be learned. */
  ask(account: CustomObject, { view, thresholds }: BalanceObservation, runtime: AccountRuntime): void {
    if (runtime.fleet.pollFailure?.kind === 'unauthorized') return;
    const facts = this.#deps.balances.factsOf(account);
    if (facts?.keyFingerprint === undefined) return;
    runtime.balance.request(balanceMaxAgeMs(view, thresholds, this.#deps.balances.timings));
  }

  /** Our own writes wake nobody, but what this one says some VMs are to be released by, or may be started. */
  noteWritten({ stopped: before = [] }: GpuAccountStatus, { stopped: after = [] }: GpuAccountStatus): void {
    const [held, holding] = [before, after].map((all) => new Set(all.map(({ uid }) => uid)));
    const turned = [...before, ...after].filter(({ uid }) => held?.has(uid) !== holding?.has(uid));
    for (const { uid } of turned) {
      for (const object of this.#deps.vms.byIndex('uid', uid)) this.#deps.wake(keyAmongKinds(object));
    }
  }

  forget(account: string): void {
    this.#releases.forget(account);
  }

  #stopped(account: CustomObject, facts: BalanceFacts, { min, release }: Thresholds): BalanceObservation['stopped'] {
    if (min === undefined || release === undefined) return [];
    const view = viewBalance(facts);
    // Of a balance that nobody knows nothing follows: neither a release nor a start.
    if (view.kind !== 'known') return this.#keptAsTheyAre(account);
    const { vms, ledger } = this.#deps;
    const books = ledger.books();
    const spender = books.spenderOf(account);
    const limit = releaseLimit(spender, release, facts);
    const choice = {
      limits: limit === undefined ? [] : [limit],
      toStart: [runwayLimit(spender, min, view)],
      members: vms.byIndex('account', account.metadata.name),
      before: releasedBy(account),
    };
    return this.#releases.choose(account.metadata.name, choice, { books, now: facts.now });
  }

  #keptAsTheyAre(account: CustomObject): BalanceObservation['stopped'] {
    const { stopped = [] } = (account.status ?? {}) as GpuAccountStatus;
    return stopped.filter(({ uid }) => this.#deps.vms.byIndex('uid', uid).length > 0);
  }
}
