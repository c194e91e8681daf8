import type { GpuBudgetStatus } from '../../api/gpu-budget.ts';
import { gpuBudgetType } from '../../api/group.ts';
import { isKubeError, keyOf, type KubeApi, type Outcome, type Reconciler } from '../../kube/contract.ts';
import { writeStatus } from '../../kube/patch.ts';
import type { Indexed, Store } from '../../kube/store.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { nextLookAt, statusOfBudget, type BudgetObservation } from '../../plan/budget/budget-status.ts';
import type { Announcement } from '../../plan/vm/verdict.ts';
import type { CustomObject } from '../objects.ts';
import { parseBudget, type Books } from '../spending/books.ts';
import type { CatchUp } from '../spending/catch-up.ts';
import type { Ledger } from '../spending/ledger.ts';
import type { SpendMeter } from '../spending/meter.ts';
import { Releases } from '../spending/releases.ts';
import { stoppedBy } from '../spending/standby.ts';
import { keyAmongKinds } from '../vm/observe.ts';
import { announcementsFor } from './announcements.ts';
import { isWorthWriting } from './worth-writing.ts';

export interface GpuBudgetDeps {
  readonly kube: KubeApi;
  readonly clock: Clock;
  readonly store: Store<CustomObject>;
  /** Resources of all kinds that stand for one VM, by `namespace` and `uid`. */
  readonly vms: Indexed<CustomObject>;
  readonly ledger: Pick<Ledger, 'books' | 'waitingIn' | 'noteLimits' | 'noteReturn'>;
  readonly meter: SpendMeter;
  readonly catchUp: Pick<CatchUp, 'attempt'>;
  readonly log: Pick<Logger, 'warn'>;
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
  readonly #releases = new Releases();

  constructor(deps: GpuBudgetDeps) {
    this.#deps = deps;
  }

  async reconcile(key: string): Promise<Outcome> {
    await this.#catchUp(key);
    const object = this.#deps.store.get(key);
    if (object === undefined) {
      this.#releases.forget(key);
      return { kind: 'done' };
    }
    const observation = this.#observe(object);
    if (!(await this.#write(object, observation))) return { kind: 'requeue' };
    const departure = this.#releases.nextAt(key, observation.now) ?? Infinity;
    const at = Math.min(nextLookAt(observation) ?? Infinity, departure);
    if (at === Infinity) return { kind: 'done' };
    return { kind: 'requeueAfter', delayMs: Math.max(1, at - this.#deps.clock.now()) };
  }

  /** False: the budget is another one by now, or gone. */
  async #write(object: CustomObject, observation: BudgetObservation): Promise<boolean> {
    const { status: before, now } = observation;
    const desired = statusOfBudget(observation);
    if (!isWorthWriting(before, desired, now)) return true;
    try {
      const written = await writeStatus(this.#deps.kube, gpuBudgetType, object, { desired, lock: true });
      this.#deps.store.applyWrite(written);
    } catch (error) {
      if (isKubeError(error, 'conflict', 'notFound')) return false;
      throw error;
    }
    for (const announcement of announcementsFor(before, desired)) this.#deps.announce(object, announcement);
    this.#wake(before, desired);
    return true;
  }

  /**
   * Before it has read once what the API server has, a leader may release a VM for the room of one that is long gone. Where that
   * cannot be read it goes on by what it knows by then: money is spent meanwhile.
   */
  async #catchUp(key: string): Promise<void> {
    const { catchUp, log, store } = this.#deps;
    const object = store.get(key);
    if (object === undefined || parseBudget(object)?.onExceeded !== 'StopByPriority') return;
    await catchUp.attempt((error) => {
      log.warn({ budget: key, error }, 'resources not read: VMs are released by what is known');
    });
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
    const members = this.#deps.vms.byIndex('namespace', budget.metadata.namespace ?? '');
    const before = new Set(stoppedBy(budget).map(({ uid }) => uid));
    const reckoned = { books, now: this.#deps.clock.now() };
    const chosen = this.#releases.choose(keyOf(budget.metadata), { limits, members, before }, reckoned);
    return chosen.map(({ kind, name, uid }) => ({ kind, name, uid }));
  }

  /** Our own writes wake nobody: neither those that are to stop, or may start, nor those that wait for another day. */
  #wake({ stopped: before = [] }: GpuBudgetStatus, { stopped: after = [] }: GpuBudgetStatus): void {
    const [held, holding] = [uidsOf(before), uidsOf(after)];
    for (const uid of added(holding, held)) this.#deps.ledger.noteReturn(uid);
    for (const uid of new Set([...held, ...holding])) {
      for (const object of this.#deps.vms.byIndex('uid', uid)) this.#deps.wake(keyAmongKinds(object));
    }
    // A day that ends is one of the changes that only the clock tells of.
    this.#deps.ledger.noteLimits();
  }
}

/** Those that only the second set has. */
function added(before: ReadonlySet<string>, after: ReadonlySet<string>): string[] {
  return [...after].filter((uid) => !before.has(uid));
}

function uidsOf(stopped: NonNullable<GpuBudgetStatus['stopped']>): Set<string> {
  return new Set(stopped.map(({ uid }) => uid));
}
