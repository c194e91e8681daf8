import { spotVmSpecSchema, type SpotVmSpec } from '../../src/api/spot-vm.ts';
import { markOf } from '../../src/api/vm-name.ts';
import type { VmStatus } from '../../src/api/vm.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import type { Exchange, SimRequest } from '../../src/sim/index.ts';
import type { Vm } from '../../src/sim/state.ts';
import { parseDuration } from '../../src/lib/duration.ts';
import { field, nanosOf, type SpotFacts } from './spot-facts.ts';

/** By a spec that the operator has seen. */
function isToBeKept({ metadata, spec, status }: CustomObject, vmId: string): boolean {
  const { vm, observedGeneration, launch } = (status ?? {}) as VmStatus;
  if (metadata.deletionTimestamp === undefined || observedGeneration !== metadata.generation) return false;
  return (spec as SpotVmSpec).deletionPolicy === 'Retain' && vm?.id === vmId && launch?.outcome !== 'Overpriced';
}

const attempts: ReadonlySet<string> = new Set(['client/deploy/single', 'client/start/single']);

function isAttempt({ path }: SimRequest): boolean {
  return attempts.has(path);
}

function isGranted(exchange: Exchange): boolean {
  return (
    exchange.kind === 'answer' && exchange.answer.status === 200 && exchange.answer.body.includes('"success":true')
  );
}

/** Calls that one recovery may cost. */
const mostCallsPerRecovery = 10;
/** Where an on-demand VM is released first, to go back to spot. */
const mostCallsPerReturn = 12;
/** Without a call of the resource for this long, its round of questions is over: it pauses. */
const pauseMs = 8_000;

/** Of all specs that a resource has had. */
interface Limits {
  /** Sizes of its disk in GB: whoever has not heard of the last change asks about the one before. */
  readonly storages: ReadonlySet<number>;
  /** The most that might be bid. */
  readonly most: number;
  /** The shortest time for which disks were to be kept. */
  readonly retentionMs: number;
}

interface Recovery {
  calls: string[];
  lastAt: number;
  /** A call has failed, so that another one takes its place. */
  isSpoilt: boolean;
}

/**
 * Calls to the provider that are made for a SpotVm: what they bid, what they delete, and how many there are.
 *
 * A recovery is what happens between two pauses, of eight seconds without a call, or until the status says that the VM
 * runs. What counts are calls about VMs of the resource (deploy, start, stop, modify, delete, get), and questions about bids,
 * not lists and inventories, which are for all, nor the stop of a replaced VM that got its place back by itself, nor the end of one that was
 * replaced before. Which resource asks about a new VM is told by the size of its disk. A
 * recovery ends, too, with a deployment or a start that is refused, or a VM that is too dear; one in which a call fails, or in which somebody edits the
 * resource, does not count.
 */
export class SpotCalls {
  readonly #facts: SpotFacts;
  /** By UID. */
  readonly #limits = new Map<string, Limits>();
  /** By process and UID. */
  readonly #recoveries = new Map<string, Recovery>();
  /** By VM. */
  readonly #owners = new Map<string, string>();

  constructor(facts: SpotFacts) {
    this.#facts = facts;
  }

  /** A SpotVm was created or changed by a user. */
  afterSpec({ metadata: { uid }, spec: raw }: CustomObject): void {
    const { bid, storageGB, outbidRetention } = spotVmSpecSchema.parse(raw);
    const known = this.#limits.get(uid);
    const most = Math.max(known?.most ?? 0, nanosOf(bid.maxPrice ?? bid.price));
    const retentionMs = Math.min(known?.retentionMs ?? Infinity, parseDuration(outbidRetention) ?? 0);
    this.#limits.set(uid, { storages: new Set([...(known?.storages ?? []), storageGB]), most, retentionMs });
    this.#spoil(uid);
  }

  /** It runs, or the market has moved: its recovery is over. */
  afterReady(uid: string): void {
    for (const key of this.#recoveries.keys()) if (key.endsWith(uid)) this.#recoveries.delete(key);
  }

  onEnd(process: string): void {
    for (const key of this.#recoveries.keys()) if (key.startsWith(`${process} `)) this.#recoveries.delete(key);
  }

  onSend(process: string, request: SimRequest): void {
    this.#checkBid(request);
    if (request.path === 'client/delete/single') this.#checkDeletion(field(request, 'server'));
    const uid = this.#ownerOf(request);
    if (uid === undefined || !this.#limits.has(uid) || this.#isOfReturned(uid, request)) return;
    if (this.#isOfReplaced(uid, request)) return;
    this.#count(`${process} ${uid}`, request);
  }

  afterExchange(request: SimRequest, exchange: Exchange): void {
    const uid = this.#ownerOf(request);
    if (uid === undefined) return;
    const isAnswer = exchange.kind === 'answer' && exchange.carriedOut && exchange.answer.status === 200;
    if (!isAnswer) this.#spoil(uid);
    // A bid that does not win any more: there is a pause now, and another attempt.
    if (isAttempt(request) && !isGranted(exchange)) this.afterReady(uid);
    if (request.path === 'client/delete/single' && !this.#isKept(uid, field(request, 'server'))) this.afterReady(uid);
  }

  /** A VM that was replaced got its place back by itself, and is stopped: the market's doing, whenever it happens. */
  #isOfReturned(uid: string, request: SimRequest): boolean {
    return request.path === 'client/stop/single' && this.#isKept(uid, field(request, 'server'));
  }

  /** The time of a VM that was replaced before is over, which happens whenever that was. */
  #isOfReplaced(uid: string, request: SimRequest): boolean {
    if (!['client/delete/single', 'client/get/single'].includes(request.path)) return false;
    const { retiring = [] } = (this.#facts.resourceOf(uid)?.status ?? {}) as VmStatus;
    return retiring.some(({ id, replacedAt }) => id === field(request, 'server') && replacedAt !== undefined);
  }

  /** Otherwise it is deleted as it is too dear, and another attempt begins. */
  #isKept(uid: string, vmId: string): boolean {
    const { retiring = [] } = (this.#facts.resourceOf(uid)?.status ?? {}) as VmStatus;
    return retiring.some(({ id }) => id === vmId);
  }

  #checkBid(request: SimRequest): void {
    const price = nanosOf(field(request, 'price'));
    switch (request.path) {
      case 'client/spot/validate/new': {
        const storage = Number(field(request, 'storage'));
        const asking = [...this.#limits.values()].filter(({ storages }) => storages.has(storage));
        if (!asking.some(({ most }) => price <= most))
          this.#facts.complain(`a bid of ${field(request, 'price')} is asked about, above every maxPrice`);
        return;
      }
      case 'client/spot/validate/existing': {
        const vm = this.#facts.liveVms().find(({ id }) => id === field(request, 'server'));
        // Gone, and another leader has not heard of it: a question about nothing starts nothing.
        if (vm === undefined) return;
        if (price > this.#mostOf(vm)) this.#facts.complain(`VM ${vm.id} has a bid above maxPrice, and is asked about`);
        if (vm.bid !== undefined && price !== vm.bid && !this.#facts.isExcused(markOf(vm.name)?.uid ?? ''))
          this.#facts.complain(`VM ${vm.id} has another bid than ${field(request, 'price')}, which is asked about`);
        return;
      }
      case 'client/start/single': {
        const vm = this.#facts.liveVms().find(({ id }) => id === field(request, 'server'));
        if (vm?.bid !== undefined && !vm.holdsCompute && vm.bid > this.#mostOf(vm))
          this.#facts.complain(`VM ${vm.id} has a bid above maxPrice, and is started`);
        return;
      }
      case 'client/deploy/single':
        if (field(request, 'price_type') === 'spot') this.#checkDeployed(request, price);
    }
  }

  /** What may be bid for a VM of a resource; of an adopted one only its resource's status tells. */
  #mostOf(vm: Vm | undefined): number {
    const adopter = this.#facts.resources().find(({ status }) => (status as VmStatus | undefined)?.vm?.id === vm?.id);
    return this.#limits.get(adopter?.metadata.uid ?? markOf(vm?.name ?? '')?.uid ?? '')?.most ?? Infinity;
  }

  #checkDeployed(request: SimRequest, price: number): void {
    const name = field(request, 'name');
    const uid = markOf(name)?.uid ?? '';
    const owner = this.#facts.resourceOf(uid);
    const { launch } = (owner?.status ?? {}) as VmStatus;
    if (price > (this.#limits.get(uid)?.most ?? 0)) this.#facts.complain(`${name} bids above maxPrice`);
    // Of one that was taken away by force, after the intent, there is no journal any more.
    if (owner === undefined || this.#facts.isExcused(uid)) return;
    if (launch?.name !== name || nanosOf(launch.bid) !== price)
      this.#facts.complain(`${name} bids ${field(request, 'price')}, which is not what the journal says`);
  }

  /** The disk of a VM that was replaced is kept until its time is over, by whichever clock. */
  #checkDeletion(vmId: string): void {
    const vm = this.#facts.liveVms().find(({ id }) => id === vmId);
    const owner = this.#facts.resourceOf(markOf(vm?.name ?? '')?.uid ?? '');
    if (owner !== undefined && isToBeKept(owner, vmId))
      this.#facts.complain(`${owner.metadata.name} is to leave VM ${vmId}, which is deleted`);
    if (vm === undefined || owner === undefined || owner.metadata.deletionTimestamp !== undefined) return;
    if (this.#facts.now() + this.#facts.writersClocks().aheadMs < this.#keptUntil(owner, vm.id))
      this.#facts.complain(`VM ${vmId} is deleted before its time is over`);
  }

  /** By the status; where it could not be written yet, by when another VM of the resource first ran. */
  #keptUntil({ metadata: { uid }, status }: CustomObject, vmId: string): number {
    const kept = ((status ?? {}) as VmStatus).retiring?.find(({ id }) => id === vmId);
    if (kept === undefined) return 0;
    const firstRan = this.#facts.firstRanOf(uid, vmId) ?? Infinity;
    const replacedAt = kept.replacedAt === undefined ? firstRan : Date.parse(kept.replacedAt);
    // Whoever deletes it may not have seen a change of the spec yet.
    return replacedAt + (this.#limits.get(uid)?.retentionMs ?? 0);
  }

  #ownerOf(request: SimRequest): string | undefined {
    if (request.path === 'client/deploy/single') return markOf(field(request, 'name'))?.uid;
    if (request.path === 'client/spot/validate/new') return this.#asker(Number(field(request, 'storage')));
    const id = field(request, 'server') || field(request, 'server_id');
    const vm = id === '' ? undefined : this.#facts.liveVms().find((one) => one.id === id);
    const uid = markOf(vm?.name ?? '')?.uid;
    if (uid !== undefined) this.#owners.set(id, uid);
    // When its deletion is answered it may be gone.
    return this.#owners.get(id);
  }

  /** The only one with such a disk. */
  #asker(storage: number): string | undefined {
    const [first, ...others] = [...this.#limits].filter(
      ([uid, { storages }]) => storages.has(storage) && this.#facts.resourceOf(uid) !== undefined,
    );
    return others.length === 0 ? first?.[0] : undefined;
  }

  #count(key: string, { path }: SimRequest): void {
    const now = this.#facts.now();
    const last = this.#recoveries.get(key);
    const isOver = last === undefined || now - last.lastAt > pauseMs;
    const recovery = isOver ? { calls: [], lastAt: now, isSpoilt: false } : last;
    this.#recoveries.set(key, recovery);
    recovery.calls.push(path.replace('client/', ''));
    recovery.lastAt = now;
    const most = recovery.calls.includes('stop/single') ? mostCallsPerReturn : mostCallsPerRecovery;
    if (recovery.calls.length === most + 1 && !recovery.isSpoilt)
      this.#facts.complain(`a recovery by ${key} takes more than ${most} calls: ${recovery.calls.join(', ')}`);
  }

  #spoil(uid: string): void {
    for (const [key, recovery] of this.#recoveries) if (key.endsWith(uid)) recovery.isSpoilt = true;
  }
}
