import type { Indexed } from '../../kube/store.ts';
import type { Clock } from '../../lib/clock.ts';
import { growth, total, type Charge } from '../../plan/budget/charge.ts';
import { amountOf, isHopeless, type Limit } from '../../plan/budget/limits.ts';
import { byImportance, isReleasable, isRunning } from '../../plan/budget/stopping.ts';
import type { CustomObject } from '../objects.ts';
import type { Books } from './books.ts';
import { rankOf, wantsGpu } from './standby.ts';

export interface OwedDeps {
  readonly clock: Pick<Clock, 'now'>;
  /** Resources of all kinds that stand for one VM, by `uid`. */
  readonly vms: Indexed<CustomObject>;
}

/** A VM that a limit keeps released, and what it takes to start it. */
interface Standby {
  readonly object: CustomObject;
  readonly started: Charge;
  /** By how much that is more than what is counted for it. */
  readonly more: Charge;
  /** It has not given its GPU back yet. */
  readonly holdsGpu: boolean;
}

/** What is owed to those that a limit keeps released: it is kept from others until they are started. */
export class Owed {
  readonly #deps: OwedDeps;
  readonly #books: Pick<Books, 'commitmentOf' | 'chargeOf'>;
  /** All who wait for room look at all of them: what each is committed to is reckoned once. */
  readonly #standbys = new Map<CustomObject, Standby>();

  constructor(deps: OwedDeps, books: Pick<Books, 'commitmentOf' | 'chargeOf'>) {
    this.#deps = deps;
    this.#books = books;
  }

  /**
   * Limits as they are for this resource. They start those that they keep released, and that are more important, before this one is
   * let in, as soon as they can: others would take that room bit by bit.
   */
  added(object: CustomObject, limits: readonly Limit[], released: Iterable<string>): Limit[] {
    const standbys = [...released].flatMap((uid) => this.#standbyOf(uid));
    if (standbys.length === 0) return [...limits];
    const owed = this.#owedBefore(object, standbys, limits);
    return limits.map((limit) => ({ ...limit, used: limit.used.plus(amountOf(owed, limit.measure)) }));
  }

  /** Nobody waits for one that there will be no room for, or that would not run anyway. */
  #owedBefore(object: CustomObject, standbys: readonly Standby[], limits: readonly Limit[]): Charge {
    const now = this.#deps.clock.now();
    const rank = rankOf(object);
    const momentary = limits.filter(({ measure }) => isReleasable(measure));
    const before = standbys.filter(({ object: other, started, holdsGpu }) => {
      if (other.metadata.deletionTimestamp !== undefined || byImportance(rankOf(other), rank) >= 0) return false;
      return !momentary.some((limit) => isHopeless(limit, started)) && wantsGpu(other, holdsGpu, now);
    });
    return total(before.map(({ more }) => more));
  }

  #standbyOf(uid: string): Standby[] {
    const [object] = this.#deps.vms.byIndex('uid', uid);
    if (object === undefined) return [];
    const known = this.#standbys.get(object);
    if (known !== undefined) return [known];
    const commitment = this.#books.commitmentOf(object);
    const more = growth(this.#books.chargeOf(object), commitment.started);
    const made = { object, started: commitment.started, more, holdsGpu: isRunning(commitment) };
    this.#standbys.set(object, made);
    return [made];
  }
}
