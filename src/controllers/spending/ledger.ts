import { conditionOf } from '../../api/conditions.ts';
import type { Clock } from '../../lib/clock.ts';
import { admissible, limitsFor, type Claim } from '../../plan/budget/admission.ts';
import { growth, isLessAnywhere, isSameCharge, larger, nothing, type Charge } from '../../plan/budget/charge.ts';
import type { LimitAhead } from '../../plan/budget/limits.ts';
import type { SpendView } from '../../plan/budget/spending.ts';
import { shortageReasons } from '../../plan/budget/words.ts';
import type { VmObservation } from '../../plan/vm/observation.ts';
import type { PowerHold } from '../../plan/vm/power-hold.ts';
import type { Verdict } from '../../plan/vm/verdict.ts';
import type { CustomObject } from '../objects.ts';
import { keyAmongKinds } from '../vm/observe.ts';
import { parseVm } from '../vm/parse.ts';
import { banOf, mayRetain } from './ban.ts';
import { Books, type BooksDeps, type Reservation } from './books.ts';
import { budgetHolds } from './hold.ts';
import { isOver, isToKeepItsPlace, keepsClaim } from './settling.ts';

export interface LedgerDeps extends BooksDeps {
  readonly clock: Clock;
  /** Keys among all kinds, to be reconciled. */
  wake(key: string): void;
  /** What is used in this namespace, or who waits there, has changed. */
  changed(namespace: string): void;
}

/** Somebody who wants room, and lacks nothing but that. */
interface Asking {
  readonly uid: string;
  readonly createdAt: number;
  readonly more: Charge;
  /** When it last said so, and when it was last told that there is room. */
  readonly saidAt: number;
  readonly wokenAt: number | undefined;
}

/** Who is told that there is room, and says nothing for so long, does not keep others from it. */
const longestSilenceMs = 30_000;

/**
 * Who may spend what. It is the one place in the process that knows of everybody: what is stored, what is reserved because it
 * was decided a moment ago, and who waits. From reading it to reserving in it nothing is awaited, so that no two decisions
 * take the same room.
 */
export class Ledger {
  readonly #deps: LedgerDeps;
  readonly #reservations = new Map<string, Reservation>();
  readonly #asking = new Map<string, Asking>();
  #isSeeded = false;

  constructor(deps: LedgerDeps) {
    this.#deps = deps;
  }

  books(): Books {
    return new Books(this.#deps, this.#reservations);
  }

  /** What a decision about this resource has to know; reckoned when it is first asked for. */
  viewFor(object: CustomObject): SpendView {
    return new LazyView(this.#deps, object, {
      books: () => this.books(),
      limits: (books) => this.#limitsFor(books, object),
    });
  }

  holdsOn(object: CustomObject): PowerHold[] {
    return budgetHolds(this.#deps, object);
  }

  #limitsFor(books: Books, object: CustomObject): readonly LimitAhead[] {
    const limits = books.limitsOf(object);
    // Who is held to nothing waits for nobody.
    if (limits.length === 0) return [];
    const { uid } = object.metadata;
    return limitsFor({ uid, createdAt: createdAt(object), limits }, this.#claims(books));
  }

  /** In the same moment in which it was decided to spend. */
  reserve(object: CustomObject, kind: Reservation['kind'], charge: Charge): void {
    const { namespace = '', uid } = object.metadata;
    const account = parseVm(object).spec.accountName;
    this.#reservations.set(uid, { kind, charge, namespace, account });
    this.#asking.delete(uid);
    this.#changed(namespace);
  }

  /** What was reserved is in the store by now, or will never be spent. */
  release(uid: string): void {
    const reservation = this.#reservations.get(uid);
    if (reservation === undefined) return;
    this.#reservations.delete(uid);
    this.#changed(reservation.namespace);
    this.wakeAdmissible();
  }

  reservationOf(uid: string): Reservation | undefined {
    return this.#reservations.get(uid);
  }

  /** What was decided about a resource: whether it waits for room, and whether what was reserved for it is still needed. */
  noteDecision(object: CustomObject, observation: VmObservation, verdict: Verdict): void {
    this.#settle(object, observation);
    const { uid } = object.metadata;
    const { need } = verdict;
    if (need !== undefined && !observation.meta.paused && observation.spend.limits.length > 0)
      this.#ask(object, need.more);
    else if (this.#asking.has(uid) && !keepsClaim(observation, verdict)) this.#withdraw(object);
  }

  #settle(object: CustomObject, observation: VmObservation): void {
    const { uid } = object.metadata;
    const reservation = this.#reservations.get(uid);
    if (reservation !== undefined && isOver(reservation.kind, observation)) this.release(uid);
    if (!isToKeepItsPlace(observation) || reservation?.kind === 'return') return;
    const { own, ownStarted } = observation.spend;
    this.reserve(object, 'return', larger(own, ownStarted));
  }

  forget(uid: string, namespace: string): void {
    this.#reservations.delete(uid);
    if (this.#asking.delete(uid)) this.wakeAdmissible();
    this.#changed(namespace);
  }

  /** From this moment on money is counted at another rate. */
  #changed(namespace: string): void {
    const { budgets, meter } = this.#deps;
    const counted = budgets.byIndex('namespace', namespace).filter(({ metadata }) => meter.knows(metadata.uid));
    if (counted.length > 0) {
      const { hourlyCost } = this.books().ofNamespace(namespace);
      for (const budget of counted) meter.read(budget, hourlyCost);
    }
    this.#deps.changed(namespace);
  }

  #ask(object: CustomObject, more: Charge): void {
    const { uid, namespace = '' } = object.metadata;
    const isNew = !this.#asking.has(uid);
    const saidAt = this.#deps.clock.now();
    this.#asking.set(uid, { uid, createdAt: createdAt(object), more, saidAt, wokenAt: undefined });
    if (isNew) this.#deps.changed(namespace);
  }

  #withdraw(object: CustomObject): void {
    this.#asking.delete(object.metadata.uid);
    this.#deps.changed(object.metadata.namespace ?? '');
    this.wakeAdmissible();
  }

  /** Resources of a namespace that want room. */
  waitingIn(namespace: string): number {
    return this.#objectsAsking().filter(({ object }) => object.metadata.namespace === namespace).length;
  }

  /** There may be more room than before: who would go in now is looked at, the oldest first. */
  wakeAdmissible(): void {
    if (this.#asking.size === 0) return;
    const books = this.books();
    const wokenAt = this.#deps.clock.now();
    for (const { uid } of admissible(this.#claims(books))) {
      const asking = this.#asking.get(uid);
      const [object] = this.#deps.vms.byIndex('uid', uid);
      if (asking === undefined || object === undefined) continue;
      this.#asking.set(uid, { ...asking, wokenAt: asking.wokenAt ?? wokenAt });
      this.#deps.wake(keyAmongKinds(object));
    }
  }

  /** A resource has changed, or is gone. */
  noteChange(old: CustomObject | undefined, current: CustomObject | undefined): void {
    const { namespace = '', uid } = (current ?? old)?.metadata ?? { uid: '' };
    if (current === undefined) this.forget(uid, namespace);
    else if (isOtherSpec(old, current)) this.#deps.changed(namespace);
    this.#noteCharges(namespace, [old, current]);
  }

  #noteCharges(namespace: string, versions: readonly (CustomObject | undefined)[]): void {
    const books = this.books();
    const [before, after] = versions.map((one) => (one === undefined ? nothing : books.commitmentOf(one).now));
    if (before === undefined || after === undefined || isSameCharge(before, after)) return;
    this.#changed(namespace);
    if (isLessAnywhere(after, before)) this.wakeAdmissible();
  }

  #claims(books: Books): Claim[] {
    this.#seed();
    const now = this.#deps.clock.now();
    return this.#objectsAsking().flatMap(({ asking, object }) => {
      const { uid, createdAt: born, more, saidAt, wokenAt } = asking;
      if (wokenAt !== undefined && wokenAt >= saidAt && now - wokenAt > longestSilenceMs) return [];
      return [{ uid, createdAt: born, more, limits: books.limitsOf(object) }];
    });
  }

  #objectsAsking(): { readonly asking: Asking; readonly object: CustomObject }[] {
    return [...this.#asking.values()].flatMap((asking) => {
      const [object] = this.#deps.vms.byIndex('uid', asking.uid);
      return object === undefined ? [] : [{ asking, object }];
    });
  }

  /** Who waited when the process before this one ended goes on waiting, so that nobody younger gets in meanwhile. */
  #seed(): void {
    if (this.#isSeeded) return;
    this.#isSeeded = true;
    const books = this.books();
    for (const object of this.#deps.vms.list()) {
      const { status, isStatusDamaged, spec } = parseVm(object);
      const reason = isStatusDamaged ? undefined : conditionOf(status.conditions, 'Ready')?.reason;
      if (reason === undefined || !waitingReasons.has(reason) || object.metadata.deletionTimestamp !== undefined)
        continue;
      const { now, started } = books.commitmentOf(object);
      const another = { vms: 1, gpus: spec.gpu.count, hourlyCost: now.hourlyCost.minus(now.hourlyCost) };
      this.#ask(object, status.vm === undefined ? another : growth(now, started));
    }
  }
}

const waitingReasons: ReadonlySet<string> = new Set(Object.values(shortageReasons));

/** By its priority, or by what its owner asks for now, others may be stopped or started. */
function isOtherSpec(old: CustomObject | undefined, { metadata }: CustomObject): boolean {
  return old?.metadata.generation !== metadata.generation;
}

function createdAt({ metadata }: CustomObject): number {
  const at = Date.parse(metadata.creationTimestamp ?? '');
  return Number.isNaN(at) ? 0 : at;
}

/** Made for each decision, though most of them never look into it: nothing is reckoned before somebody does. */
class LazyView implements SpendView {
  readonly #deps: BooksDeps;
  readonly #object: CustomObject;
  readonly #reckon: { books(): Books; limits(books: Books): readonly LimitAhead[] };
  #books: Books | undefined;
  #limits: readonly LimitAhead[] | undefined;

  constructor(
    deps: BooksDeps,
    object: CustomObject,
    reckon: { books(): Books; limits(books: Books): readonly LimitAhead[] },
  ) {
    this.#deps = deps;
    this.#object = object;
    this.#reckon = reckon;
  }

  get #made(): Books {
    return (this.#books ??= this.#reckon.books());
  }

  get limits(): readonly LimitAhead[] {
    return (this.#limits ??= this.#reckon.limits(this.#made));
  }

  get ban(): SpendView['ban'] {
    return banOf(this.#deps, this.#object);
  }

  get mayRetain(): boolean {
    return mayRetain(this.#deps, this.#object.metadata.namespace ?? '');
  }

  get own(): Charge {
    return this.#made.chargeOf(this.#object);
  }

  get ownKept(): Charge {
    return this.#made.commitmentOf(this.#object).kept;
  }

  get ownStarted(): Charge {
    return this.#made.commitmentOf(this.#object).started;
  }
}
