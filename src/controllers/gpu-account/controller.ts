import type { GpuAccountStatus } from '../../api/gpu-account.ts';
import { keptIn, unmanagedIn } from '../../api/unmanaged-vms.ts';
import { finalizerName, gpuAccountType } from '../../api/group.ts';
import { addFinalizer, hasFinalizer, removeFinalizer } from '../../kube/finalizers.ts';
import { isKubeError, type KubeApi, type Outcome, type Reconciler } from '../../kube/contract.ts';
import { isEqualJson } from '../../kube/patch.ts';
import type { Store } from '../../kube/store.ts';
import type { Snapshot } from '../../fleet/contract.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Redactor } from '../../lib/redact.ts';
import {
  credentialsReasons,
  statusOfAccount,
  type AccountObservation,
  type Remains,
} from '../../plan/account-status.ts';
import { sweepAnnouncements } from '../../plan/unmanaged/words.ts';
import type { Announcement } from '../../plan/vm/verdict.ts';
import { listAskedAs, type AccountRegistry, type AccountRuntime } from '../accounts.ts';
import type { CustomObject } from '../objects.ts';
import type { Balances } from '../spending/balances.ts';
import { parseAccount } from '../spending/books.ts';
import type { CatchUp } from '../spending/catch-up.ts';
import { keptBy, policyOf, takeCensus, type Census, type CensusDeps } from '../unmanaged/census.ts';
import { announcementsFor } from './announcements.ts';
import { BalanceKeeper, type BalanceKeeperDeps } from './balance-keeper.ts';
import { readCredentials, type CredentialsRead } from './credentials.ts';
import { Farewell, farewellLookMs } from './farewell.ts';
import { resourceName } from '../vm/kinds.ts';
import { judgeKey, unproven } from './organization.ts';
import { askForReports, observeReports } from './reports.ts';
import { crdIsOlder, writeAccountStatus } from './status-write.ts';

export interface GpuAccountDeps extends CensusDeps {
  readonly kube: KubeApi;
  readonly redactor: Redactor;
  readonly store: Store<CustomObject>;
  readonly accounts: AccountRegistry;
  /** Done once before it is counted how long VMs have had no resource. */
  readonly catchUp: Pick<CatchUp, 'isDone' | 'attempt'>;
  readonly ledger: BalanceKeeperDeps['ledger'];
  readonly balances: Balances;
  readonly log: Logger;
  /** How often the credentials Secret is read again, so that a rotated or restored one counts. */
  readonly credentialsIntervalMs: number;
  /** How long after its intent a deploy call may still make a VM. */
  readonly callEffectMs: number;
  announce(object: CustomObject, announcement: Announcement): void;
  /** What the account's resources can do with it has changed. */
  wakeUsers(account: string): void;
  /** A key among all kinds, to be reconciled. */
  wake(key: string): void;
}

/** What was found out about the account's credentials. */
type Configured = Pick<AccountObservation, 'credentials' | 'organization'>;

/**
 * One account's control loop: reads the credentials, keeps the account's runtime going with them, and says in the status
 * what the list shows. The runtime outlives bad credentials: what was listed with good ones is not forgotten.
 */
export class GpuAccountController implements Reconciler {
  readonly name = 'gpuaccount';
  readonly #deps: GpuAccountDeps;
  /** By account, of the object that was looked at last: one that was made anew under its name is another account. */
  readonly #uids = new Map<string, string>();
  /** By account, what its resources were last woken for. */
  readonly #views = new Map<string, string>();
  readonly #keeper: BalanceKeeper;
  readonly #farewell: Farewell;

  constructor(deps: GpuAccountDeps) {
    this.#deps = deps;
    this.#keeper = new BalanceKeeper(deps);
    this.#farewell = new Farewell(deps);
  }

  /** A resource that used an account is gone; this was its last state. */
  noteGone(last: CustomObject): void {
    this.#farewell.noteGone(last);
  }

  async reconcile(key: string): Promise<Outcome> {
    const object = this.#deps.store.get(key);
    if (object === undefined) {
      this.#forget(key);
      return { kind: 'done' };
    }
    const { uid } = object.metadata;
    // Not at the first look: what was noticed while another one led is of use.
    if ((this.#uids.get(key) ?? uid) !== uid) this.#forget(key);
    this.#uids.set(key, uid);
    if (hasFinalizer(object, finalizerName)) return this.#serve(object);
    if (object.metadata.deletionTimestamp !== undefined) {
      // Let go before, and only others hold it still.
      return this.#users(key).length === 0 ? this.#letGo(object) : this.#serve(object);
    }
    this.#deps.store.applyWrite(await addFinalizer(this.#deps.kube, gpuAccountType, object, finalizerName));
    return this.#serve(object);
  }

  async #letGo(object: CustomObject): Promise<Outcome> {
    this.#forget(object.metadata.name);
    this.#farewell.forget(object.metadata.uid);
    const left = await removeFinalizer(this.#deps.kube, gpuAccountType, object, finalizerName);
    if (left !== undefined) this.#deps.store.applyWrite(left);
    return { kind: 'done' };
  }

  #forget(name: string): void {
    this.#uids.delete(name);
    this.#deps.accounts.remove(name);
    this.#deps.sweep.forget(name);
    this.#views.delete(name);
    this.#keeper.forget(name);
  }

  async #serve(given: CustomObject): Promise<Outcome> {
    const { name, uid } = given.metadata;
    const read = await readCredentials(this.#deps, given);
    const object = this.#deps.store.get(name);
    // What was read is of no use for an account that was made anew under this name meanwhile.
    if (object === undefined || object.metadata.uid !== uid) return { kind: 'requeue' };
    return this.#report(object, await this.#configure(object, read));
  }

  async #configure(object: CustomObject, read: CredentialsRead): Promise<Configured> {
    const { accounts } = this.#deps;
    const { name } = object.metadata;
    const credentials: Configured['credentials'] = read.kind === 'found' ? { kind: 'accepted' } : read;
    const runtime = this.#runtimeWith(object, read);
    if (runtime === undefined) {
      if (credentials.kind !== 'accepted')
        accounts.block(name, credentialsReasons[credentials.kind], credentials.message);
      return { credentials, organization: undefined };
    }
    const organization = await judgeKey(this.#deps, object, runtime);
    if (organization.kind === 'unproven') accounts.block(name, 'OrganizationUnproven', unproven);
    return { credentials, organization };
  }

  #runtimeWith({ metadata: { name, uid } }: CustomObject, read: CredentialsRead): AccountRuntime | undefined {
    const { accounts } = this.#deps;
    switch (read.kind) {
      case 'found': {
        const { endpoint, requestsPerSecond } = read.spec;
        return accounts.ensure({ name, uid, endpoint, requestsPerSecond, credentials: read.credentials });
      }
      case 'forbidden':
        // Nobody has said anything about the credentials that were read before: what runs with them goes on.
        return accounts.usable(name, uid);
      case 'missing':
      case 'invalid':
        return undefined;
    }
  }

  async #report(object: CustomObject, configured: Configured): Promise<Outcome> {
    await this.#catchUp(object);
    const census = this.#census(object, configured);
    const remains = this.#remains(object, configured, census);
    if (remains === 'nothing') return this.#letGo(object);
    const observation = this.#observe(object, configured, { remains, census });
    const desired = statusOfAccount(observation);
    if (!(await this.#write(object, desired, census))) return { kind: 'requeue' };
    this.#settleKept(object.metadata.name);
    this.#wakeUsers(object.metadata.name, desired);
    this.#ask(object.metadata.name, observation);
    const delayMs = this.#deps.credentialsIntervalMs;
    return { kind: 'requeueAfter', delayMs: remains?.kind === 'unknown' ? Math.min(farewellLookMs, delayMs) : delayMs };
  }

  /** False: the account is another one by now, or gone. */
  async #write(object: CustomObject, desired: GpuAccountStatus, census: Census | undefined): Promise<boolean> {
    if (isEqualJson(object.status ?? {}, desired)) return true;
    try {
      const written = await writeAccountStatus(this.#deps, object, desired);
      this.#deps.store.applyWrite(written);
      this.#checkKept(written, desired);
      this.#announce(object, written.status ?? {}, census);
      return true;
    } catch (error) {
      if (isKubeError(error, 'conflict', 'notFound')) return false;
      throw error;
    }
  }

  /** By what is stored now: what an older CRD does not keep would be news again and again. */
  #announce(object: CustomObject, after: GpuAccountStatus, census: Census | undefined): void {
    const before = (object.status ?? {}) as GpuAccountStatus;
    const swept = census === undefined ? [] : sweepAnnouncements(census.facts, unmanagedIn(after));
    for (const one of [...announcementsFor(before, after), ...swept]) this.#deps.announce(object, one);
    this.#keeper.noteWritten(before, after);
  }

  /** What keeps the account, if it is being deleted: it is held back, and kept going, for that. */
  #remains(
    object: CustomObject,
    { organization }: Configured,
    census: Census | undefined,
  ): Remains | 'nothing' | undefined {
    const { name, deletionTimestamp } = object.metadata;
    if (deletionTimestamp === undefined) return undefined;
    const users = this.#users(name);
    const pollFailure = this.#deps.accounts.runtime(name)?.fleet.pollFailure;
    return this.#farewell.remains(object, { users, organization, pollFailure, census }) ?? 'nothing';
  }

  /** A CRD that is older than this release drops what it does not know, without a word: nothing would ever be proven. */
  #checkKept({ metadata, status }: CustomObject, desired: GpuAccountStatus): void {
    const kept = (status ?? {}) as GpuAccountStatus;
    if (kept.organization?.keyFingerprint === desired.organization?.keyFingerprint) return;
    this.#deps.accounts.block(metadata.name, 'CrdOutdated', crdIsOlder);
  }

  /** Our own writes wake nobody, but what is proven by this one lets the resources go on. */
  #wakeUsers(name: string, { organization }: GpuAccountStatus): void {
    const state = this.#deps.accounts.state(name);
    const reason = state?.kind === 'notReady' ? state.reason : '';
    const view = `${organization?.keyFingerprint ?? ''} ${reason}`;
    if (this.#views.get(name) === view) return;
    this.#views.set(name, view);
    this.#deps.wakeUsers(name);
  }

  /**
   * Before VMs are deleted by what the stores do not have, or released by priorities that they may not have: where nothing can be
   * read none is deleted, and no time is counted for any, but money is spent meanwhile.
   */
  async #catchUp(object: CustomObject): Promise<void> {
    const { catchUp, log } = this.#deps;
    if (policyOf(object).policy !== 'Delete' && !mayRelease(object)) return;
    await catchUp.attempt((error) => {
      log.warn(
        { account: object.metadata.name, error },
        'resources not read: no unmanaged VM is deleted, and VMs are released for want of balance by what is known',
      );
    });
  }

  #users(account: string): string[] {
    return this.#deps.vms.byIndex('account', account).map(resourceName).sort();
  }

  #census(object: CustomObject, configured: Configured): Census | undefined {
    const runtime = this.#deps.accounts.runtime(object.metadata.name);
    const list = runtime === undefined ? undefined : provenList(configured, runtime);
    return list === undefined
      ? undefined
      : takeCensus(this.#deps, object, { list, isComplete: this.#deps.catchUp.isDone });
  }

  /** Whoever waited for it to be written down goes on, by what is stored. */
  #settleKept(name: string): void {
    const stored = keptIn(this.#deps.store.get(name)?.status);
    for (const key of this.#deps.keepers.settle(name, stored)) this.#deps.wake(key);
  }

  /** What is to be known by the next time. By the account as it is now: a key may have been proven by what was just written. */
  #ask(name: string, { balance }: AccountObservation): void {
    const { accounts, store } = this.#deps;
    const [account, state] = [store.get(name), accounts.state(name)];
    if (account === undefined || state?.kind !== 'ready') return;
    askForReports(parseAccount(account), state.runtime);
    this.#keeper.ask(account, balance, state.runtime);
  }

  #observe(
    object: CustomObject,
    configured: Configured,
    { remains, census }: { readonly remains: Remains | undefined; readonly census: Census | undefined },
  ): AccountObservation {
    const runtime = this.#deps.accounts.runtime(object.metadata.name);
    return {
      ...configured,
      now: this.#deps.clock.now(),
      generation: object.metadata.generation,
      status: object.status ?? {},
      pollFailure: runtime?.fleet.pollFailure,
      listed: census,
      sweep: policyOf(object),
      installation: this.#deps.installation,
      keptVms: keptBy(this.#deps, object, census?.list),
      distrusted: census?.list.distrusted,
      reports: observeReports(parseAccount(object), runtime),
      check: runtime?.check.verdict,
      balance: this.#keeper.observe(object),
      remains,
    };
  }
}

function mayRelease(account: CustomObject): boolean {
  return parseAccount(account)?.limits?.releaseBelowRunway !== undefined;
}

/** The list of another organization says nothing about the VMs of this one. */
function provenList({ organization }: Configured, runtime: AccountRuntime): Snapshot | undefined {
  return organization?.kind === 'proven' ? listAskedAs(runtime.keyFingerprint, runtime) : undefined;
}
