import type { CancelTimer, Clock } from '../../src/lib/clock.ts';

/**
 * The life of one process. When it ends, as by SIGKILL, none of its timers fires any more and no answer reaches it:
 * whatever code of it still waits, waits for ever. What it sent before goes on without it.
 */
export class Lifetime {
  readonly #timers = new Set<CancelTimer>();
  readonly #abort = new AbortController();

  get isAlive(): boolean {
    return !this.#abort.signal.aborted;
  }

  /** Aborted at the end, for what the world keeps open on the process' behalf. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Whether a timer is still to fire: a process with one does not come to its end by itself. */
  get isWaiting(): boolean {
    return this.#timers.size > 0;
  }

  end(): void {
    this.#abort.abort(new Error('the process was killed'));
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  /** What comes of the promise, as long as there is somebody to hear it. */
  hear<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => {
          if (this.isAlive) resolve(value);
        },
        (error: unknown) => {
          if (this.isAlive) reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }

  /** The world's clock as this process has it. */
  clockOf(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      after: (delayMs, callback) => {
        if (!this.isAlive) return () => undefined;
        const cancel = clock.after(delayMs, () => {
          this.#timers.delete(cancel);
          callback();
        });
        this.#timers.add(cancel);
        return () => {
          this.#timers.delete(cancel);
          cancel();
        };
      },
    };
  }
}

export function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}
