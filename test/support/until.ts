import { setTimeout as pause } from 'node:timers/promises';

import { messageOf } from '../../src/lib/errors.ts';

/** How often the world is looked at, and how long a test waits for what must come about. No test depends on either. */
const lookEveryMs = 40;
const deadlineMs = 60_000;

/** What `look` gives when it is not there yet. */
export type NotYet = undefined | false;

/**
 * Looks at the world until `look` finds what it looks for, and gives that back. Rejects after the deadline with the
 * sentence, the last error of `look`, and what `describe` has to say about the world as it is.
 *
 * @param sentence what is waited for: "the VM is Ready"
 */
export async function until<T>(
  sentence: string,
  look: () => T | NotYet | Promise<T | NotYet>,
  describe: () => unknown = () => undefined,
): Promise<T> {
  const deadline = Date.now() + deadlineMs;
  let failure: unknown;
  while (Date.now() < deadline) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      failure = undefined;
    } catch (error) {
      failure = error;
    }
    await pause(lookEveryMs);
  }
  const reason = failure === undefined ? '' : `: ${messageOf(failure)}`;
  throw new Error(`waited in vain until ${sentence}${reason}\n${JSON.stringify([await describe()], undefined, 1)}`);
}
