import { within, type Clock } from '../lib/clock.ts';
import { KubeError } from './contract.ts';

/** The answer to a request; after `limitMs` it is given up, and may still be carried out. */
export async function limited<T>(clock: Clock, limitMs: number, request: Promise<T>): Promise<T> {
  const answered = request.then((answer) => ({ answer }));
  const came = await within(clock, limitMs, answered);
  if (came === undefined) {
    throw new KubeError(`no answer from the API server within ${String(limitMs)} ms`, 'unavailable');
  }
  return came.answer;
}
