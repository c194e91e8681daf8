import type { Snapshot } from '../../fleet/contract.ts';
import type { FleetDiff } from '../../fleet/diff.ts';
import { noVms } from '../../fleet/snapshot.ts';
import { isLessAnywhere, nothing, type Charge } from '../../plan/budget/charge.ts';
import type { AccountRegistry } from '../accounts.ts';
import type { CustomObject } from '../objects.ts';
import { Commitments, type CommitmentsDeps, type Reservation } from './commitments.ts';
import type { CostMeter } from './cost-meter.ts';
import { groupsOf, namespacesIn } from './groups.ts';
import { Strays } from './strays.ts';
import { Tally } from './tally.ts';
import { touchedBy } from './touched.ts';

export interface CountsDeps extends CommitmentsDeps {
  readonly accounts: Pick<AccountRegistry, 'runtime' | 'lists'>;
  readonly costs: Pick<CostMeter, 'note'>;
}

/** A list, and what is different in it from the one before. */
export interface ListNews {
  readonly diff: FleetDiff;
  readonly snapshot: Snapshot;
}

/** Somebody is committed to something else than before. */
export interface Counted {
  /** Whose budgets count it, or have until now. */
  readonly namespaces: readonly string[];
  /** It leaves room to others. */
  readonly isLess: boolean;
}

/** With so many lists that say nothing new everybody is counted once more. */
const slices = 20;

/**
 * What everybody is committed to, counted anew for those alone of whom something is different: whoever learns of that has to say so,
 * and has to `look` before anything is read here. Then it is the same as if all were counted at once.
 */
export class Counts {
  readonly commitments: Commitments;
  readonly strays: Strays;
  /** By UID: the list alone may change it. */
  readonly tally = new Tally();
  readonly #deps: CountsDeps;
  readonly #reservations: ReadonlyMap<string, Reservation>;
  /** The last list of each account, from which all of that was reckoned. */
  #lists: ReturnType<AccountRegistry['lists']> = new Map();
  /** Those that could not be counted. */
  readonly #uncounted = new Map<string, unknown>();
  /** Those that are to be counted once more, sooner or later. */
  #left: string[] = [];
  #slice = 0;

  constructor(deps: CountsDeps, reservations: ReadonlyMap<string, Reservation>) {
    this.#deps = deps;
    this.#reservations = reservations;
    this.commitments = new Commitments(deps, reservations);
    this.strays = new Strays(deps);
  }

  /**
   * UIDs of those to be counted anew; undefined: no list is another one. Who asks between a list and the news of it, or after an
   * account has come or gone, is not to be told of the list before.
   */
  look(): readonly string[] | undefined {
    const [before, lists] = [this.#lists, this.#deps.accounts.lists()];
    const isKnown = ([name, list]: [string, Snapshot | undefined]): boolean =>
      before.has(name) && before.get(name) === list;
    const isSame = before.size === lists.size && [...lists].every(isKnown);
    // One at a time: where nobody can be counted each look would go through all.
    if (isSame) return this.isComplete() ? undefined : [...this.#uncounted.keys()].slice(0, 1);
    this.#lists = lists;
    const names = [...new Set([...before.keys(), ...lists.keys()])];
    const others = names.filter((name) => before.get(name)?.byId !== lists.get(name)?.byId);
    return others.length === 0 ? this.#some() : others.flatMap((name) => this.#ofAccount(name));
  }

  #ofAccount(name: string): string[] {
    return this.#deps.vms.byIndex('account', name).map(({ metadata }) => metadata.uid);
  }

  /** A net below: whoever should have been counted anew, and was not, is some lists later. */
  #some(): readonly string[] {
    if (this.#left.length === 0) {
      this.strays.forget();
      this.#left = [
        ...new Set([...this.tally.members(), ...this.#deps.vms.list().map(({ metadata }) => metadata.uid)]),
      ];
      this.#slice = Math.ceil(this.#left.length / slices);
    }
    return this.#left.splice(0, this.#slice);
  }

  /** The news of a list. Returns who is to be counted anew by it. */
  noteList(account: string, { diff, snapshot }: ListNews): Iterable<string> {
    const counted = this.#lists.get(account)?.byId ?? noVms;
    // The news of the list before was lost, or somebody has looked since: that is found out by looking.
    if (counted !== diff.before) return [];
    this.#lists = new Map([...this.#lists, [account, snapshot]]);
    return touchedBy(diff, this.#deps);
  }

  /** A resource is another one than before. Returns whether VMs that no resource counts come to anything else by that. */
  noteChange(old: CustomObject | undefined, current: CustomObject | undefined): boolean {
    try {
      return this.strays.noteChange(old, current);
    } catch {
      // Nobody decides by what is left half done: whoever asks has them counted as a whole.
      this.strays.forget();
      return true;
    }
  }

  /** Undefined: it is committed to the same as before. One that cannot be counted keeps nobody else from being. */
  count(uid: string): Counted | undefined {
    try {
      const counted = this.#count(uid);
      this.#uncounted.delete(uid);
      return counted;
    } catch (error) {
      this.#uncounted.set(uid, error);
      return undefined;
    }
  }

  /** Everybody could be counted. */
  isComplete(): boolean {
    return this.#uncounted.size === 0;
  }

  /** Throws where somebody could not be counted: of room for anybody nothing is known then. */
  assertComplete(): void {
    for (const error of this.#uncounted.values()) throw error;
  }

  #count(uid: string): Counted | undefined {
    const before = this.tally.chargeOf(uid);
    const groupsBefore = this.tally.groupsOf(uid);
    const object = this.objectOf(uid);
    const after = this.#chargeOf(uid, object);
    this.#deps.costs.note(uid, after.hourlyCost, object);
    const put = this.tally.put(uid, after, object === undefined ? [] : groupsOf(object));
    if (put === 'same') return undefined;
    // From one pool to another it leaves room in the first one.
    const isLess = put === 'moved' || isLessAnywhere(after, before);
    return { isLess, namespaces: namespacesIn([...groupsBefore, ...this.tally.groupsOf(uid)]) };
  }

  objectOf(uid: string): CustomObject | undefined {
    return this.#deps.vms.byIndex('uid', uid)[0];
  }

  #chargeOf(uid: string, object: CustomObject | undefined): Charge {
    if (object === undefined) return this.#reservations.get(uid)?.charge ?? nothing;
    return this.commitments.chargeOf(object);
  }
}
