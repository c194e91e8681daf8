import { troublesAfter, type Seen, type Troubles } from '../../plan/pool/troubles.ts';

/** What the process knows about one pool beyond what its store shows. Losing it costs a list. */
export class PoolMemory {
  readonly #deleted = new Set<string>();
  /** By UID. */
  readonly #troubles = new Map<string, Troubles>();
  /**
   * Whether the store has been filled up from the API server since it was last behind for all that this process knows: at
   * its start, when another process may have acted a moment ago, and after a call whose answer was lost.
   */
  isSure = false;

  /** The API server has taken the deletion; the watch tells of it later. */
  noteDeleted(uid: string): void {
    this.#deleted.add(uid);
  }

  hasDeleted(uid: string): boolean {
    return this.#deleted.has(uid);
  }

  /** Each look at a member is noted, so that nothing that was so for a while in between is overlooked. */
  noteTroubles(uid: string, seen: Seen, now: number): Troubles {
    const troubles = troublesAfter(this.#troubles.get(uid), seen, now);
    this.#troubles.set(uid, troubles);
    return troubles;
  }

  /** What is gone needs no remembering. */
  keepOnly(uids: ReadonlySet<string>): void {
    for (const uid of this.#deleted) if (!uids.has(uid)) this.#deleted.delete(uid);
    for (const uid of this.#troubles.keys()) if (!uids.has(uid)) this.#troubles.delete(uid);
  }
}
