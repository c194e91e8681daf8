import type { GpuBudgetSpec } from '../../src/api/gpu-budget.ts';
import { markOf } from '../../src/api/vm-name.ts';
import type { VmStatus } from '../../src/api/vm.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import type { Vm } from '../../src/sim/state.ts';

export interface BudgetFacts {
  now(): number;
  resources(): readonly CustomObject[];
  resourceOf(uid: string): CustomObject | undefined;
  liveVms(): readonly Vm[];
  writersClocks(): { readonly behindMs: number };
  readonly isOneActing: boolean;
  isExcused(uid: string): boolean;
  /** What the provider has shown of a VM so far. */
  statusesOf(vmId: string): ReadonlySet<string>;
  complain(what: string): void;
}

type Hard = Pick<GpuBudgetSpec['hard'], 'vms' | 'gpus'>;

/** A call that was allowed when its intent was written may be late, and its VM come under another budget. */
const onTheWayMs = 180_000;

/**
 * Holds the world to what a GpuBudget promises: no VM is deployed beyond it, however many want one at once. By what is really
 * there at the provider at that moment, whoever knows of it.
 */
export class BudgetWatch {
  readonly #facts: BudgetFacts;
  /** Of the namespace's one budget, oldest first; without limits while there is none. */
  readonly #asked: { readonly at: number; readonly hard: Hard }[] = [{ at: -Infinity, hard: {} }];

  constructor(facts: BudgetFacts) {
    this.#facts = facts;
  }

  /** A platform team has made the budget, or changed it. */
  afterSpec({ spec }: CustomObject): void {
    this.#asked.push({ at: this.#facts.now(), hard: (spec as GpuBudgetSpec).hard });
  }

  afterGone(): void {
    this.#asked.push({ at: this.#facts.now(), hard: {} });
  }

  /** A VM was deployed. Two that act at once know nothing of each other's reservations; an edited status hides what is used. */
  afterDeployed({ name }: Vm): void {
    if (!this.#facts.isOneActing || this.#facts.resources().some(({ metadata }) => this.#facts.isExcused(metadata.uid)))
      return;
    const vms = this.#facts.liveVms().filter((vm) => this.#isOfResource(vm));
    // One that was outbid has given its GPUs back, and where the market gives it them again by itself nobody is asked.
    const holding = vms.filter((vm) => vm.holdsCompute && !this.#facts.statusesOf(vm.id).has('Outbid'));
    const gpus = holding.reduce((sum, vm) => sum + vm.size.gpuCount, 0);
    this.#check('VMs', vms.length, ({ vms: most }) => most);
    if (!this.#isReturn(name)) this.#check('GPUs', gpus, ({ gpus: most }) => most);
  }

  /** From on demand back to spot: it takes the GPUs that it has just given up, also where the budget was lowered meanwhile. */
  #isReturn(name: string): boolean {
    const owner = this.#facts.resourceOf(markOf(name)?.uid ?? '');
    const { launch } = (owner?.status ?? {}) as VmStatus;
    const replaced = launch?.name === name ? launch.replaces : undefined;
    return replaced !== undefined && !this.#facts.statusesOf(replaced).has('Outbid');
  }

  #check(what: string, used: number, limitOf: (hard: Hard) => number | undefined): void {
    const most = Math.max(...this.#inForce().map((hard) => limitOf(hard) ?? Infinity));
    if (used > most) this.#facts.complain(`${used} ${what} where the budget allows ${most}`);
  }

  #inForce(): Hard[] {
    const since = this.#facts.now() - onTheWayMs - this.#facts.writersClocks().behindMs;
    return this.#asked.filter((_, index) => (this.#asked[index + 1]?.at ?? Infinity) >= since).map(({ hard }) => hard);
  }

  /** An adopted VM was there before anybody asked: it counts against what is decided later, not against a call on its way. */
  #isOfResource({ id, name }: Vm): boolean {
    if (this.#facts.resourceOf(markOf(name)?.uid ?? '') !== undefined) return true;
    const until = this.#facts.now() - onTheWayMs - this.#facts.writersClocks().behindMs;
    return this.#facts.resources().some(({ status }) => {
      const { vm } = (status ?? {}) as VmStatus;
      return vm?.id === id && Date.parse(vm.recordedAt) < until;
    });
  }
}
