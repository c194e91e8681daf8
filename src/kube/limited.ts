import { within, type Clock } from '../lib/clock.ts';
import { KubeError } from './contract.ts';

export interface Limits {
  readonly clock: Clock;
  readonly limitMs: number;
  /** Once aborted, nobody waits any longer, and no timer keeps the process from its end. */
  readonly over: AbortSignal;
}

/** The answer to a request; after `limitMs` it is given up, and may still be carried out. */
export async function limited<T>({ clock, limitMs, over }: Limits, request: Promise<T>): Promise<T> {
  const answered = request.then((answer) => ({ answer }));
  const nobodyWaits = Promise.withResolvers<undefined>();
  const giveUp = (): void => {
    nobodyWaits.resolve(undefined);
  };
  if (over.aborted) giveUp();
  over.addEventListener('abort', giveUp, { once: true });
  try {
    const came = await within(clock, limitMs, Promise.race([answered, nobodyWaits.promise]));
    if (came === undefined) {
      throw new KubeError(`no answer from the API server within ${String(limitMs)} ms`, 'unavailable');
    }
    return came.answer;
  } finally {
    over.removeEventListener('abort', giveUp);
  }
}
