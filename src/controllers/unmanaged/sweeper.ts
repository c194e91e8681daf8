import { conditionOf } from '../../api/conditions.ts';
import type { GpuAccountStatus } from '../../api/gpu-account.ts';
import { unmanagedIn } from '../../api/unmanaged-vms.ts';
import { gpuAccountType } from '../../api/group.ts';
import type { Outcome, KubeApi, ReconcileContext, Reconciler } from '../../kube/contract.ts';
import type { Random } from '../../lib/backoff.ts';
import type { Logger } from '../../lib/logger.ts';
import { settled } from '../../lib/settled.ts';
import { objectionBeforehand, objectionTo, type Known } from '../../plan/unmanaged/objections.ts';
import { isProviderError, ProviderError } from '../../provider/error.ts';
import type { Lane, Ticket } from '../../provider/gate-contract.ts';
import { listAskedAs, provenList, type AccountRuntime } from '../accounts.ts';
import type { CustomObject } from '../objects.ts';
import { vmKinds } from '../vm/kinds.ts';
import { claimantOf, isOwned, type CensusDeps } from './census.ts';
import type { Attempts } from './memory.ts';

export interface SweeperDeps extends CensusDeps {
  readonly kube: KubeApi;
  readonly random: Random;
  readonly log: Logger;
  readonly leadership: { assertLeading(): void };
  /** How soon it is looked again at what is not deleted at the moment. */
  readonly retryMs: number;
  deleted(account: string): void;
  /** There is something to say of the account. */
  wakeAccount(account: string): void;
}

/** More at once would only wait for the same gate. */
const mostAtOnce = 16;

/**
 * Deletes VMs that nobody owns, when the account has written down that they go. Whether they should was decided by stores, lists
 * and counted time; in the moment before each call everything is asked for anew that could speak against it, of the API server
 * itself, since what is deleted here comes back by nothing.
 */
export class UnmanagedSweeper implements Reconciler {
  readonly name = 'unmanaged';
  readonly #deps: SweeperDeps;

  constructor(deps: SweeperDeps) {
    this.#deps = deps;
  }

  async reconcile(account: string, { stopping, signal }: ReconcileContext): Promise<Outcome> {
    const object = this.#deps.store.get(account);
    if (object === undefined || !isConcerned(object)) return { kind: 'done' };
    const { attempts } = this.#deps.sweep.of(account);
    const runtime = this.#deps.accounts.usable(account, object.metadata.uid);
    if (runtime === undefined) return { kind: 'requeueAfter', delayMs: this.#deps.retryMs };
    const missing = missingIn(object, runtime);
    const wanted = [...new Set([...missing, ...dueIn(object)])];
    if (wanted.length === 0) return { kind: 'done' };
    const now = this.#deps.clock.now();
    const ready = wanted.filter((id) => attempts.nextTryAt(id) <= now).slice(0, mostAtOnce);
    if (ready.length === 0) {
      return { kind: 'requeueAfter', delayMs: Math.min(...wanted.map((id) => attempts.nextTryAt(id))) - now };
    }
    await settled(
      ready.map((id) => {
        const sweep = { object, id, runtime, attempts, stopping, signal };
        return missing.includes(id) ? this.#ask(sweep) : this.#delete(sweep);
      }),
    );
    return { kind: 'requeue' };
  }

  /**
   * VMs that vanish by the dozen make a list doubtful, and keep everybody from what needs proof, for minutes: as where somebody
   * deletes those by hand that nobody owns. Of a resource's VM the resource asks; of these nobody else would.
   */
  async #ask(sweep: Sweep): Promise<void> {
    const { object, id, runtime, attempts, signal } = sweep;
    const { keyFingerprint } = runtime;
    const ticket = await this.#turn(sweep, 'lookup');
    if (ticket === undefined) return;
    attempts.putOff(id, this.#deps.clock.now() + this.#deps.retryMs);
    try {
      const usable = this.#deps.accounts.usable(object.metadata.name, object.metadata.uid);
      // Another organization, whose key has taken the place of this one's meanwhile, knows nothing of the VM.
      if (usable !== runtime || runtime.keyFingerprint !== keyFingerprint) return;
      const vm = await ticket.run(() => runtime.provider.getVm(id, { signal }));
      if (vm.state === 'terminated') runtime.fleet.noteConfirmedGone(id);
      else runtime.fleet.noteFoundAlive(id);
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      if (error.kind === 'notFound') runtime.fleet.noteConfirmedGone(id);
    } finally {
      ticket.release();
    }
  }

  async #delete(sweep: Sweep): Promise<void> {
    const { attempts, id } = sweep;
    const { clock, random, retryMs } = this.#deps;
    // While the provider cannot be reached there is nothing to ask the API server for.
    const beforehand = objectionBeforehand(this.#known(sweep));
    if (beforehand !== undefined) {
      this.#noteLeftAlone(sweep, beforehand);
      attempts.putOff(id, clock.now() + retryMs);
      return;
    }
    const ticket = await this.#turn(sweep, 'stopMoney');
    if (ticket === undefined) return;
    try {
      const objection = await this.#objection(sweep);
      if (objection === undefined) {
        await this.#call(sweep, ticket);
        return;
      }
      this.#noteLeftAlone(sweep, objection);
      attempts.objectedTo(id, { now: clock.now(), retryMs, random });
    } finally {
      ticket.release();
    }
  }

  #noteLeftAlone({ object, id }: Sweep, objection: string): void {
    this.#deps.log.info({ account: object.metadata.name, vmId: id, objection }, 'unmanaged VM left alone');
  }

  /** What the process itself knows, at this moment. */
  #known({ object, id, runtime }: Sweep): Known {
    const { keyFingerprint, fleet } = runtime;
    const list = listAskedAs(keyFingerprint, runtime);
    const vm = list?.byId.get(id);
    return {
      ...{ id, installation: this.#deps.installation, list, keyFingerprint },
      isOwned:
        vm !== undefined && (isOwned(this.#deps, vm) || claimantOf(this.#deps, object.metadata.name, vm) !== undefined),
      isListFailing: fleet.pollFailure !== undefined,
      isRestored: this.#deps.sweep.isRestored,
    };
  }

  /** First the turn, which may take long to come, and then the last look: what it sees is not older than a request takes. */
  async #turn(sweep: Sweep, lane: Lane): Promise<Ticket | undefined> {
    const { runtime, stopping, attempts, id } = sweep;
    // From SIGTERM on the next process asks; what stops money goes on until it is broken off.
    const signal = lane === 'stopMoney' ? sweep.signal : stopping;
    try {
      return await runtime.gate.acquire(lane, signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!(error instanceof ProviderError)) throw error;
      // What ran for the account has ended meanwhile.
      attempts.putOff(id, this.#deps.clock.now() + this.#deps.retryMs);
      return undefined;
    }
  }

  async #objection(sweep: Sweep): Promise<string | undefined> {
    const { object, runtime } = sweep;
    const { kube, keepers, accounts } = this.#deps;
    const { name, uid } = object.metadata;
    // The list of VMs is from before: one that was made since is not in it, and of one that is in it the resource is older.
    const [{ items: all }, ...lists] = await Promise.all([
      kube.list<CustomObject>(gpuAccountType),
      ...vmKinds.map(({ type }) => kube.list<CustomObject>(type)),
    ]);
    // From here to the call nothing is awaited.
    if (accounts.usable(name, uid) !== runtime) return 'the account cannot be used';
    return objectionTo({
      ...this.#known(sweep),
      accountUid: uid,
      account: all.find(({ metadata }) => metadata.name === name),
      accounts: all,
      resources: lists.flatMap(({ items }) => items),
      pendingKept: keepers.all(),
    });
  }

  async #call({ object, id, runtime, attempts, signal }: Sweep, ticket: Ticket): Promise<void> {
    const { clock, random, log, leadership } = this.#deps;
    const account = object.metadata.name;
    if (signal.aborted) return;
    leadership.assertLeading();
    try {
      await ticket.run(() => {
        log.info({ account, vmId: id }, 'deleting an unmanaged VM');
        return runtime.fleet.whileDeleting(id, () => runtime.provider.deleteVm(id, { signal }));
      });
      this.#noteDeleted({ account, id, attempts });
    } catch (error) {
      if (isProviderError(error, 'notFound')) {
        this.#noteDeleted({ account, id, attempts });
        return;
      }
      if (!(error instanceof ProviderError)) throw error;
      const { message, retryAfterMs, kind } = error;
      attempts.failed(id, { message, retryAfterMs }, { now: clock.now(), random });
      log.warn({ account, vmId: id, kind, error: message }, 'unmanaged VM not deleted');
      this.#deps.wakeAccount(account);
    }
  }

  #noteDeleted({ account, id, attempts }: Pick<Sweep, 'id' | 'attempts'> & { readonly account: string }): void {
    attempts.confirmed(id, this.#deps.clock.now());
    this.#deps.deleted(account);
    this.#deps.log.info({ account, vmId: id }, 'unmanaged VM deleted');
    this.#deps.wakeAccount(account);
  }
}

interface Sweep {
  readonly object: CustomObject;
  readonly id: string;
  readonly runtime: AccountRuntime;
  readonly attempts: Attempts;
  readonly stopping: AbortSignal;
  readonly signal: AbortSignal;
}

/** Ids of VMs of which the account says that they go. */
export function dueIn({ status }: CustomObject): string[] {
  return unmanagedIn(status).flatMap(({ id, deletingSince }) => (deletingSince === undefined ? [] : [id]));
}

/** Whether there is anything to do about VMs that the account names. */
export function isConcerned(account: CustomObject): boolean {
  const { conditions } = (account.status ?? {}) as GpuAccountStatus;
  if (unmanagedIn(account.status).length === 0) return false;
  return dueIn(account).length > 0 || conditionOf(conditions, 'ListDistrusted')?.status === 'True';
}

/** Those that the account names, and that a doubtful list of its own organization does not have. */
function missingIn(account: CustomObject, runtime: AccountRuntime): string[] {
  const list = provenList(account, runtime);
  if (list?.distrusted === undefined) return [];
  return unmanagedIn(account.status).flatMap(({ id }) => (list.byId.has(id) || list.unreadable.has(id) ? [] : [id]));
}
