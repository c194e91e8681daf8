import type { GpuBudgetStatus } from '../../src/api/gpu-budget.ts';
import type { VmStatus } from '../../src/api/vm.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import type { Vm } from '../../src/sim/state.ts';
import { rounding, type Allowance, type BudgetFacts, type Holding } from './budget-watch.ts';
import { sparedFor } from './importance.ts';

export interface ReleaseFacts extends BudgetFacts {
  inForce(): readonly Allowance[];
  holding(): Holding;
}

/** What happened so lately may be in no list yet, or in no store. */
const newsMs = 120_000;

/**
 * Holds the world to what a budget promises of the VMs that it releases (onExceeded StopByPriority): nobody's where that was not
 * asked for, or where there is room for all; and the least important ones first.
 */
export class BudgetReleases {
  readonly #facts: ReleaseFacts;
  /** When each resource was last changed by its user, by UID. */
  readonly #changedAt = new Map<string, number>();

  constructor(facts: ReleaseFacts) {
    this.#facts = facts;
  }

  afterVmSpec({ metadata }: CustomObject): void {
    this.#changedAt.set(metadata.uid, this.#facts.now());
  }

  /** The budget's status was written. */
  afterStatus({ status }: CustomObject, before: GpuBudgetStatus | undefined): void {
    const { stopped = [], used } = (status ?? {}) as GpuBudgetStatus;
    const known = new Set(before?.stopped?.map(({ uid }) => uid));
    const added = stopped.filter(({ uid }) => !known.has(uid));
    if (added.length === 0 || !this.#facts.isOneActing) return;
    const names = added.map(({ name }) => name).join(', ');
    const reasons = this.#facts.inForce().filter(({ onExceeded }) => onExceeded === 'StopByPriority');
    if (reasons.length === 0) this.#facts.complain(`${names} is released by a budget that was not to release anybody`);
    const isExceeded = reasons.some(({ hard }) => exceeds(hard, used));
    if (reasons.length > 0 && !isExceeded)
      this.#facts.complain(`${names} is released by a budget of which ${JSON.stringify(used)} is used`);
    if (this.#facts.isCalm()) this.#checkOrder(new Set(stopped.map(({ uid }) => uid)), added);
  }

  #checkOrder(stopped: ReadonlySet<string>, added: NonNullable<GpuBudgetStatus['stopped']>): void {
    const resources = this.#facts.resources();
    const holding = resources.filter((object) => !stopped.has(object.metadata.uid) && this.#holdsItsGpu(object));
    for (const { uid, name } of added) {
      const victim = resources.find(({ metadata }) => metadata.uid === uid);
      if (victim === undefined || this.#isNews(victim)) continue;
      const spared = sparedFor(victim, holding);
      if (spared !== undefined) this.#facts.complain(`${name} is released by the budget, and ${spared} goes on`);
    }
  }

  #isNews({ metadata: { uid } }: CustomObject): boolean {
    const since = this.#facts.now() - newsMs - this.#facts.writersClocks().behindMs;
    return (this.#changedAt.get(uid) ?? -Infinity) > since;
  }

  #holdsItsGpu(object: CustomObject): boolean {
    if (object.metadata.deletionTimestamp !== undefined || this.#isNews(object)) return false;
    return this.#vmOf(object)?.holdsCompute === true;
  }

  #vmOf({ status }: CustomObject): Vm | undefined {
    const id = (status as VmStatus | undefined)?.vm?.id;
    return this.#facts.liveVms().find((vm) => vm.id === id);
  }

  /** Nothing has been in the way for long: what can be kept by a release is kept. */
  checkKept(): void {
    const allowed = this.#facts.inForce();
    const [only] = allowed;
    if (allowed.length !== 1 || only?.onExceeded !== 'StopByPriority') return;
    const { gpus, hourlyCost } = this.#facts.holding();
    // Disks are billed all the same.
    const isOver = (used: number, hard: number): boolean => used > hard && gpus > 0;
    const dollars = Number(only.hard.hourlyCost ?? Infinity);
    if (isOver(gpus, only.hard.gpus ?? Infinity) || isOver(hourlyCost - rounding, dollars))
      this.#facts.complain(`${String(gpus)} GPUs for $${hourlyCost.toFixed(4)}, and nobody is released`);
  }
}

function exceeds({ gpus, hourlyCost }: Allowance['hard'], used: GpuBudgetStatus['used']): boolean {
  if (used === undefined) return false;
  return used.gpus > (gpus ?? Infinity) || Number(used.hourlyCost) > Number(hourlyCost ?? Infinity);
}
