import { setTimeout as pause } from 'node:timers/promises';

/** Does nothing for a while. Rejects when the signal is aborted. */
export async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal });
}

/** Takes turns until the signal is aborted, also in the middle of one: what a turn began, it ends in a `finally`. */
export async function keepOn(signal: AbortSignal, turn: () => Promise<void>): Promise<void> {
  try {
    while (!signal.aborted) await turn();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** One at a time, in the order in which they came. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  async run<T>(body: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(body);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
