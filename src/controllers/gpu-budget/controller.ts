import type { GpuBudgetStatus } from '../../api/gpu-budget.ts';
import { conditionOf } from '../../api/conditions.ts';
import { annotations, gpuBudgetType } from '../../api/group.ts';
import { isKubeError, keyOf, type KubeApi, type Outcome, type Reconciler } from '../../kube/contract.ts';
import { writeStatus } from '../../kube/patch.ts';
import type { Indexed, Store } from '../../kube/store.ts';
import type { Clock } from '../../lib/clock.ts';
import { nextLookAt, statusOfBudget, type BudgetObservation } from '../../plan/budget/budget-status.ts';
import { chooseStopped, isRunning, type Stoppable } from '../../plan/budget/stopping.ts';
import { holdBySchedule } from '../../plan/vm/clockwork.ts';
import { powerWantedNow } from '../../plan/vm/power-hold.ts';
import type { Announcement } from '../../plan/vm/verdict.ts';
import type { CustomObject } from '../objects.ts';
import { parseBudget, type Books } from '../spending/books.ts';
import { stoppedBy } from '../spending/hold.ts';
import type { Ledger } from '../spending/ledger.ts';
import type { SpendMeter } from '../spending/meter.ts';
import { vmKindOf } from '../vm/kinds.ts';
import { keyAmongKinds } from '../vm/observe.ts';
import { parseVm } from '../vm/parse.ts';
import { announcementsFor } from './announcements.ts';
import { Departures } from './departures.ts';
import { isWorthWriting } from './worth-writing.ts';

export interface GpuBudgetDeps {
  readonly kube: KubeApi;
  readonly clock: Clock;
  readonly store: Store<CustomObject>;
  /** Resources of all kinds that stand for one VM, by `namespace` and `uid`. */
  readonly vms: Indexed<CustomObject>;
  readonly ledger: Pick<Ledger, 'books' | 'waitingIn' | 'noteLimits'>;
  readonly meter: SpendMeter;
  announce(object: CustomObject, announcement: Announcement): void;
  /** A key among all kinds, to be reconciled. */
  wake(key: string): void;
}

/**
 * One budget's control loop: says what is used, counts what is spent, and chooses whose VMs are kept released. Whether
 * there is room for a VM is decided elsewhere, by what the budget's spec says and not by this status.
 */
export class GpuBudgetController implements Reconciler {
  readonly name = 'gpubudget';
  readonly #deps: GpuBudgetDeps;
  /** By key. */
  readonly #departures = new Map<string, Departures>();

  constructor(deps: GpuBudgetDeps) {
    this.#deps = deps;
  }

  async reconcile(key: string): Promise<Outcome> {
    const object = this.#deps.store.get(key);
    if (object === undefined) {
      this.#departures.delete(key);
      return { kind: 'done' };
    }
    const observation = this.#observe(object);
    const desired = statusOfBudget(observation);
    const before = observation.status;
    if (isWorthWriting(before, desired, observation.now)) {
      try {
        const written = await writeStatus(this.#deps.kube, gpuBudgetType, object, { desired, lock: true });
        this.#deps.store.applyWrite(written);
      } catch (error) {
        if (isKubeError(error, 'conflict', 'notFound')) return { kind: 'requeue' };
        throw error;
      }
      for (const announcement of announcementsFor(before, desired)) this.#deps.announce(object, announcement);
      this.#wake(before, desired);
    }
    const departure = this.#departures.get(key)?.nextAt(observation.now) ?? Infinity;
    const at = Math.min(nextLookAt(observation) ?? Infinity, departure);
    if (at === Infinity) return { kind: 'done' };
    return { kind: 'requeueAfter', delayMs: Math.max(1, at - this.#deps.clock.now()) };
  }

  #departuresOf(budget: CustomObject): Departures {
    const key = keyOf(budget.metadata);
    const departures = this.#departures.get(key) ?? new Departures();
    this.#departures.set(key, departures);
    return departures;
  }

  #observe(object: CustomObject): BudgetObservation {
    const { ledger, meter, clock } = this.#deps;
    const { namespace = '', generation } = object.metadata;
    const books = ledger.books();
    const charge = books.ofNamespace(namespace);
    const spent = meter.read(object, charge.hourlyCost);
    const limits = books.limitsOfBudget(object);
    const spec = parseBudget(object);
    const stopped = spec?.onExceeded === 'StopByPriority' ? this.#stopped(object, books, limits) : [];
    const waiting = ledger.waitingIn(namespace);
    const status: GpuBudgetStatus = object.status ?? {};
    return { ...{ now: clock.now(), generation, status, spec, charge, spent, limits, waiting, stopped } };
  }

  #stopped(budget: CustomObject, books: Books, limits: BudgetObservation['limits']): BudgetObservation['stopped'] {
    const now = this.#deps.clock.now();
    const departures = this.#departuresOf(budget);
    const members = this.#deps.vms
      .byIndex('namespace', budget.metadata.namespace ?? '')
      .flatMap((object) => stoppable(object, books, now));
    const noteLeaving = (stopped: ReadonlySet<string>): void => {
      const leaving = members.filter((member) => stopped.has(member.uid) && isRunning(member));
      departures.note(
        leaving.map(({ uid }) => uid),
        now,
      );
    };
    const before = new Set(stoppedBy(budget).map(({ uid }) => uid));
    noteLeaving(before);
    const judged = members.map((member) => ({ ...member, isStuck: departures.isStuck(member.uid, now) }));
    const chosen = new Set(chooseStopped(limits, judged, before));
    // Whoever is chosen now is on the way from now on.
    noteLeaving(chosen);
    return members
      .filter(({ uid }) => chosen.has(uid))
      .toSorted((one, other) => (one.uid < other.uid ? -1 : 1))
      .map(({ uid, kind, name }) => ({ kind, name, uid }));
  }

  /** Our own writes wake nobody: neither those that are to stop, or may start, nor those that wait for another day. */
  #wake({ stopped: before = [] }: GpuBudgetStatus, { stopped: after = [] }: GpuBudgetStatus): void {
    const uids = new Set([...before, ...after].map(({ uid }) => uid));
    for (const uid of uids) {
      for (const object of this.#deps.vms.byIndex('uid', uid)) this.#deps.wake(keyAmongKinds(object));
    }
    // A day that ends is one of the changes that only the clock tells of.
    this.#deps.ledger.noteLimits();
  }
}

type Member = Stoppable & { readonly kind: string; readonly name: string };

/** A VM that is on its way out anyway is not stopped first. */
function stoppable(object: CustomObject, books: Books, now: number): Member[] {
  const { uid, name, creationTimestamp, deletionTimestamp } = object.metadata;
  if (deletionTimestamp !== undefined) return [];
  const { kind } = vmKindOf(object).type;
  const { priority } = parseVm(object).spec;
  const createdAt = Date.parse(creationTimestamp ?? '') || 0;
  const commitment = books.commitmentOf(object);
  const isWanted = wantsGpu(object, isRunning(commitment), now);
  return [{ ...{ uid, kind, name, priority, createdAt, isWanted, isStuck: false }, ...commitment }];
}

/** Whether it would hold its GPU now, if no budget kept it from that. One that is paused stays as it is. */
function wantsGpu(object: CustomObject, holdsIt: boolean, now: number): boolean {
  if (object.metadata.annotations?.[annotations.paused] === 'true') return holdsIt;
  const { spec, status, isStatusDamaged } = parseVm(object);
  if (!isStatusDamaged && conditionOf(status.conditions, 'Ready')?.reason === 'PriceViolation') return holdsIt;
  const hold = holdBySchedule(spec, now);
  const wanted = powerWantedNow({ spec, holds: hold === undefined ? [] : [hold] });
  return wanted === 'Running' || (wanted === 'Stopped' && holdsIt);
}
