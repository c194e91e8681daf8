import type { Snapshot } from '../../fleet/contract.ts';
import type { FleetDiff } from '../../fleet/diff.ts';
import { isLessAnywhere, nothing, type Charge } from '../../plan/budget/charge.ts';
import type { CloudVm } from '../../provider/contract.ts';
import type { AccountRegistry } from '../accounts.ts';
import type { CustomObject } from '../objects.ts';
import { Commitments, type CommitmentsDeps, type Reservation } from './commitments.ts';
import type { CostMeter } from './cost-meter.ts';
import { groupsOf } from './groups.ts';
import { Strays } from './strays.ts';
import { Tally } from './tally.ts';
import { touchedBy } from './touched.ts';

const noVms: ReadonlyMap<string, CloudVm> = new Map();

export interface CountsDeps extends CommitmentsDeps {
  readonly accounts: Pick<AccountRegistry, 'runtime' | 'lists'>;
  readonly costs: Pick<CostMeter, 'note'>;
}

/** A list, and what is different in it from the one before. */
export interface ListNews {
  readonly diff: FleetDiff;
  readonly snapshot: Snapshot;
}

/** So many lists that say nothing new, and everybody has been counted anew. */
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
  #isDoubtful = false;
  #slice = 0;

  constructor(deps: CountsDeps, reservations: ReadonlyMap<string, Reservation>) {
    this.#deps = deps;
    this.#reservations = reservations;
    this.commitments = new Commitments(deps, reservations);
    this.strays = new Strays(deps);
  }

  /**
   * Who asks between a list and the news of it, or after an account has come or gone, is not to be told of the list before. Undefined:
   * there is no other list. Otherwise who is to be counted anew.
   */
  look(): readonly CustomObject[] | undefined {
    const [before, lists] = [this.#lists, this.#deps.accounts.lists()];
    const names = [...new Set([...before.keys(), ...lists.keys()])];
    if (!this.#isDoubtful && names.every((name) => before.get(name) === lists.get(name))) return undefined;
    this.#lists = lists;
    if (this.#isDoubtful) return this.#all();
    const others = names.filter((name) => before.get(name)?.byId !== lists.get(name)?.byId);
    if (others.length === 0) return this.#some();
    return others.flatMap((name) => this.#deps.vms.byIndex('account', name));
  }

  /** The news of a list. Returns who is to be counted anew by it. */
  noteList(account: string, { diff, snapshot }: ListNews): readonly CustomObject[] {
    const counted = this.#lists.get(account)?.byId ?? noVms;
    // The news of the list before was lost, or somebody has looked since: that is found out by looking.
    if (counted !== diff.before && (counted.size > 0 || diff.before.size > 0)) return [];
    this.#lists = new Map([...this.#lists, [account, snapshot]]);
    return [...touchedBy(diff, this.#deps)].flatMap((uid) => this.objectOf(uid) ?? []);
  }

  /** A resource is another one than before. Returns whether VMs that no resource counts come to anything else by that. */
  noteChange(old: CustomObject | undefined, current: CustomObject | undefined): boolean {
    return this.#surely(() => this.strays.noteChange(old, current));
  }

  /** Returns whether it is committed to something else than before, and leaves room to others by that. */
  count(uid: string): { readonly isLess: boolean } | undefined {
    return this.#surely(() => {
      const before = this.tally.chargeOf(uid);
      const object = this.objectOf(uid);
      const after = this.#chargeOf(uid, object);
      this.#deps.costs.note(uid, after.hourlyCost, object);
      const put = this.tally.put(uid, after, object === undefined ? [] : groupsOf(object));
      // From one pool to another it leaves room in the first one.
      return put === 'same' ? undefined : { isLess: put === 'moved' || isLessAnywhere(after, before) };
    });
  }

  /** Whatever goes wrong in the middle of counting: nobody decides by what is left half done. */
  #surely<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      this.#isDoubtful = true;
      throw error;
    }
  }

  #all(): readonly CustomObject[] {
    this.#isDoubtful = false;
    this.strays.forget();
    return this.#deps.vms.list();
  }

  /** A net below: should something have been told to nobody, it counts all the same some lists later. */
  #some(): readonly CustomObject[] {
    if (this.#slice === 0) this.strays.forget();
    const all = this.#deps.vms.list();
    const size = Math.ceil(all.length / slices);
    const some = all.slice(this.#slice * size, (this.#slice + 1) * size);
    this.#slice = (this.#slice + 1) % slices;
    return some;
  }

  objectOf(uid: string): CustomObject | undefined {
    return this.#deps.vms.byIndex('uid', uid)[0];
  }

  #chargeOf(uid: string, object: CustomObject | undefined): Charge {
    if (object === undefined) return this.#reservations.get(uid)?.charge ?? nothing;
    return this.commitments.chargeOf(object);
  }
}
