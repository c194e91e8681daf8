/**
 * Time as an argument. Nothing in the product reads the machine's clock or starts a timer except through a Clock,
 * so that the whole operator runs under a virtual one in tests and in the deterministic simulation.
 */
export interface Clock {
  /** Milliseconds since the epoch. Never goes back, and goes on as real time does. */
  now(): number;
  /** Runs `callback` once after `delayMs`; the returned function cancels it and may be called at any time. */
  after(delayMs: number, callback: () => void): CancelTimer;
}

export type CancelTimer = () => void;

/** setTimeout fires at once when asked for more than this; longer waits are made of several. */
const longestTimeoutMs = 2 ** 31 - 1;

/**
 * The machine's time at the start of the process, and what has gone by since. A machine's clock that is set meanwhile does
 * not move this one: an hour that never was must not prove that a VM is absent, end a lease, or hold back every retry.
 */
export const systemClock: Clock = {
  now: () => Math.round(performance.timeOrigin + performance.now()),
  after(delayMs, callback) {
    let timer: NodeJS.Timeout;
    const arm = (remainingMs: number): void => {
      const step = Math.min(Math.max(remainingMs, 0), longestTimeoutMs);
      timer = setTimeout(() => {
        if (remainingMs > longestTimeoutMs) arm(remainingMs - step);
        else callback();
      }, step);
    };
    arm(delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Waits on the given clock. Rejects with the signal's reason as soon as it is aborted. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(abortReason(signal));
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(abortReason(signal));
    };
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** What the promise comes to; undefined when it has not come to anything after `limitMs`, and then nobody hears of it any more. */
export async function within<T>(clock: Clock, limitMs: number, promise: Promise<T>): Promise<T | undefined> {
  const timeUp = Promise.withResolvers<undefined>();
  const cancel = clock.after(limitMs, () => {
    timeUp.resolve(undefined);
  });
  try {
    return await Promise.race([promise, timeUp.promise]);
  } finally {
    cancel();
  }
}

function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Error('aborted');
}

/** RFC 3339 in UTC with whole seconds, the precision of Kubernetes' metav1.Time. */
export function toTimestamp(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}

/** RFC 3339 in UTC with milliseconds: for journals whose order within a second matters. */
export function toPreciseTimestamp(ms: number): string {
  return new Date(ms).toISOString();
}

/** RFC 3339 in UTC with six decimals, without which the API server refuses a metav1.MicroTime. */
export function toMicroTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
