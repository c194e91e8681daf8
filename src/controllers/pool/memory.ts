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
   * Since when a member is not Ready: the steps in between, from False to Unknown and back, are no news. For longer than this
   * process has seen it nothing is replaced: the times in a status are another process' if that one wrote them, and its clock
   * may be an hour behind.
   */
  unreadySince(
    uid: string,
    { isTrue, since }: { readonly isTrue: boolean; readonly since: number },
    { vmSince, now }: { readonly vmSince: number | undefined; readonly now: number },
  ): number {
    const known = this.#unready.get(uid);
    if (isTrue) {
      this.#unready.delete(uid);
      return since;
    }
    if (known !== undefined && known.vmSince === vmSince) return known.since;
    this.#unready.set(uid, { since: now, vmSince });
    return now;
  }

  /** What is gone needs no remembering. */
  keepOnly(uids: ReadonlySet<string>): void {
    for (const uid of this.#deleted) if (!uids.has(uid)) this.#deleted.delete(uid);
    for (const uid of this.#unready.keys()) if (!uids.has(uid)) this.#unready.delete(uid);
  }
}
