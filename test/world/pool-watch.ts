import { conditionOf } from '../../src/api/conditions.ts';
import { gpuPoolSpecSchema, type GpuPoolSpec, type GpuPoolStatus } from '../../src/api/gpu-pool.ts';
import { gpuPoolType, labels } from '../../src/api/group.ts';
import { markOf } from '../../src/api/vm-name.ts';
import type { VmSpec, VmStatus } from '../../src/api/vm.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import type { Vm } from '../../src/sim/state.ts';
import { isOnItsWayOut } from './spot-facts.ts';

export interface PoolFacts {
  now(): number;
  /** Resources that stand for one VM. */
  resources(): readonly CustomObject[];
  resourceOf(uid: string): CustomObject | undefined;
  pools(): readonly CustomObject[];
  liveVms(): readonly Vm[];
  writersClocks(): { readonly aheadMs: number; readonly behindMs: number };
  readonly isOneActing: boolean;
  isCalm(): boolean;
  /** How long a process was frozen, all in all. */
  frozenMs(): number;
  /** Whether somebody has edited the status of this resource. */
  isExcused(uid: string): boolean;
  /** What the provider has shown of a VM so far. */
  statusesOf(vmId: string): ReadonlySet<string>;
  complain(what: string): void;
}

/** What was decided by may have been read so long ago, beside the time that its reader was frozen. */
const onTheWayMs = 10_000;
/** A deploy call may take effect so long after it was decided. */
const callOnTheWayMs = 180_000;
/** Users change a pool of at most four members up to fifteen times, and what fails is replaced at growing intervals. */
const mostMadePerHour = 200;

/**
 * Holds the world to what is promised of pools: as a Deployment never more members than replicas and surge, never fewer
 * that are available by a deletion of the operator's than replicas less maxUnavailable; no more on one host than the spread
 * allows; in the end as many as are wanted, all of the template; and none whose pool is gone.
 */
export class PoolWatch {
  readonly #facts: PoolFacts;
  /** By UID, what users have asked for, and when. */
  readonly #specs = new Map<string, { readonly at: number; readonly spec: GpuPoolSpec }[]>();
  /** By UID, when a user last deleted a member. */
  readonly #disrupted = new Map<string, { readonly at: number; readonly frozenMs: number }>();
  /** By UID, when each member of the last hour was made. */
  readonly #made = new Map<string, readonly number[]>();
  /** By UID. */
  readonly #namespaces = new Map<string, string | undefined>();

  constructor(facts: PoolFacts) {
    this.#facts = facts;
  }

  /** A user has made a pool, or changed its spec. */
  afterSpec({ metadata: { uid, namespace }, spec }: CustomObject): void {
    this.#namespaces.set(uid, namespace);
    const asked = this.#specs.get(uid) ?? [];
    this.#specs.set(uid, [...asked, { at: this.#facts.now(), spec: gpuPoolSpecSchema.parse(spec) }]);
  }

  /** Somebody has made a resource that stands for a VM. */
  afterCreated(member: CustomObject): void {
    const uid = poolUidOf(member);
    if (uid === undefined) return;
    const specs = this.#inForce(uid);
    const most = Math.max(...specs.map(({ replicas, updateStrategy }) => replicas + surgeOf(updateStrategy)));
    const count = this.#membersOf(uid).length;
    // Two that act at once may give names that are different ones to members that are to take the same place.
    if (count > most && this.#facts.isOneActing)
      this.#facts.complain(`pool ${nameOf(member)} has ${count} members, ${most} at most are allowed`);
    this.#countMade(uid, member);
  }

  /** Whatever fails: members are not made and deleted for ever. */
  #countMade(uid: string, member: CustomObject): void {
    const since = this.#facts.now() - 3_600_000;
    const made = [...(this.#made.get(uid) ?? []), this.#facts.now()].filter((at) => at >= since);
    this.#made.set(uid, made);
    if (made.length === mostMadePerHour)
      this.#facts.complain(`pool ${nameOf(member)} has made ${made.length} members within an hour`);
  }

  /** A user deletes a member: what the operator deletes at the same moment was decided before. */
  beforeDeletedByUser(member: CustomObject): void {
    const uid = poolUidOf(member);
    if (uid !== undefined) this.#disrupted.set(uid, { at: this.#facts.now(), frozenMs: this.#facts.frozenMs() });
  }

  /** The operator is about to delete a member that is not being deleted: what there is to say if the API server lets it. */
  objectionToDeletion(member: CustomObject): string | undefined {
    const uid = poolUidOf(member);
    const pool = this.#facts.pools().find(({ metadata }) => metadata.uid === uid);
    if (uid === undefined || pool === undefined || pool.metadata.deletionTimestamp !== undefined) return undefined;
    const mayExpire = (member.spec as VmSpec).expireAfter !== undefined;
    const isUsersDoing = mayExpire || this.#isDisrupted(uid);
    if (!this.#facts.isOneActing || !this.#facts.isCalm() || isUsersDoing) return undefined;
    // Allowed is what any spec allows that may have been decided by.
    const shortfalls = this.#inForce(uid).map((spec) => this.#shortfallWithout(member, uid, spec));
    const [shortfall] = shortfalls;
    if (shortfall === undefined || shortfalls.some((one) => one === undefined)) return undefined;
    return `${member.metadata.name} is deleted, which leaves ${shortfall}`;
  }

  /** How many are available without this member, of how many that have to be; undefined where that is allowed. */
  #shortfallWithout(member: CustomObject, uid: string, spec: GpuPoolSpec): string | undefined {
    if (!this.#isAvailable(member, spec)) return undefined;
    const least = Math.max(0, spec.replicas - spec.updateStrategy.maxUnavailable);
    const left = this.#membersOf(uid).filter((one) => one !== member && this.#isAvailable(one, spec)).length;
    return left < least ? `${left} available of ${least}` : undefined;
  }

  /** A VM was deployed for a member. */
  afterDeployed(vm: Vm, owner: CustomObject): void {
    const uid = poolUidOf(owner);
    if (uid === undefined || !this.#facts.isOneActing) return;
    this.#checkCost(uid);
    this.#checkSpread(vm, uid);
  }

  /** By what each was to cost: that a host has become dearer meanwhile is seen by the next list. */
  #checkCost(uid: string): void {
    // A status that somebody has emptied hides what its VM costs, while lists hide the VM.
    if (this.#hidesAnything(uid)) return;
    const allowed = this.#inForce(uid, callOnTheWayMs);
    const most = Math.max(...allowed.map(({ maxHourlyCost }) => Number(maxHourlyCost ?? Infinity)));
    const cost = this.#facts.liveVms().reduce((sum, vm) => sum + this.#costOf(vm, uid), 0);
    if (cost > most + 1e-6) this.#facts.complain(`the members of a pool cost ${cost}, ${most} at most are allowed`);
  }

  /** Nobody is asked where the market brings a VM back that was outbid. */
  #costOf({ id, name, holdsCompute, computeRate, storageRate }: Vm, uid: string): number {
    if (this.#facts.statusesOf(id).has('Outbid')) return 0;
    const owner = this.#facts.resourceOf(markOf(name)?.uid ?? '');
    if (owner === undefined || poolUidOf(owner) !== uid || !holdsCompute) return 0;
    const { launch } = (owner.status ?? {}) as VmStatus;
    const actual = (computeRate + storageRate) / 1e9;
    return launch?.name === name ? Math.min(actual, Number(launch.quotedHourlyPrice)) : actual;
  }

  #checkSpread(vm: Vm, uid: string): void {
    const spreads = this.#inForce(uid, callOnTheWayMs).map(({ spread }) => spread);
    if (spreads.some((spread) => spread?.by !== 'Hostnode')) return;
    // An edited status hides where its VM is.
    if (this.#hidesAnything(uid)) return;
    const most = Math.max(...spreads.map((spread) => spread?.maxPerDomain ?? Infinity));
    const there = this.#facts
      .liveVms()
      .filter((one) => one.host === vm.host && !isOnItsWayOut(one) && this.#isOf(one, uid));
    if (there.length > most)
      this.#facts.complain(`${there.length} members of a pool are on host ${vm.host.id}, ${most} at most are allowed`);
  }

  /** Once things are quiet. */
  checkQuiet(): void {
    const pools = this.#facts.pools();
    for (const member of this.#facts.resources()) {
      const uid = poolUidOf(member);
      if (uid !== undefined && !pools.some(({ metadata }) => metadata.uid === uid))
        this.#facts.complain(`${member.metadata.name} is left of a pool that is gone`);
    }
    for (const pool of pools) this.#checkSize(pool);
  }

  #checkSize(pool: CustomObject): void {
    const spec = gpuPoolSpecSchema.parse(pool.spec);
    const { templateHash } = (pool.status ?? {}) as GpuPoolStatus;
    const members = this.#membersOf(pool.metadata.uid);
    const { name } = pool.metadata;
    if (members.length !== spec.replicas)
      this.#facts.complain(`${name} has ${members.length} members, and is to have ${spec.replicas}`);
    const older = members.filter(({ metadata }) => metadata.labels?.[labels.templateHash] !== templateHash);
    if (older.length > 0 && spec.updateStrategy.type !== 'OnDelete')
      this.#facts.complain(`${older.length} members of ${name} are of an older template`);
  }

  /** A user has deleted a member, and whoever decides may not know yet: it may have been frozen since. */
  #isDisrupted(uid: string): boolean {
    const disrupted = this.#disrupted.get(uid);
    if (disrupted === undefined) return false;
    const frozenMs = this.#facts.frozenMs() - disrupted.frozenMs;
    return this.#facts.now() - disrupted.at <= onTheWayMs + frozenMs;
  }

  /** The status of one of its members was edited, be that one on its way out. */
  #hidesAnything(uid: string): boolean {
    return this.#facts.resources().some((one) => poolUidOf(one) === uid && this.#facts.isExcused(one.metadata.uid));
  }

  /**
   * All specs that the operator may have decided by.
   *
   * @param lateMs for how long a call that was allowed may be on its way */
  #inForce(uid: string, lateMs = onTheWayMs): GpuPoolSpec[] {
    const asked = this.#specs.get(uid) ?? [];
    const since = this.#facts.now() - lateMs - this.#facts.writersClocks().behindMs;
    return asked.filter((_, index) => (asked[index + 1]?.at ?? Infinity) >= since).map(({ spec }) => spec);
  }

  #membersOf(uid: string): CustomObject[] {
    return this.#facts
      .resources()
      .filter((object) => poolUidOf(object) === uid && object.metadata.namespace === this.#namespaces.get(uid))
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  #isAvailable({ status }: CustomObject, spec: GpuPoolSpec): boolean {
    const ready = conditionOf((status as VmStatus | undefined)?.conditions, 'Ready');
    if (ready?.status !== 'True') return false;
    // By the clock of whoever wrote it.
    const since = Date.parse(ready.lastTransitionTime) - this.#facts.writersClocks().aheadMs;
    return this.#facts.now() - since >= 1000 * spec.minReadySeconds;
  }

  #isOf({ id, name }: Vm, uid: string): boolean {
    const owner = this.#facts.resourceOf(markOf(name)?.uid ?? '');
    const { retiring = [] } = (owner?.status ?? {}) as VmStatus;
    // The disk of one that was replaced serves nobody.
    return owner !== undefined && poolUidOf(owner) === uid && !retiring.some((vm) => vm.id === id);
  }
}

function surgeOf({ type, maxSurge }: GpuPoolSpec['updateStrategy']): number {
  return type === 'OnDelete' ? 0 : maxSurge;
}

function poolUidOf({ metadata }: CustomObject): string | undefined {
  return metadata.ownerReferences?.find(({ kind, controller }) => kind === gpuPoolType.kind && controller === true)
    ?.uid;
}

function nameOf({ metadata }: CustomObject): string {
  return metadata.labels?.[labels.pool] ?? '';
}
