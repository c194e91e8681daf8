import { annotations, finalizerName, gpuPoolType } from '../../api/group.ts';
import type { GpuPoolStatus } from '../../api/gpu-pool.ts';
import { isKubeError, keyOf, type Outcome, type ReconcileContext, type Reconciler } from '../../kube/contract.ts';
import { addFinalizer, hasFinalizer, removeFinalizer } from '../../kube/finalizers.ts';
import { NotLeadingError } from '../../kube/leader.ts';
import { isEqualJson, writeStatus } from '../../kube/patch.ts';
import type { Store } from '../../kube/store.ts';
import type { Random } from '../../lib/backoff.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { PoolMember } from '../../plan/pool/observation.ts';
import { planPool, type PoolPlan } from '../../plan/pool/plan.ts';
import { statusOfDeletion, statusOfFailure, statusOfInvalid } from '../../plan/pool/status-else.ts';
import type { CustomObject } from '../objects.ts';
import { carryOut, deleteMembers, lookUpMembers, NamespaceEndsError, type PoolActDeps } from './act.ts';
import type { ContainerSecretDeps } from '../container-secret.ts';
import { announcementsFor } from './announcements.ts';
import { prepareContainer, secretsLookIn, tidyContainers } from './container.ts';
import { PoolMemory } from './memory.ts';
import { membersIn, membersOf, observePool, parsePool, type PoolObserveDeps, type PreparedPool } from './observe.ts';

export interface PoolControllerDeps extends Omit<PoolActDeps, 'vms' | 'mayGoOn'>, Omit<PoolObserveDeps, 'vms'> {
  readonly vms: PoolActDeps['vms'] & PoolObserveDeps['vms'];
  readonly store: Store<CustomObject>;
  readonly log: Logger;
  readonly container: ContainerSecretDeps;
  readonly leadership: { assertLeading(): void };
  readonly random: Random;
  /** How often is tried again what nothing tells of. */
  readonly retryMs: number;
}

interface Turn {
  readonly memory: PoolMemory;
  readonly signal: AbortSignal;
}

/** Rounds of one pass; a pool that wants more comes back at once, behind the others. */
const mostRounds = 8;

/**
 * One pool's control loop: observe, plan, carry out, until there is nothing to do but wait; then one write of the status, and
 * only if it changed. All that decides is in the members and in the status: the process may end between any two lines.
 */
export class GpuPoolController implements Reconciler {
  readonly name = 'gpupool';
  readonly #deps: PoolControllerDeps;
  /** By UID. */
  readonly #memories = new Map<string, PoolMemory>();
  /** UID of the object that a key stood for when it was last seen. */
  readonly #uids = new Map<string, string>();

  constructor(deps: PoolControllerDeps) {
    this.#deps = deps;
  }

  async reconcile(key: string, { signal }: ReconcileContext): Promise<Outcome> {
    const object = this.#deps.store.get(key);
    if (this.#uids.get(key) !== object?.metadata.uid) this.#forget(key);
    if (object === undefined) return { kind: 'done' };
    const { uid } = object.metadata;
    this.#uids.set(key, uid);
    const memory = this.#memories.get(uid) ?? new PoolMemory();
    this.#memories.set(uid, memory);
    try {
      return await this.#run(key, uid, { memory, signal });
    } catch (error) {
      if (error instanceof NamespaceEndsError) return await this.#waitForEnd(object);
      if (!signal.aborted) await this.#noteFailure(object, error);
      throw error;
    }
  }

  #forget(key: string): void {
    this.#memories.delete(this.#uids.get(key) ?? '');
    this.#uids.delete(key);
  }

  async #run(key: string, uid: string, { memory, signal }: Turn): Promise<Outcome> {
    for (let round = 0; round < mostRounds && !signal.aborted; round++) {
      const pool = this.#deps.store.get(key);
      // Another one of this name may have come meanwhile: what is known of the members of the one before is not about its own.
      if (pool === undefined || pool.metadata.uid !== uid) return { kind: 'requeue' };
      memory.keepOnly(new Set(membersIn(this.#deps, pool).map(({ metadata }) => metadata.uid)));
      const end = await this.#round(pool, { memory, signal });
      if (end !== undefined) return end;
    }
    return { kind: 'requeue' };
  }

  /** Undefined: something was done, and it has to be looked again. */
  async #round(pool: CustomObject, turn: Turn): Promise<Outcome | undefined> {
    const { memory } = turn;
    if (pool.metadata.deletionTimestamp !== undefined) return this.#letGo(pool, turn);
    const parsed = parsePool(pool);
    if (typeof parsed === 'string') return this.#sayInvalid(pool, parsed, memory);
    if (!hasFinalizer(pool, finalizerName)) return this.#hold(pool);
    const prepared = await prepareContainer(this.#deps.container, pool, parsed);
    const plan = planPool(observePool(this.#deps, pool, prepared, memory));
    if (plan.isExpired) return this.#expire(pool);
    if (!isToDo(plan)) return this.#rest(pool, plan, prepared);
    return this.#act(pool, plan, turn);
  }

  async #hold(pool: CustomObject): Promise<Outcome | undefined> {
    try {
      this.#deps.store.applyWrite(await addFinalizer(this.#deps.kube, gpuPoolType, pool, finalizerName));
      return undefined;
    } catch (error) {
      if (isKubeError(error, 'notFound')) return { kind: 'requeue' };
      throw error;
    }
  }

  async #act(pool: CustomObject, plan: PoolPlan, turn: Turn): Promise<Outcome | undefined> {
    const { memory } = turn;
    if (!memory.isSure) {
      // Another process may have acted a moment ago, and its members are not in the store yet.
      await lookUpMembers(this.#deps, pool);
      memory.isSure = true;
      return undefined;
    }
    if ((await this.#current(pool)) === undefined) return { kind: 'requeue' };
    this.#deps.leadership.assertLeading();
    // What the status says of repairs has to outlive the members that it was learned from.
    if (!isEqualJson(plan.breaker, (pool.status as GpuPoolStatus | undefined)?.breaker)) {
      const isWritten = await this.#writeStatus(pool, plan.status, plan);
      return isWritten ? this.#actOn(pool, plan, turn) : { kind: 'requeue' };
    }
    return this.#actOn(pool, plan, turn);
  }

  async #actOn(pool: CustomObject, plan: PoolPlan, { memory, signal }: Turn): Promise<undefined> {
    const { namespace, name } = pool.metadata;
    const counts = { deletions: plan.deletions.length, creations: plan.creations.length, patches: plan.patches.length };
    this.#deps.log.info({ key: `${namespace ?? ''}/${name}`, ...counts }, 'changing the members of a pool');
    await carryOut(this.#actDeps(signal), pool, plan, memory);
    return undefined;
  }

  #actDeps(signal: AbortSignal): PoolActDeps {
    return { ...this.#deps, mayGoOn: (pool) => this.#mayGoOn(pool, signal) };
  }

  /** Throws where this process leads no more. */
  #mayGoOn(pool: CustomObject, signal: AbortSignal): boolean {
    this.#deps.leadership.assertLeading();
    const present = this.#deps.store.get(keyOf(pool.metadata));
    return !signal.aborted && present !== undefined && isEqualJson(basisOf(present), basisOf(pool));
  }

  /**
   * Members cost money, and what is deleted is gone: what that rests on is read once more. Undefined: it is not as it was. An
   * annotation does not change the generation, and one of them pauses the pool.
   */
  async #current(pool: CustomObject): Promise<CustomObject | undefined> {
    const { store, kube } = this.#deps;
    const present = await kube.get<CustomObject>(gpuPoolType, pool.metadata);
    if (present === undefined) return undefined;
    store.applyWrite(present);
    return isEqualJson(basisOf(present), basisOf(pool)) ? present : undefined;
  }

  async #rest(pool: CustomObject, plan: PoolPlan, { spec, blocked }: PreparedPool): Promise<Outcome> {
    const { clock, random, retryMs } = this.#deps;
    if (!(await this.#writeStatus(pool, plan.status, plan))) return { kind: 'requeue' };
    if (blocked !== undefined) return { kind: 'requeueAfter', delayMs: retryMs };
    await tidyContainers(this.#deps, pool, spec.template.spec);
    const lookIn = plan.lookAt === undefined ? undefined : Math.max(1, plan.lookAt - clock.now());
    const delays = [lookIn, secretsLookIn(spec, random)].filter((delay) => delay !== undefined);
    return delays.length === 0 ? { kind: 'done' } : { kind: 'requeueAfter', delayMs: Math.min(...delays) };
  }

  async #expire(pool: CustomObject): Promise<Outcome> {
    const { kube, announce } = this.#deps;
    const present = await this.#current(pool);
    if (present === undefined) return { kind: 'requeue' };
    this.#deps.leadership.assertLeading();
    const { uid, resourceVersion } = present.metadata;
    try {
      await kube.delete(gpuPoolType, pool.metadata, { uid, resourceVersion });
    } catch (error) {
      // Somebody has changed it meanwhile: to pause it, perhaps, so that it stays.
      if (isKubeError(error, 'notFound', 'conflict')) return { kind: 'requeue' };
      throw error;
    }
    announce(pool, { type: 'Normal', reason: 'Expired', message: 'Deleted, as it is older than spec.expireAfter.' });
    return { kind: 'done' };
  }

  /** All members are deleted, and then the pool goes; but not those that somebody wants to keep (kubectl delete --cascade=orphan). */
  async #letGo(pool: CustomObject, { memory, signal }: Turn): Promise<Outcome | undefined> {
    if (!hasFinalizer(pool, finalizerName)) return { kind: 'done' };
    if (pool.metadata.finalizers?.includes('orphan') === true) return this.#release(pool);
    const isHere = ({ isDeleting }: PoolMember): boolean => !isDeleting;
    // By what the API server has: of --cascade=orphan nothing is left in the pool once its members have lost their owner.
    if (membersOf(this.#deps, pool, memory).some(isHere)) await lookUpMembers(this.#deps, pool);
    const members = membersOf(this.#deps, pool, memory);
    const here = members.filter(isHere);
    if (here.length > 0) {
      this.#deps.leadership.assertLeading();
      await deleteMembers(
        this.#actDeps(signal),
        pool,
        here.map((member) => ({ member, why: 'the pool is being deleted' })),
        memory,
      );
      return undefined;
    }
    if (members.length > 0) {
      const { generation } = pool.metadata;
      const desired = statusOfDeletion(pool.status ?? {}, members, { now: this.#deps.clock.now(), generation });
      // Members tell when they go; should one be forgotten, the pool must not wait for it for ever.
      const later: Outcome = { kind: 'requeueAfter', delayMs: this.#deps.retryMs };
      return (await this.#writeStatus(pool, desired)) ? later : { kind: 'requeue' };
    }
    // The store may be behind; what is left behind would have no owner.
    const left = await lookUpMembers(this.#deps, pool);
    return left.length > 0 ? { kind: 'requeueAfter', delayMs: 1000 } : this.#release(pool);
  }

  async #release(pool: CustomObject): Promise<Outcome> {
    const left = await removeFinalizer(this.#deps.kube, gpuPoolType, pool, finalizerName);
    if (left !== undefined) this.#deps.store.applyWrite(left);
    return { kind: 'done' };
  }

  async #sayInvalid(pool: CustomObject, problem: string, memory: PoolMemory): Promise<Outcome> {
    // For how long a member has been broken goes on being watched: it may become Ready meanwhile, and break again.
    membersOf(this.#deps, pool, memory);
    const when = { now: this.#deps.clock.now(), generation: pool.metadata.generation };
    const isWritten = await this.#writeStatus(pool, statusOfInvalid(pool.status ?? {}, problem, when));
    return isWritten ? { kind: 'done' } : { kind: 'requeue' };
  }

  /** Its pools are deleted by the namespace's own controller. */
  async #waitForEnd(before: CustomObject): Promise<Outcome> {
    await this.#say(before, 'The namespace is being deleted: no members are made in it.');
    return { kind: 'requeueAfter', delayMs: this.#deps.retryMs };
  }

  async #noteFailure(before: CustomObject, failure: unknown): Promise<void> {
    if (isKubeError(failure, 'unavailable', 'conflict') || failure instanceof NotLeadingError) return;
    const why = isKubeError(failure)
      ? `the API server refused a step: ${failure.message.slice(0, longestReason)}`
      : 'see the log of the operator';
    await this.#say(before, `The last reconcile failed, tried again by itself: ${why}`);
  }

  async #say({ metadata }: CustomObject, message: string): Promise<void> {
    const key = keyOf(metadata);
    const pool = this.#deps.store.get(key);
    if (pool?.metadata.uid !== metadata.uid) return;
    try {
      const when = { now: this.#deps.clock.now(), generation: pool.metadata.generation };
      await this.#writeStatus(pool, statusOfFailure(pool.status ?? {}, message, when));
    } catch (error) {
      this.#deps.log.debug({ key, error: messageOf(error) }, 'failure not written to the status');
    }
  }

  async #writeStatus(
    pool: CustomObject,
    desired: GpuPoolStatus,
    { isBreakerClosed }: Pick<PoolPlan, 'isBreakerClosed'> = { isBreakerClosed: false },
  ): Promise<boolean> {
    const before = (pool.status ?? {}) as GpuPoolStatus;
    if (isEqualJson(before, desired)) return true;
    try {
      this.#deps.store.applyWrite(await writeStatus(this.#deps.kube, gpuPoolType, pool, { desired, lock: true }));
    } catch (error) {
      if (isKubeError(error, 'conflict', 'notFound')) return false;
      throw error;
    }
    for (const said of announcementsFor(before, desired, isBreakerClosed)) this.#deps.announce(pool, said);
    return true;
  }
}

/** What of a pool its plan rests on, as far as users decide it. */
function basisOf({ metadata }: CustomObject): object {
  const { uid, generation, deletionTimestamp, annotations: all = {} } = metadata;
  return {
    uid,
    generation,
    deletionTimestamp,
    isPaused: all[annotations.paused],
    asked: all[annotations.reconcileRequestedAt],
  };
}

function isToDo({ deletions, creations, patches }: PoolPlan): boolean {
  return deletions.length + creations.length + patches.length > 0;
}

const longestReason = 500;
