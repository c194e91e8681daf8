/**
 * The one way to the provider: per account a token bucket over call STARTS with priorities. A call may take twelve
 * seconds and more at the provider, so calls overlap; their number in flight is bounded.
 */

/** In order of priority. Calls that stop money come before those that only look, those before calls that spend. */
export const lanes = ['stopMoney', 'poll', 'spend', 'lookup'] as const;
export type Lane = (typeof lanes)[number];

export interface Ticket {
  /**
   * Runs one call to the provider under this ticket. A ticket is good for one call. Rejects with a ProviderError
   * `rateLimited`, `notDone` if the ticket was lost meanwhile: it was kept unused for ten seconds, or calls
   * were paused; `unavailable`, `notDone` if the gate was closed meanwhile.
   */
  run<T>(call: () => Promise<T>): Promise<T>;
  /** Gives an unused ticket back, so that the next in the queue may start at once. Harmless after `run`. */
  release(): void;
}

export interface Gate {
  /**
   * For reconcilers: a ticket if it is this key's turn, else undefined, and the key is queued; `onTurn` (given to the
   * gate's constructor) is told the key when its turn has come and must lead to another claim soon. A reconciler thus
   * never waits inside the gate with a decision that grows old: when its turn comes it looks at the world again.
   * Claiming again while queued keeps the place; with another lane it moves.
   */
  claim(lane: Lane, key: string, fairnessGroup: string): Ticket | undefined;
  /** The key no longer wants to call: leaves the queue, gives back a granted turn. */
  withdraw(key: string): void;
  /** For pollers and look-ups that may wait in line: resolves with a ticket when it is their turn. */
  acquire(lane: Lane, signal?: AbortSignal): Promise<Ticket>;
  /** After "too many requests": no call starts before this time (milliseconds since the epoch). */
  pauseUntil(time: number): void;
}
