/** So long a VM that was told to stop may take, after the last one of its budget that did. */
export const departureMs = 5 * 60_000;

/**
 * Since when those that a budget has stopped are expected to: an account that cannot be used, or a VM of which the provider
 * says nothing, must not count as leaving for ever. By this process' clock alone, so each process is patient anew.
 */
export class Departures {
  #since = new Map<string, number>();

  /** @param leaving UIDs of those that are stopped by the budget, and still hold their GPUs */
  note(leaving: readonly string[], now: number): void {
    const still = new Set(leaving);
    // The calls of many take their time, one after the other: as long as some leave, the others are on their way.
    const hasLeft = [...this.#since.keys()].some((uid) => !still.has(uid));
    this.#since = new Map(leaving.map((uid) => [uid, hasLeft ? now : (this.#since.get(uid) ?? now)]));
  }

  isStuck(uid: string, now: number): boolean {
    const since = this.#since.get(uid);
    return since !== undefined && now - since >= departureMs;
  }

  /** When the next of them will have taken too long; undefined: none. */
  nextAt(now: number): number | undefined {
    const ends = [...this.#since.values()].map((since) => since + departureMs).filter((at) => at > now);
    return ends.length === 0 ? undefined : Math.min(...ends);
  }
}
