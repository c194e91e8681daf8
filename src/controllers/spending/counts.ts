import type { Snapshot } from '../../fleet/contract.ts';
import type { FleetDiff } from '../../fleet/diff.ts';
import { isLessAnywhere, isSameCharge, nothing, type Charge } from '../../plan/budget/charge.ts';
import type { AccountRuntime } from '../accounts.ts';
import type { CustomObject } from '../objects.ts';
import { Commitments, groupsOf, type CommitmentsDeps, type Reservation } from './commitments.ts';
import type { CostMeter } from './cost-meter.ts';
import { Strays } from './strays.ts';
import { Tally } from './tally.ts';
import { touchedBy } from './touched.ts';

export interface CountsDeps extends CommitmentsDeps {
  readonly costs: Pick<CostMeter, 'note'>;
}

/**
 * What everybody is committed to, counted anew for those alone of whom something is different: whoever learns of that has to say so. It
 * is the same at any moment as if all were counted at once.
 */
export class Counts {
  readonly commitments: Commitments;
  readonly strays: Strays;
  /** By UID: the list alone may change it. */
  readonly tally = new Tally();
  readonly #deps: CountsDeps;
  readonly #reservations: ReadonlyMap<string, Reservation>;
  /** The last list of each account, from which all of that was reckoned. */
  #lists = new Map<AccountRuntime, Snapshot | undefined>();

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
    const runtimes = this.#deps.accounts.runtimes();
    const before = this.#lists;
    const isSame = runtimes.length === before.size && runtimes.every((runtime) => before.has(runtime));
    if (isSame && runtimes.every((runtime) => before.get(runtime) === runtime.fleet.snapshot)) return undefined;
    this.#lists = new Map(runtimes.map((runtime) => [runtime, runtime.fleet.snapshot]));
    // Most lists say the same as the one before.
    const isSaid = runtimes.every((runtime) => before.get(runtime)?.byId === runtime.fleet.snapshot?.byId);
    return isSame && isSaid ? [] : this.#deps.vms.list();
  }

  /** The news of a list. Returns who is to be counted anew by it. */
  noteList(account: string, diff: FleetDiff): readonly CustomObject[] {
    const runtime = this.#deps.accounts.runtime(account);
    if (runtime === undefined) return [];
    const touched = touchedBy(diff, this.#lists.get(runtime)?.byId, this.#deps);
    this.#lists.set(runtime, runtime.fleet.snapshot);
    return [...touched].flatMap((uid) => this.objectOf(uid) ?? []);
  }

  /** Returns whether it is committed to something else than before, and leaves room to others by that. */
  count(uid: string): { readonly isLess: boolean } | undefined {
    const before = this.tally.chargeOf(uid);
    const object = this.objectOf(uid);
    const after = this.#chargeOf(uid, object);
    this.#deps.costs.note(uid, after.hourlyCost, object);
    if (!this.tally.put(uid, after, object === undefined ? [] : groupsOf(object))) return undefined;
    // With the same charge it has gone from one pool, or account, to another.
    return { isLess: isLessAnywhere(after, before) || isSameCharge(after, before) };
  }

  objectOf(uid: string): CustomObject | undefined {
    return this.#deps.vms.byIndex('uid', uid)[0];
  }

  #chargeOf(uid: string, object: CustomObject | undefined): Charge {
    if (object === undefined) return this.#reservations.get(uid)?.charge ?? nothing;
    return this.commitments.chargeOf(object);
  }
}
