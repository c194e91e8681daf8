import type { GpuBudgetSpec, GpuBudgetStatus } from '../../src/api/gpu-budget.ts';
import { markOf } from '../../src/api/vm-name.ts';
import type { VmStatus } from '../../src/api/vm.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import type { Exchange, SimRequest } from '../../src/sim/index.ts';
import type { Vm } from '../../src/sim/state.ts';
import { BudgetReleases } from './budget-releases.ts';

export interface BudgetFacts {
  now(): number;
  resources(): readonly CustomObject[];
  resourceOf(uid: string): CustomObject | undefined;
  liveVms(): readonly Vm[];
  writersClocks(): { readonly behindMs: number };
  readonly isOneActing: boolean;
  isCalm(): boolean;
  isExcused(uid: string): boolean;
  /** What the provider has shown of a VM so far. */
  statusesOf(vmId: string): ReadonlySet<string>;
  complain(what: string): void;
}

/** What a platform team allows from a moment on. */
export interface Allowance extends Pick<GpuBudgetSpec, 'hard' | 'onExceeded'> {
  readonly at: number;
}

/** What VMs really hold, and are billed per hour, in dollars. */
export interface Holding {
  readonly vms: number;
  readonly gpus: number;
  readonly hourlyCost: number;
}

/** A call that was allowed when its intent was written may be late, and its VM come under another budget. */
const onTheWayMs = 180_000;

/** A process is cut off from the API server for that long. */
const longestTroubleMs = 60 * 60_000;

const growing = new Map([
  ['client/start/single', 'server'],
  ['client/modify/single', 'server_id'],
]);

/** Of the prices that the provider tells, in dollars, over all VMs. */
export const rounding = 0.002;

/**
 * Holds the world to what a GpuBudget promises: no VM is deployed, started or made larger beyond it, however many want to be at
 * once. By what is really there at the provider at that moment, whoever knows of it.
 */
export class BudgetWatch {
  readonly releases: BudgetReleases;
  readonly #facts: BudgetFacts;
  /** Of the namespace's one budget, oldest first; without limits while there is none. */
  readonly #asked: Allowance[] = [{ at: -Infinity, hard: {}, onExceeded: 'BlockCreate' }];
  /** What each VM held and cost when it was last looked at. */
  readonly #held = new Map<string, Holding>();

  constructor(facts: BudgetFacts) {
    this.#facts = facts;
    this.releases = new BudgetReleases({
      ...facts,
      inForce: () => this.#inForce(),
      holding: () => this.holding(),
    });
  }

  /** A platform team has made the budget, or changed it. */
  afterSpec({ spec }: CustomObject): void {
    const { hard, onExceeded } = spec as GpuBudgetSpec;
    this.#asked.push({ at: this.#facts.now(), hard, onExceeded });
  }

  afterGone(): void {
    this.#asked.push({ at: this.#facts.now(), hard: {}, onExceeded: 'BlockCreate' });
  }

  afterStatus(budget: CustomObject, before: GpuBudgetStatus | undefined): void {
    this.releases.afterStatus(budget, before);
  }

  /** A VM was deployed. */
  afterDeployed(vm: Vm): void {
    this.#check('deployed', vm, { vms: true, gpus: !this.#isReturn(vm.name), hourlyCost: true });
  }

  /** A VM that holds and costs more by the call was started, or made larger. */
  afterExchange({ path, params }: SimRequest, { carriedOut }: Exchange): void {
    const id = params.get(growing.get(path) ?? '')?.[0];
    const vm = this.#facts.liveVms().find((one) => one.id === id);
    const before = this.#held.get(id ?? '');
    if (carriedOut && vm !== undefined && before !== undefined) {
      const now = this.#holdingOf(vm);
      const gpus = now.gpus > before.gpus;
      this.#check('started', vm, { vms: false, gpus, hourlyCost: now.hourlyCost > before.hourlyCost + rounding });
    }
    for (const one of this.#facts.liveVms()) this.#held.set(one.id, this.#holdingOf(one));
  }

  /**
   * What has not grown may be exceeded: it was so before. Two that act at once know nothing of each other's reservations; an
   * edited status hides what is used.
   */
  #check(what: string, { name }: Vm, grown: Readonly<Record<keyof Holding, boolean>>): void {
    if (!this.#facts.isOneActing || this.#facts.resources().some(({ metadata }) => this.#facts.isExcused(metadata.uid)))
      return;
    const { vms, gpus, hourlyCost } = this.holding();
    const allowed = this.#inForce();
    const most = (limitOf: (hard: GpuBudgetSpec['hard']) => number | undefined): number =>
      Math.max(...allowed.map(({ hard }) => limitOf(hard) ?? Infinity));
    const over: string[] = [];
    if (grown.vms && vms > most((hard) => hard.vms))
      over.push(`${String(vms)} VMs of ${String(most((hard) => hard.vms))}`);
    if (grown.gpus && gpus > most((hard) => hard.gpus))
      over.push(`${String(gpus)} GPUs of ${String(most((hard) => hard.gpus))}`);
    const dollars = most(({ hourlyCost: cost }) => (cost === undefined ? undefined : Number(cost)));
    if (grown.hourlyCost && hourlyCost > dollars + rounding)
      over.push(`$${hourlyCost.toFixed(4)} of $${dollars.toFixed(2)}`);
    if (over.length > 0) this.#facts.complain(`${name} was ${what} beyond the budget: ${over.join(', ')}`);
  }

  /** What counts of what is there. */
  holding(): Holding {
    const all = this.#facts.liveVms().filter((vm) => this.#isOfResource(vm));
    const held = all.map((vm) => this.#holdingOf(vm));
    return {
      vms: all.length,
      gpus: held.reduce((sum, { gpus }) => sum + gpus, 0),
      hourlyCost: held.reduce((sum, one) => sum + one.hourlyCost, 0),
    };
  }

  /** One that was outbid has given its GPUs back, and where the market gives it them again by itself nobody is asked. */
  #holdingOf(vm: Vm): Holding {
    const isHeld = vm.holdsCompute && !this.#facts.statusesOf(vm.id).has('Outbid');
    const rate = (isHeld ? vm.computeRate : 0) + vm.storageRate;
    return { vms: 1, gpus: isHeld ? vm.size.gpuCount : 0, hourlyCost: rate / 1e9 };
  }

  /** From on demand back to spot: it takes the GPUs that it has just given up, also where the budget was lowered meanwhile. */
  #isReturn(name: string): boolean {
    const owner = this.#facts.resourceOf(markOf(name)?.uid ?? '');
    const { launch } = (owner?.status ?? {}) as VmStatus;
    const replaced = launch?.name === name ? launch.replaces : undefined;
    if (replaced === undefined || this.#facts.statusesOf(replaced).has('Outbid')) return false;
    return this.#facts.liveVms().find(({ id }) => id === replaced)?.holdsCompute !== true;
  }

  #inForce(): Allowance[] {
    const since = this.#since();
    return this.#asked.filter((_, index) => (this.#asked[index + 1]?.at ?? Infinity) >= since);
  }

  /** A limit counts from when its watch tells of it, which may be long ago while something is in the way. */
  #since(): number {
    const lateMs = this.#facts.isCalm() ? onTheWayMs : onTheWayMs + longestTroubleMs;
    return this.#facts.now() - lateMs - this.#facts.writersClocks().behindMs;
  }

  /** An adopted VM was there before anybody asked: it counts against what is decided later, not against a call on its way. */
  #isOfResource({ id, name }: Vm): boolean {
    if (this.#facts.resourceOf(markOf(name)?.uid ?? '') !== undefined) return true;
    return this.#facts.resources().some(({ status }) => {
      const { vm } = (status ?? {}) as VmStatus;
      return vm?.id === id && Date.parse(vm.recordedAt) < this.#since();
    });
  }
}
