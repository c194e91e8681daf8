import { annotations } from '../../src/api/group.ts';
import { conditionOf } from '../../src/api/conditions.ts';
import { markOf } from '../../src/api/vm-name.ts';
import type { VmStatus } from '../../src/api/vm.ts';
import type { Exchange, SimRequest } from '../../src/sim/index.ts';
import type { Vm } from '../../src/sim/state.ts';
import { downStatuses, field, isOnItsWayOut, type SpotFacts } from './spot-facts.ts';

/**
 * Lists that tell the truth, while nothing else is wrong, after which a second VM that the provider has brought back must not
 * run any more: seen in one, stopped, and the next ones tell that it is.
 */
const mostListsOfTwo = 6;
/** The same where a call about it has failed and is tried again after a pause. */
const mostListsAfterFailure = 100;
/** Two polls, and at the third the status has said so. */
const listsUntilSaid = 3;

/** Which VMs of a SpotVm run, and how soon the status of any resource says that its VM does not. */
export class SpotPower {
  readonly #facts: SpotFacts;
  /** VMs that hold their GPUs, at the last look. */
  #holding = new Set<string>();
  /** Those of them that the provider has brought back by itself. */
  readonly #returned = new Set<string>();
  /** By resource: true lists since two of its VMs run. */
  readonly #twice = new Map<string, number>();
  /** By VM: true lists since it does not run. */
  readonly #down = new Map<string, number>();
  readonly #failed = new Set<string>();

  constructor(facts: SpotFacts) {
    this.#facts = facts;
  }

  /** @param wasCalm whether nothing was in the way when the request arrived */
  afterExchange(request: SimRequest, exchange: Exchange, wasCalm: boolean): void {
    const vms = this.#facts.liveVms();
    const isList = request.path === 'client/list' && succeeded(exchange) && exchange.kind === 'answer';
    const started = request.path === 'client/start/single' && succeeded(exchange) ? field(request, 'server') : '';
    const made = request.path === 'client/deploy/single' ? field(request, 'name') : '';
    this.#noteReturns(vms, ({ id, name }) => id === started || name === made);
    if (!exchange.carriedOut || exchange.kind === 'cut') this.#failed.add(field(request, 'server'));
    if (!wasCalm || !this.#facts.isCalm()) {
      this.#twice.clear();
      this.#down.clear();
    }
    for (const [uid, running] of byResource(vms.filter(holds))) this.#checkTwo(uid, running, isList);
    for (const vm of vms) this.#checkSaid(vm, isList);
  }

  /** Something has happened beside all requests. */
  look(): void {
    this.#noteReturns(this.#facts.liveVms(), () => false);
  }

  #noteReturns(vms: readonly Vm[], isAsked: (vm: Vm) => boolean): void {
    const holding = new Set(vms.filter(holds).map(({ id }) => id));
    for (const vm of vms) {
      if (!holding.has(vm.id)) this.#returned.delete(vm.id);
      else if (!this.#holding.has(vm.id) && !isAsked(vm)) this.#returned.add(vm.id);
    }
    this.#holding = holding;
  }

  #checkTwo(uid: string, running: readonly Vm[], isList: boolean): void {
    const owner = this.#facts.resourceOf(uid);
    if (running.length < 2) {
      this.#twice.delete(uid);
      for (const { id } of running) this.#failed.delete(id);
      return;
    }
    const ids = running.map(({ id }) => id).join(', ');
    const own = running.filter(({ id }) => !this.#returned.has(id));
    // Of two that act, one may start what the other has just released or given up: that is an assumption, and no promise.
    if (own.length > 1 && this.#facts.isOneActing) this.#facts.complain(`two VMs of ${uid} run: ${ids}`);
    if (owner === undefined || isLeftAlone(owner.metadata)) return;
    // One that is on its way up is in a state that nobody touches, and that ends by itself.
    const isTold = isList && running.filter(({ status }) => status === 'Running').length > 1;
    const lists = (this.#twice.get(uid) ?? 0) + (isTold ? 1 : 0);
    this.#twice.set(uid, lists);
    const most = running.some(({ id }) => this.#failed.has(id)) ? mostListsAfterFailure : mostListsOfTwo;
    if (lists === most) this.#facts.complain(`two VMs of ${uid} still run after ${String(lists)} lists: ${ids}`);
  }

  #checkSaid(vm: Vm, isList: boolean): void {
    if (!downStatuses.has(vm.status)) {
      this.#down.delete(vm.id);
      return;
    }
    const lists = (this.#down.get(vm.id) ?? 0) + (isList ? 1 : 0);
    this.#down.set(vm.id, lists);
    const owner = this.#facts.resourceOf(markOf(vm.name)?.uid ?? '');
    const status = owner?.status as VmStatus | undefined;
    // Of two that act each reads lists of its own, at its own pace, and writes what it read last over what the other wrote.
    const until = this.#facts.isOneActing ? listsUntilSaid : 3 * listsUntilSaid;
    if (lists !== until || owner === undefined || status?.vm?.id !== vm.id) return;
    if (owner.metadata.deletionTimestamp !== undefined) return;
    if (conditionOf(status.conditions, 'Ready')?.status === 'True' || status.spot?.market === 'Winning')
      this.#facts.complain(`${owner.metadata.name} is Ready, though its VM ${vm.id} is ${vm.status} since two polls`);
  }
}

/**
 * It runs, or is on its way to that. One that a person has stopped at the provider with its GPUs kept is theirs to answer for:
 * the provider releases it only from running.
 */
function holds(vm: Vm): boolean {
  return vm.holdsCompute && vm.status !== 'Stopped' && !isOnItsWayOut(vm);
}

function byResource(vms: readonly Vm[]): ReadonlyMap<string, readonly Vm[]> {
  return Map.groupBy(
    vms.filter(({ name }) => markOf(name) !== undefined),
    ({ name }) => markOf(name)?.uid ?? '',
  );
}

function succeeded(exchange: Exchange): boolean {
  if (!exchange.carriedOut) return false;
  return exchange.kind === 'cut' || /"success": ?true/.test(exchange.answer.body);
}

interface Metadata {
  readonly deletionTimestamp?: string | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** On its way out, or nothing may be changed. */
function isLeftAlone({ deletionTimestamp, annotations: given }: Metadata): boolean {
  return deletionTimestamp !== undefined || given?.[annotations.paused] === 'true';
}
