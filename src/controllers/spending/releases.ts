import { finalizerName } from '../../api/group.ts';
import type { VmSpec } from '../../api/vm.ts';
import { hasFinalizer } from '../../kube/finalizers.ts';
import type { Limit } from '../../plan/budget/limits.ts';
import { byImportance, chooseStopped, isRunning, type Stoppable } from '../../plan/budget/stopping.ts';
import type { CustomObject } from '../objects.ts';
import { vmKindOf } from '../vm/kinds.ts';
import type { Books } from './books.ts';
import { Departures } from './departures.ts';
import { rankOf, wantsGpu } from './standby.ts';

/** Whose VMs may be released for want of money, and by what that is decided. */
export interface Choice {
  readonly limits: readonly Limit[];
  /** What there has to be room in for a VM to be started again. Default: the same. */
  readonly toStart?: readonly Limit[] | undefined;
  readonly members: readonly CustomObject[];
  /** UIDs of those that are kept released by now. */
  readonly before: ReadonlySet<string>;
}

export interface Released {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Chooses whose VMs are kept released by one limit or another, those with the lowest priority first. */
export class Releases {
  /** By the key of what limits them. */
  readonly #departures = new Map<string, Departures>();

  /** In the order of release, which is the other way round that of the starts. */
  choose(
    key: string,
    { limits, toStart, members, before }: Choice,
    reckoned: { books: Books; now: number },
  ): Released[] {
    const { books, now } = reckoned;
    const departures = this.#departures.get(key) ?? new Departures();
    this.#departures.set(key, departures);
    const all = members.flatMap((object) => stoppable(object, books, now));
    const noteLeaving = (stopped: ReadonlySet<string>): void => {
      const leaving = all.filter((member) => stopped.has(member.uid) && isRunning(member));
      departures.note(
        leaving.map(({ uid }) => uid),
        now,
      );
    };
    noteLeaving(before);
    const judged = all.map((member) => ({ ...member, isStuck: departures.isStuck(member.uid, now) }));
    const chosen = new Set(chooseStopped(limits, judged, before, toStart));
    // Whoever is chosen now is on the way from now on.
    noteLeaving(chosen);
    return all
      .filter(({ uid }) => chosen.has(uid))
      .toSorted((one, other) => byImportance(other, one))
      .map(({ uid, kind, namespace, name }) => ({ kind, namespace, name, uid }));
  }

  /** When it is to be chosen anew though nothing happens; undefined: not before something does. */
  nextAt(key: string, now: number): number | undefined {
    return this.#departures.get(key)?.nextAt(now);
  }

  forget(key: string): void {
    this.#departures.delete(key);
  }
}

type Member = Stoppable & Released;

function stoppable(object: CustomObject, books: Books, now: number): Member[] {
  const { name, namespace = '', deletionTimestamp } = object.metadata;
  const isGoing = deletionTimestamp !== undefined;
  if (isGoing && !isHeldBack(object, books)) return [];
  const { kind } = vmKindOf(object).type;
  const commitment = books.commitmentOf(object);
  // One that goes is not started again: it keeps no room from others.
  const isWanted = isGoing ? isRunning(commitment) : wantsGpu(object, isRunning(commitment), now);
  return [{ ...{ ...rankOf(object), kind, namespace, name, isWanted, isStuck: false }, ...commitment }];
}

/**
 * A VM that is on its way out anyway is not stopped first. One that is to be left behind where that is not allowed stays, and counts:
 * whoever deletes it so would have others stop for it.
 */
function isHeldBack(object: CustomObject, books: Books): boolean {
  const isRetained = (object.spec as Partial<VmSpec>).deletionPolicy === 'Retain';
  return isRetained && hasFinalizer(object, finalizerName) && !books.mayRetain(object.metadata.namespace ?? '');
}
