interface Filed {
  /** When the last call ended that may make the VM run. */
  readonly at: number;
  /** The last of them whose answer was lost: it may take effect long after. */
  readonly lostAt: number | undefined;
  readonly count: number;
}

/** Calls to start VMs that may have their effect yet. */
export class StartsFiled {
  readonly #filed = new Map<string, Filed>();

  /** A start was accepted, or its answer was lost. */
  note(vmId: string, at: number, answer: 'accepted' | 'lost'): void {
    const before = this.#filed.get(vmId);
    const lostAt = answer === 'lost' ? at : before?.lostAt;
    this.#filed.set(vmId, { at, lostAt, count: (before?.count ?? 0) + 1 });
  }

  /**
   * The list shows it running. Where one call alone was filed, that has had its effect. Of several nobody knows which one did,
   * and the one whose answer was lost may start the VM once more after it was stopped.
   */
  noteRunning(vmId: string): void {
    const filed = this.#filed.get(vmId);
    if (filed === undefined) return;
    if (filed.lostAt === undefined || filed.count === 1) this.#filed.delete(vmId);
    else this.#filed.set(vmId, { ...filed, at: filed.lostAt });
  }

  /** When the last one ended that may have its effect yet. */
  at(vmId: string): number | undefined {
    return this.#filed.get(vmId)?.at;
  }
}
