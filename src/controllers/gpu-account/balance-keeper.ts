import type { GpuAccountStatus } from '../../api/gpu-account.ts';
import type { Indexed } from '../../kube/store.ts';
import type { Clock } from '../../lib/clock.ts';
import { releaseLimit, startLimit } from '../../plan/balance/limits.ts';
import { isListCurrent } from '../../plan/balance/list.ts';
import { thresholdsOf, type Thresholds } from '../../plan/balance/runway.ts';
import { silentView } from '../../plan/balance/silence.ts';
import type { BalanceObservation } from '../../plan/balance/status.ts';
import { balanceMaxAgeMs, viewBalance, type BalanceFacts, type BalanceView } from '../../plan/balance/view.ts';
import type { AccountRegistry, AccountRuntime } from '../accounts.ts';
import type { CustomObject } from '../objects.ts';
import type { Balances } from '../spending/balances.ts';
import { parseAccount } from '../spending/books.ts';
import type { Ledger } from '../spending/ledger.ts';
import { Releases } from '../spending/releases.ts';
import { releasedBy } from '../spending/standby.ts';
import { keyAmongKinds } from '../vm/observe.ts';

export interface BalanceKeeperDeps {
  readonly clock: Clock;
  readonly accounts: Pick<AccountRegistry, 'state'>;
  /** Resources of all kinds that stand for one VM, by `account` and `uid`. */
  readonly vms: Indexed<CustomObject>;
  readonly ledger: Pick<Ledger, 'books' | 'noteReturn'>;
  readonly balances: Balances;
  /** A key among all kinds, to be reconciled. */
  wake(key: string): void;
}

/** Watches over an account's balance: has it read often enough, and chooses whose VMs are kept released for want of it. */
export class BalanceKeeper {
  readonly #deps: BalanceKeeperDeps;
  readonly #releases = new Releases();
  /** By account, since when this process has not known its balance. */
  readonly #silentSince = new Map<string, number>();

  constructor(deps: BalanceKeeperDeps) {
    this.#deps = deps;
  }

  observe(account: CustomObject): BalanceObservation {
    const spec = parseAccount(account);
    const thresholds = thresholdsOf(spec?.limits);
    const facts = this.#deps.balances.factsOf(account);
    if (facts === undefined || spec === undefined) {
      const view = this.#listen(account, { kind: 'unread' }, facts);
      return { view, thresholds, stopped: this.#keptAsTheyAre(account), isHeld: true };
    }
    const stopped = this.#stopped(account, facts, thresholds);
    const view = this.#listen(account, viewBalance(facts), facts);
    return { view, thresholds, stopped, isHeld: !isListCurrent(facts) };
  }

  /** What keeps the whole account from being used is why nothing is heard of its balance. */
  #listen({ metadata: { name } }: CustomObject, view: BalanceView, facts: BalanceFacts | undefined): BalanceView {
    const { accounts, balances, clock } = this.#deps;
    const now = clock.now();
    const since = this.#silentSince.get(name) ?? now;
    if (view.kind === 'unread') this.#silentSince.set(name, since);
    else this.#silentSince.delete(name);
    const state = accounts.state(name);
    const problem = state?.kind === 'notReady' ? state.message : undefined;
    return silentView(view, { since, now, problem, facts, timings: balances.timings });
  }

  /** While key or token are refused nothing is to be learned. */
  ask(account: CustomObject, { view, thresholds, stopped }: BalanceObservation, runtime: AccountRuntime): void {
    if (runtime.fleet.pollFailure?.kind === 'unauthorized') return;
    const facts = this.#deps.balances.factsOf(account);
    if (facts?.keyFingerprint === undefined) return;
    const { timings } = this.#deps.balances;
    // Those who are released wait for a second answer that says the same.
    runtime.balance.request(stopped.length > 0 ? timings.nearMs : balanceMaxAgeMs(view, thresholds, timings));
  }

  /** Our own writes wake nobody, but what this one says some VMs are to be released by, or may be started. */
  noteWritten({ stopped: before = [] }: GpuAccountStatus, { stopped: after = [] }: GpuAccountStatus): void {
    const [held, holding] = [before, after].map((all) => new Set(all.map(({ uid }) => uid)));
    const turned = [...before, ...after].filter(({ uid }) => held?.has(uid) !== holding?.has(uid));
    for (const { uid } of turned) {
      if (holding?.has(uid) === false) this.#deps.ledger.noteReturn(uid);
      for (const object of this.#deps.vms.byIndex('uid', uid)) this.#deps.wake(keyAmongKinds(object));
    }
  }

  forget(account: string): void {
    this.#releases.forget(account);
    this.#silentSince.delete(account);
  }

  #stopped(account: CustomObject, facts: BalanceFacts, { min, release }: Thresholds): BalanceObservation['stopped'] {
    if (min === undefined || release === undefined) return [];
    const view = viewBalance(facts);
    // Of a balance that nobody knows, or of VMs that nobody sees, nothing follows: neither a release nor a start.
    if (view.kind !== 'known' || !isListCurrent(facts)) return this.#keptAsTheyAre(account);
    const { vms, ledger } = this.#deps;
    const books = ledger.books();
    const spender = books.spenderOf(account);
    const limit = releaseLimit(spender, release, facts);
    const before = releasedBy(account);
    const isExceeded = limit?.used.gt(limit.hard) === true;
    if (before.size === 0 && !isExceeded) {
      this.#releases.forget(account.metadata.name);
      return [];
    }
    const choice = {
      limits: limit === undefined ? [] : [limit],
      toStart: [startLimit(spender, min, { view, before: facts.book.before })],
      members: vms.byIndex('account', account.metadata.name),
      before,
    };
    return this.#releases.choose(account.metadata.name, choice, { books, now: facts.now });
  }

  #keptAsTheyAre(account: CustomObject): BalanceObservation['stopped'] {
    const { stopped = [] } = (account.status ?? {}) as GpuAccountStatus;
    return stopped.filter(({ uid }) => this.#deps.vms.byIndex('uid', uid).length > 0);
  }
}
