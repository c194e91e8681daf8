/** What the process knows about one pool beyond what its store shows. Losing it costs a list. */
export class PoolMemory {
  readonly #deleted = new Set<string>();
  /** By UID. */
  readonly #unready = new Map<string, { readonly since: number; readonly vmSince: number | undefined }>();
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

  /**
   * Since when a member is not Ready: the steps in between, from False to Unknown and back, are no news. What a process does not
   * remember it takes from the condition.
   */
  unreadySince(
    uid: string,
    { isTrue, since }: { readonly isTrue: boolean; readonly since: number },
    vmSince: number | undefined,
  ): number {
    const known = this.#unready.get(uid);
    if (isTrue) {
      this.#unready.delete(uid);
      return since;
    }
    if (known !== undefined && known.vmSince === vmSince) return Math.min(known.since, since);
    this.#unready.set(uid, { since, vmSince });
    return since;
  }

  /** What is gone needs no remembering. */
  keepOnly(uids: ReadonlySet<string>): void {
    for (const uid of this.#deleted) if (!uids.has(uid)) this.#deleted.delete(uid);
    for (const uid of this.#unready.keys()) if (!uids.has(uid)) this.#unready.delete(uid);
  }
}
