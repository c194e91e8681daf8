/** What the process knows about one pool beyond what its store shows. Losing it costs a list. */
export class PoolMemory {
  readonly #deleted = new Set<string>();
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

  /** What is gone needs no remembering. */
  keepOnly(uids: ReadonlySet<string>): void {
    for (const uid of this.#deleted) if (!uids.has(uid)) this.#deleted.delete(uid);
  }
}
