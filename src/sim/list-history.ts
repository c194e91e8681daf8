import { joinSorted } from './json.ts';

interface Change {
  readonly at: number;
  readonly id: string;
  /** How the list showed the VM before the change; undefined when it was not there. */
  readonly before: string | undefined;
}

const keptChanges = 5_000;

/**
 * What client/list shows now, and enough of the past to show it as it was (the fault `stale-list`). Only changes are
 * kept, a bounded number of them, because whole lists of thousands of VMs would not fit.
 */
export class ListHistory {
  readonly #fragments = new Map<string, string>();
  #changes: Change[] = [];
  #current: string | undefined;

  /** Records how the list shows the VM from `now` on; undefined when it is gone. */
  set(id: string, fragment: string | undefined, now: number): void {
    const before = this.#fragments.get(id);
    if (before === fragment) return;
    this.#current = undefined;
    this.#changes.push({ at: now, id, before });
    if (this.#changes.length > 2 * keptChanges) this.#changes = this.#changes.slice(keptChanges);
    if (fragment === undefined) this.#fragments.delete(id);
    else this.#fragments.set(id, fragment);
  }

  /** The map of VMs as JSON, kept until one changes. */
  current(): string {
    this.#current ??= joinSorted([...this.#fragments]);
    return this.#current;
  }

  /** The map as it was at a time, or as far back as the history goes. */
  at(time: number): string {
    const past = new Map(this.#fragments);
    for (const change of this.#changes.toReversed()) {
      if (change.at <= time) break;
      if (change.before === undefined) past.delete(change.id);
      else past.set(change.id, change.before);
    }
    return joinSorted([...past]);
  }
}
