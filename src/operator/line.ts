import type { Lane } from '../provider/gate-contract.ts';

/** One list in so many calls, while calls that spend stand in line, but never less often than without anybody waiting. */
const callsPerList = 30;

/** The line at an account's gate, as the gate tells of it. */
export class Line {
  readonly #waitedMs = new Map<Lane, number>();
  readonly #lengths = new Map<Lane, number>();
  requestsPerSecond: number;

  constructor(requestsPerSecond: number) {
    this.requestsPerSecond = requestsPerSecond;
  }

  noteTurn(lane: Lane, waitedMs: number): void {
    this.#waitedMs.set(lane, waitedMs);
  }

  noteLength(lane: Lane, length: number): void {
    this.#lengths.set(lane, length);
  }

  /** How long calls that spend, or ask, have lately waited for their turn. */
  get waitMs(): number {
    return Math.max(this.#waitedMs.get('spend') ?? 0, this.#waitedMs.get('lookup') ?? 0);
  }

  /**
   * The pause between lists for those who wait for one. Each list takes the turn of a call that stands in line, as a deployment, and
   * tells of those that have been made: in a crowd they are told together (docs/performance.md).
   */
  msBetweenLists({ activeMs, idleMs }: { readonly activeMs: number; readonly idleMs: number }): number {
    if ((this.#lengths.get('spend') ?? 0) === 0) return activeMs;
    return Math.max(activeMs, Math.min(idleMs, (callsPerList * 1000) / this.requestsPerSecond));
  }
}
