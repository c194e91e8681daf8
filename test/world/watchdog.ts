import {
  annotations,
  finalizerName,
  gpuAccountType,
  gpuBudgetType,
  gpuPoolType,
  spotVmType,
} from '../../src/api/group.ts';
import type { GpuAccountStatus } from '../../src/api/gpu-account.ts';
import type { VmSpec, VmStatus } from '../../src/api/vm.ts';
import { conditionOf } from '../../src/api/conditions.ts';
import { markOf } from '../../src/api/vm-name.ts';
import { parseVm } from '../../src/controllers/vm/parse.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import { money } from '../../src/lib/money.ts';
import type { InstantVm, Vm } from '../../src/sim/state.ts';
import type { Exchange, SimRequest } from '../../src/sim/index.ts';
import { ClockWatch } from './clock-watch.ts';
import { isVmKind } from './kinds.ts';
import { BalanceWatch } from './balance-watch.ts';
import { BudgetWatch } from './budget-watch.ts';
import { InstantWatch } from './instant-watch.ts';
import { PoolWatch } from './pool-watch.ts';
import { isOnItsWayOut, type SpotFacts } from './spot-facts.ts';
import { SpotWatch } from './spot-watch.ts';
import { UnmanagedWatch } from './unmanaged-watch.ts';
import { lacksSynced, problemsOfConditions, problemsOfVmStatus } from '../support/status-check.ts';

/** What the watchdog looks at; everything as it really is, not as anybody believes it to be. */
export interface Facts {
  now(): number;
  liveVms(): readonly Vm[];
  /** That the provider keeps ready. */
  instants(): ReadonlyMap<string, InstantVm>;
  /**
   * What the writers' clocks may have shown when they decided what is written now: how far ahead of `now` at most, and how
   * far behind (behind by their skew, and by the time that they were frozen).
   */
  writersClocks(): { readonly aheadMs: number; readonly behindMs: number };
  /** Resources of the cluster, by UID. */
  resourceOf(uid: string): CustomObject | undefined;
  resources(): readonly CustomObject[];
  pools(): readonly CustomObject[];
  account(): CustomObject | undefined;
  /** How long a process was frozen, all in all. */
  frozenMs(): number;
  /** Whether one process acts, or two believe that they do. */
  readonly isOneActing: boolean;
  /** Nothing is in the operator's way: it runs, its calls and writes arrive, and lists tell the truth. */
  isCalm(): boolean;
}

/** What a reason of Ready says that the provider said of the VM. */
const claims: Readonly<Record<string, readonly string[]>> = {
  Running: ['Running'],
  Stopped: ['Stopped'],
  // A spot VM that was outbid has given its GPU back as well.
  Released: ['StoppedDisassociated', 'Outbid'],
};

/** Holds the world to the invariants after every step. A sentence for each breach, with the time. */
export class Watchdog {
  readonly breaches: string[] = [];
  readonly #facts: Facts;
  readonly #installation: string;
  readonly pools: PoolWatch;
  readonly budgets: BudgetWatch;
  readonly balances: BalanceWatch;
  readonly #spot: SpotWatch;
  readonly #clock: ClockWatch;
  readonly #instants: InstantWatch;
  readonly unmanaged: UnmanagedWatch;
  #wasCalm = false;
  /** What the provider has said of each VM so far, by id. */
  readonly #statuses = new Map<string, Set<string>>();
  /** By VM, with the UID in its name. */
  readonly #firstRuns = new Map<string, { readonly at: number; readonly uid: string | undefined }>();
  /** Ids of VMs that a resource has recorded as its own. */
  readonly #everOwned = new Set<string>();
  readonly #everRetiring = new Set<string>();
  /** UIDs of resources whose status somebody has edited: an intent may have been written, and be there no more. */
  readonly #excused = new Set<string>();
  /** UIDs of resources that are gone and were to leave their VM behind, be it one that comes after them. */
  readonly #letGo = new Set<string>();
  /** UIDs of resources whose finalizer somebody has taken off: what becomes of their VMs nobody promises. */
  readonly #forced = new Set<string>();
  /** The size that each VM had when it was first seen. */
  readonly #firstSizes = new Map<string, Vm['size']>();

  constructor(installation: string, facts: Facts) {
    this.#installation = installation;
    this.#facts = facts;
    this.pools = new PoolWatch({
      ...facts,
      isExcused: (uid) => this.#excused.has(uid),
      statusesOf: (vmId) => this.#statuses.get(vmId) ?? new Set(),
      complain: (what) => {
        this.complain(what);
      },
    });
    this.balances = new BalanceWatch({
      ...facts,
      isExcused: (uid) => this.#excused.has(uid),
      complain: (what) => {
        this.complain(what);
      },
    });
    this.budgets = new BudgetWatch({
      ...facts,
      isExcused: (uid) => this.#excused.has(uid),
      statusesOf: (vmId) => this.#statuses.get(vmId) ?? new Set(),
      complain: (what) => {
        this.complain(what);
      },
    });
    const watched: Omit<SpotFacts, 'firstSaidAt'> = {
      ...facts,
      isExcused: (uid) => this.#excused.has(uid),
      firstRanAt: (vmId) => this.#firstRuns.get(vmId)?.at,
      firstRanOf: (uid, except) => this.#firstRanOf(uid, except),
      statusesOf: (vmId) => this.#statuses.get(vmId) ?? new Set(),
      complain: (what) => {
        this.complain(what);
      },
    };
    this.#spot = new SpotWatch(watched);
    this.#clock = new ClockWatch(watched);
    this.#instants = new InstantWatch({ ...watched, instants: () => facts.instants() });
    this.unmanaged = new UnmanagedWatch({ ...facts, ...watched, installation, isLetGo: (uid) => this.#letGo.has(uid) });
  }

  /** Somebody has edited the status of this resource. */
  excuse(uid: string): void {
    this.#excused.add(uid);
  }

  /** Somebody is about to take the finalizer off this resource, and to delete it. */
  expectForce({ metadata: { uid }, status }: CustomObject): void {
    this.#forced.add(uid);
    this.#letGo.add(uid);
    const { vm } = (status ?? {}) as VmStatus;
    if (vm?.adopted === true) this.#everOwned.delete(vm.id);
  }

  /** Somebody makes a VM with this name, as a deploy call might that takes effect when its resource is long gone. */
  expectStray(name: string): void {
    const mark = markOf(name);
    if (mark !== undefined) this.#letGo.add(mark.uid);
  }

  /** A request leaves for the provider. */
  onSend(process: string, request: SimRequest): void {
    this.unmanaged.onSend(request);
    this.#spot.onSend(process, request);
    this.#instants.onSend(request);
  }

  /** A process has ended; what it knew in its memory is gone. */
  onEnd(process: string): void {
    this.#spot.onEnd(process);
  }

  onArrival(): void {
    this.#spot.onArrival();
    this.#wasCalm = this.#facts.isCalm();
  }

  /** After the provider has dealt with a request. */
  afterExchange(request: SimRequest, exchange: Exchange): void {
    this.#noteSaid(exchange);
    this.#look();
    this.balances.afterExchange(request, exchange);
    this.budgets.afterExchange(request, exchange);
    this.#spot.afterExchange(request, exchange);
    this.#instants.afterExchange(request, exchange);
    this.#clock.afterExchange(request, exchange, this.#wasCalm);
  }

  /** What a list said counts, too, where a VM changes right after it. */
  #noteSaid(exchange: Exchange): void {
    if (exchange.kind !== 'answer' || !exchange.answer.body.startsWith('{"success":true,"virtualmachines":')) return;
    const said = parsed(exchange.answer.body);
    for (const [id, { name, status }] of Object.entries(said?.virtualmachines ?? {}))
      this.#noteStatus({ id, name }, status);
  }

  #noteStatus({ id, name }: { readonly id: string; readonly name: string }, status: string): void {
    const statuses = this.#statuses.get(id) ?? new Set();
    this.#statuses.set(id, statuses.add(status));
    if (status === 'Running' && !this.#firstRuns.has(id))
      this.#firstRuns.set(id, { at: this.#facts.now(), uid: markOf(name)?.uid });
  }

  #firstRanOf(uid: string, except: string): number | undefined {
    return [...this.#firstRuns].find(([id, ran]) => ran.uid === uid && id !== except)?.[1].at;
  }

  /** Something has happened at the provider beside all requests. */
  look(): void {
    this.#look();
    this.#spot.look();
  }

  #look(): void {
    this.balances.look();
    this.unmanaged.look();
    const byOwner = new Map<string, Vm[]>();
    for (const vm of this.#facts.liveVms()) {
      this.#noteStatus(vm, vm.status);
      const mark = markOf(vm.name);
      if (mark?.installation !== this.#installation) continue;
      byOwner.set(mark.uid, [...(byOwner.get(mark.uid) ?? []), vm]);
      if (!this.#firstSizes.has(vm.id)) this.#checkNew(vm, mark.uid);
    }
    for (const [uid, vms] of byOwner) {
      if (this.#forced.has(uid)) continue;
      const owner = this.#facts.resourceOf(uid);
      const retiring = ((owner?.status as VmStatus | undefined)?.retiring ?? []).map(({ id }) => id);
      // Whose status was edited may not say any more which VMs were replaced; and who leaves its VM behind leaves the one that it was
      // to replace, too, for the sake of its disk.
      const wasRetiring = (id: string): boolean =>
        (this.#excused.has(uid) || this.#letGo.has(uid)) && this.#everRetiring.has(id);
      // A list that is old may lack one already whose deletion nothing can stop any more.
      const unretired = vms.filter((vm) => !retiring.includes(vm.id) && !wasRetiring(vm.id) && !isOnItsWayOut(vm));
      if (unretired.length > 1)
        this.complain(`${uid} has ${unretired.length} live VMs: ${unretired.map(({ name }) => name).join(', ')}`);
    }
  }

  #checkNew(vm: Vm, uid: string): void {
    this.#firstSizes.set(vm.id, vm.size);
    if (this.#letGo.has(uid)) return;
    const owner = this.#facts.resourceOf(uid);
    if (owner === undefined) {
      this.complain(`a VM was deployed for ${uid}, which does not exist`);
      return;
    }
    if (owner.metadata.finalizers?.includes(finalizerName) !== true) {
      this.complain(`a VM was deployed for ${owner.metadata.name}, which has no finalizer`);
    }
    this.pools.afterDeployed(vm, owner);
    this.budgets.afterDeployed(vm);
    this.balances.afterDeployed(vm);
    const launch = (owner.status as VmStatus | undefined)?.launch;
    if (launch?.name !== vm.name && !this.#excused.has(uid))
      this.complain(`${vm.name} was deployed, but the journal says ${launch?.name ?? 'nothing'}`);
  }

  /** A resource has gone from the cluster; this was its last state. */
  afterGone(last: CustomObject): void {
    const { name, uid } = last.metadata;
    this.unmanaged.afterGone(last, this.#forced.has(uid));
    if (this.#forced.has(uid)) return;
    this.#spot.afterGone(last);
    const isAbandoned = last.metadata.annotations?.[annotations.abandon] === 'true';
    if (isAbandoned || parseVm(last).spec.deletionPolicy === 'Retain') {
      this.#letGo.add(uid);
      return;
    }
    const recorded = (last.status as VmStatus | undefined)?.vm?.id;
    for (const vm of this.#facts.liveVms()) {
      const isIts = markOf(vm.name)?.uid === uid || vm.id === recorded;
      if (isIts && !isOnItsWayOut(vm)) this.complain(`${name} is gone, but its VM ${vm.id} (${vm.status}) lives`);
    }
  }

  /** The operator has deleted this resource. */
  afterExpiry(before: CustomObject): void {
    this.#clock.afterExpiry(before);
  }

  /** A user has made a resource, or changed its spec. */
  afterSpec(object: CustomObject): void {
    if (object.kind === spotVmType.kind) this.#spot.afterSpec(object);
    this.balances.afterVmSpec(object);
    this.budgets.releases.afterVmSpec(object);
  }

  /** A status was written. */
  afterStatus(kind: string, object: CustomObject, before: object | undefined): void {
    const status = object.status as VmStatus;
    if (status.vm !== undefined) this.#everOwned.add(status.vm.id);
    for (const { id } of status.retiring ?? []) this.#everRetiring.add(id);
    const generation = status.observedGeneration;
    const { aheadMs, behindMs } = this.#facts.writersClocks();
    // A status speaks of the generation that it was made from, which may be older than the one that is stored.
    const looked = { before, generation, now: this.#facts.now() + aheadMs, onTheWayMs: 2_000 + aheadMs + behindMs };
    const problems = isVmKind(kind)
      ? [...problemsOfVmStatus(status, looked), ...(lacksSynced(status) ? ['Synced is missing'] : [])]
      : problemsOfConditions(
          object.status as GpuAccountStatus,
          looked,
          kind === gpuPoolType.kind ? 'Available' : 'Ready',
        );
    if (generation === undefined || generation > (object.metadata.generation ?? 0))
      problems.push('observedGeneration is not one that was');
    if (isVmKind(kind)) problems.push(...this.#unfounded(status), ...this.#forgotten(status, before));
    for (const problem of problems) this.complain(`status of ${object.metadata.name}: ${problem}`);
    if (kind === spotVmType.kind) this.#spot.afterStatus(object, before);
    if (kind === gpuAccountType.kind) this.balances.afterAccountStatus(object, before);
    if (kind === gpuBudgetType.kind) this.budgets.afterStatus(object, before);
  }

  /** Claims about the VM that the provider never made. */
  #unfounded(status: VmStatus): string[] {
    const id = status.vm?.id;
    const ready = conditionOf(status.conditions, 'Ready');
    const claimed = ready?.status === 'True' ? 'Running' : (ready?.reason ?? '');
    const proofs = id === undefined && claimed !== 'Running' ? undefined : claims[claimed];
    const said = this.#statuses.get(id ?? '') ?? new Set();
    if (proofs === undefined || proofs.some((status) => said.has(status))) return [];
    return [`${ready?.reason ?? ''}, but its VM ${id ?? '(none)'} was never ${proofs.join(' or ')}`];
  }

  /** A VM that was recorded, is not any more, and lives. */
  #forgotten(status: VmStatus, before: VmStatus | undefined): string[] {
    const id = before?.vm?.id;
    if (id === undefined || id === status.vm?.id) return [];
    if (status.retiring?.some((vm) => vm.id === id) === true) return [];
    const lives = this.#facts.liveVms().some((vm) => vm.id === id && !isOnItsWayOut(vm));
    return lives ? [`VM ${id} is not recorded any more, and lives`] : [];
  }

  /** Once things are quiet: every live VM belongs to a resource, and none costs more than it may. */
  checkQuiet(resources: readonly CustomObject[], released: ReadonlySet<string>): void {
    const recorded = new Map<string | undefined, CustomObject>();
    const retiring = new Set<string>();
    for (const object of resources) {
      const status = object.status as VmStatus | undefined;
      recorded.set(status?.vm?.id, object);
      for (const { id } of status?.retiring ?? []) retiring.add(id);
    }
    this.#spot.checkQuiet(resources);
    this.pools.checkQuiet();
    this.unmanaged.checkQuiet();
    for (const vm of this.#facts.liveVms()) {
      const owner = recorded.get(vm.id);
      if (owner !== undefined) this.#checkPrice(vm, owner);
      else if (!retiring.has(vm.id)) this.#checkOwnerless(vm, released);
    }
  }

  #checkOwnerless(vm: Vm, released: ReadonlySet<string>): void {
    const mark = markOf(vm.name);
    // What carries a mark is looked at as what is deleted for want of a resource, or of another installation.
    const isSomebodyElses = mark !== undefined || !this.#everOwned.has(vm.id);
    if (!isSomebodyElses && !released.has(vm.id) && !this.unmanaged.isSpared(vm.id))
      this.complain(`VM ${vm.id} (${vm.name}) lives and nobody owns it`);
  }

  #checkPrice(vm: Vm, owner: CustomObject): void {
    const cap = (owner.spec as VmSpec).maxHourlyPrice;
    const first = this.#firstSizes.get(vm.id);
    const isResized = first !== undefined && vm.size !== first;
    // Whoever adopts a VM takes it at its price. Of one that was made by hand the first size is not known here.
    if (!isResized && (owner.status as VmStatus | undefined)?.vm?.adopted === true) return;
    // One that was resized, and is too dear since, keeps its disk.
    const isReleased = isResized && vm.status === 'StoppedDisassociated';
    const price = money((isReleased ? 0 : vm.computeRate) + vm.storageRate).div(1e9);
    if (cap !== undefined && price.gt(cap)) this.complain(`VM ${vm.id} costs ${price.toFixed()}, above the cap ${cap}`);
  }

  complain(what: string): void {
    const sentence = `${new Date(this.#facts.now()).toISOString()} ${what}`;
    if (this.breaches.length < 20) this.breaches.push(sentence);
  }
}

/** Undefined for an answer that breaks off in the middle. */
interface SaidList {
  readonly virtualmachines: Readonly<Record<string, { readonly name: string; readonly status: string }>>;
}

function parsed(list: string): SaidList | undefined {
  try {
    return JSON.parse(list) as SaidList;
  } catch {
    return undefined;
  }
}
