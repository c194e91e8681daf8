import { Line } from '../../plan/budget/admission.ts';
import { growth, isLessAnywhere, isSameCharge, larger, nothing, type Charge } from '../../plan/budget/charge.ts';
import type { LimitAhead } from '../../plan/budget/limits.ts';
import type { SpendView } from '../../plan/budget/spending.ts';
import type { VmObservation } from '../../plan/vm/observation.ts';
import type { PowerHold } from '../../plan/vm/power-hold.ts';
import type { Verdict } from '../../plan/vm/verdict.ts';
import type { CustomObject } from '../objects.ts';
import { ownerKeyOf } from '../pool-owner.ts';
import { keyAmongKinds } from '../vm/observe.ts';
import { Books, type BooksDeps } from './books.ts';
import type { Reservation } from './commitments.ts';
import { Counts, type ListNews } from './counts.ts';
import { groups } from './groups.ts';
import { moneyHolds } from './hold.ts';
import { isOver, isToKeepItsPlace, keepsClaim } from './settling.ts';
import { saysReleased, waitedFor } from './waited.ts';
import { LazyView } from './view.ts';
import { Waiting, type Asking } from './waiting.ts';

export interface LedgerDeps extends BooksDeps {
  /** Keys among all kinds, to be reconciled. */
  wake(key: string): void;
  /** What is used in this namespace, or who waits there, has changed. */
  changed(namespace: string): void;
}

/** What was reckoned of everybody: it stands until somebody is committed to something else. */
interface Round {
  readonly books: Books;
  line: Line | undefined;
}

/**
 * Who may spend what. It is the one place in the process that knows of everybody: what is stored, what is reserved because it
 * was decided a moment ago, and who waits. From reading it to reserving in it nothing is awaited, so that no two decisions
 * take the same room.
 */
export class Ledger {
  readonly #deps: LedgerDeps;
  readonly #reservations = new Map<string, Reservation>();
  readonly #waiting = new Waiting();
  readonly #counts: Counts;
  #known: Round | undefined;
  #isSeeded = false;

  constructor(deps: LedgerDeps) {
    this.#deps = deps;
    this.#counts = new Counts(deps, this.#reservations);
  }

  books(): Books {
    return this.#round().books;
  }

  #round(): Round {
    this.#look();
    return (this.#known ??= { books: new Books(this.#deps, this.#counts), line: undefined });
  }

  #look(): void {
    const uids = this.#counts.look();
    if (uids === undefined) return;
    this.#known = undefined;
    const wasComplete = this.#counts.isComplete();
    this.#count(uids);
    if (!wasComplete && this.#counts.isComplete()) this.wakeAdmissible();
  }

  /** What a decision about this resource has to know; reckoned when it is first asked for. */
  viewFor(object: CustomObject): SpendView {
    return new LazyView(this.#deps, object, {
      books: () => this.books(),
      limits: (books) => this.#limitsFor(books, object),
    });
  }

  holdsOn(object: CustomObject): PowerHold[] {
    return moneyHolds(this.#deps, object);
  }

  #limitsFor(books: Books, object: CustomObject): readonly LimitAhead[] {
    const limits = books.limitsOf(object);
    // Who is held to nothing waits for nobody.
    if (limits.length === 0) return [];
    // What is stopped or deleted asks for no room.
    this.#counts.assertComplete();
    const { uid } = object.metadata;
    return this.#line().limitsFor({ uid, createdAt: this.#waiting.ageOf(object), limits });
  }

  /** In the same moment in which it was decided to spend. */
  reserve(object: CustomObject, kind: Reservation['kind'], charge: Charge): void {
    const { namespace = '', uid } = object.metadata;
    this.#reservations.set(uid, { kind, charge });
    const before = this.#counts.tally.chargeOf(uid);
    const asked = this.#forgetAsking(uid, namespace);
    this.#recount([uid]);
    const grown = growth(before, this.#counts.tally.chargeOf(uid));
    // It takes less than it had asked for: what is left is for those behind it.
    if (asked !== undefined && isLessAnywhere(grown, asked.more)) this.wakeAdmissible();
  }

  /** What was reserved is in the store by now, or will never be spent. In the first case nothing got free by that. */
  release(uid: string): void {
    const reservation = this.#reservations.get(uid);
    if (reservation === undefined) return;
    this.#reservations.delete(uid);
    this.#recount([uid]);
  }

  reservationOf(uid: string): Reservation | undefined {
    return this.#reservations.get(uid);
  }

  /** What was decided about a resource: whether it waits for room, and whether what was reserved for it is still needed. */
  noteDecision(object: CustomObject, observation: VmObservation, verdict: Verdict): void {
    const { uid } = object.metadata;
    this.#settle(object, observation);
    this.#recount([uid]);
    const { need } = verdict;
    if (need !== undefined && !observation.meta.paused && observation.spend.limits.length > 0)
      this.#ask(object, need.more);
    else if (this.#waiting.has(uid) && !keepsClaim(observation, verdict)) this.#withdraw(object);
  }

  #settle(object: CustomObject, observation: VmObservation): void {
    const { uid } = object.metadata;
    const reservation = this.#reservations.get(uid);
    if (reservation !== undefined && isOver(reservation.kind, observation)) this.release(uid);
    if (!isToKeepItsPlace(observation) || reservation?.kind === 'return') return;
    const { own, ownStarted } = observation.spend;
    this.reserve(object, 'return', larger(own, ownStarted));
  }

  /** It is gone: what was reserved for it is spent no more. VMs that it has left behind count elsewhere. */
  #forget(uid: string, namespace: string): void {
    this.#reservations.delete(uid);
    this.#known = undefined;
    const asked = this.#forgetAsking(uid, namespace);
    this.#recount([uid]);
    if (asked !== undefined) this.wakeAdmissible();
  }

  /** What these are committed to may be something else by now. Returns whether those who wait were told that there is more room. */
  #recount(uids: Iterable<string>): boolean {
    this.#look();
    return this.#count(uids);
  }

  #count(uids: Iterable<string>): boolean {
    const others = [...uids].flatMap((uid) => this.#counts.count(uid) ?? []);
    if (others.length === 0) return false;
    this.#known = undefined;
    for (const namespace of new Set(others.flatMap(({ namespaces }) => namespaces))) this.#changed(namespace);
    const isRoom = others.some(({ isLess }) => isLess);
    if (isRoom) this.wakeAdmissible();
    return isRoom;
  }

  /** From this moment on money is counted at another rate. */
  #changed(namespace: string): void {
    const { budgets, meter } = this.#deps;
    const counted = budgets.byIndex('namespace', namespace).filter(({ metadata }) => meter.knows(metadata.uid));
    if (counted.length > 0) {
      const { hourlyCost } = this.#counts.tally.ofGroup(groups.namespace(namespace));
      for (const budget of counted) meter.read(budget, hourlyCost);
    }
    this.#deps.changed(namespace);
  }

  /**
   * Its budget, or its account, has room for it again and keeps it released no longer. It was in before all who wait now, and asks
   * before anybody looks at that room: by age an older one would take it that is less important.
   */
  noteReturn(uid: string): void {
    const object = this.#counts.objectOf(uid);
    if (object === undefined) return;
    const books = this.books();
    const more = growth(books.chargeOf(object), books.commitmentOf(object).started);
    if (isSameCharge(more, nothing)) return;
    this.#forgetAsking(uid, object.metadata.namespace ?? '');
    this.#waiting.noteReturning(object);
    this.#ask(object, more);
    // Should it want nothing any more it withdraws, and should it say nothing nobody waits for it for long.
    this.#waiting.noteWoken(uid, this.#deps.clock.now());
  }

  #ask(object: CustomObject, more: Charge): void {
    const { uid, namespace = '' } = object.metadata;
    const asking = { uid, createdAt: this.#waiting.ageOf(object), more };
    const news = this.#waiting.note(asking, this.#deps.clock.now());
    if (news === 'same') return;
    const { books, line } = this.#round();
    line?.put({ ...asking, limits: books.limitsOf(object) });
    if (news === 'new') this.#deps.changed(namespace);
    if (news === 'less') this.wakeAdmissible();
  }

  #withdraw({ metadata: { uid, namespace = '' } }: CustomObject): void {
    if (this.#forgetAsking(uid, namespace) !== undefined) this.wakeAdmissible();
  }

  #forgetAsking(uid: string, namespace: string): Asking | undefined {
    const asking = this.#waiting.forget(uid);
    if (asking === undefined) return undefined;
    this.#known?.line?.remove(asking);
    this.#deps.changed(namespace);
    return asking;
  }

  /** Resources of a namespace that want room. */
  waitingIn(namespace: string): number {
    return this.#waiting.uids().filter((uid) => this.#counts.objectOf(uid)?.metadata.namespace === namespace).length;
  }

  /** There may be more room than before: who would go in now is looked at, the oldest first. */
  wakeAdmissible(): void {
    if (this.#waiting.size === 0 || !this.#counts.isComplete()) return;
    const now = this.#deps.clock.now();
    for (const { uid } of this.#line().admissible()) {
      const object = this.#counts.objectOf(uid);
      if (object === undefined) continue;
      this.#waiting.noteWoken(uid, now);
      this.#deps.wake(keyAmongKinds(object));
    }
  }

  /** A resource has changed, or is gone. */
  noteChange(old: CustomObject | undefined, current: CustomObject | undefined): void {
    const { namespace = '', uid } = (current ?? old)?.metadata ?? { uid: '' };
    if (this.#counts.noteChange(old, current) || isElsewhere(old, current)) this.#known = undefined;
    if (current === undefined) {
      this.#forget(uid, namespace);
      return;
    }
    if (isOtherSpec(old, current)) this.#deps.changed(namespace);
    this.#recount([uid]);
  }

  /** The provider lists something else than before: by that alone VMs cost something else. */
  noteList(account: string, news: ListNews): void {
    this.#known = undefined;
    const isToldOfRoom = this.#recount(this.#counts.noteList(account, news));
    if (isToldOfRoom || this.#waiting.size === 0) return;
    // Also what belongs to nobody here takes room, and leaves it.
    if (this.#counts.strays.isLessNow(account)) this.wakeAdmissible();
  }

  /** Somebody allows something else than before. */
  noteLimits(): void {
    this.#known = undefined;
    this.wakeAdmissible();
  }

  #line(): Line {
    const now = this.#deps.clock.now();
    const isOld = this.#waiting.isOld(now);
    const round = this.#round();
    if (round.line !== undefined && !isOld) return round.line;
    this.#seed();
    const claims = this.#waiting.heard(now).flatMap((asking) => {
      const object = this.#counts.objectOf(asking.uid);
      return object === undefined ? [] : [{ ...asking, limits: round.books.limitsOf(object) }];
    });
    const line = new Line(claims);
    round.line = line;
    // Those behind somebody who says nothing are told by nobody else.
    if (isOld) this.wakeAdmissible();
    return line;
  }

  /** Who waited when the process before this one ended goes on waiting, so that nobody younger gets in meanwhile. */
  #seed(): void {
    if (this.#isSeeded) return;
    this.#isSeeded = true;
    const books = this.books();
    for (const object of this.#deps.vms.list()) {
      const waited = waitedFor(object, books);
      if (waited !== undefined) this.#ask(object, waited);
      else if (saysReleased(object) && this.holdsOn(object).length === 0) this.noteReturn(object.metadata.uid);
    }
  }
}

/** By its priority, or by what its owner asks for now, others may be stopped or started. */
function isOtherSpec(old: CustomObject | undefined, { metadata }: CustomObject): boolean {
  return old?.metadata.generation !== metadata.generation;
}

/** In another pool than before: who waits for room there waits for that of another limit. */
function isElsewhere(old: CustomObject | undefined, current: CustomObject | undefined): boolean {
  return old !== undefined && current !== undefined && ownerKeyOf(old) !== ownerKeyOf(current);
}
