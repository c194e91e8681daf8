import { setTimeout as pause } from 'node:timers/promises';

import type { CustomObject } from '../../src/controllers/objects.ts';
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

/** What a resource of a test is: it can be read, and has a name. */
interface Readable<S extends { readonly observedGeneration?: number | undefined }> {
  readonly name: string;
  object(): Promise<(CustomObject & { readonly status?: S }) | undefined>;
}

/** Waits until the status of a resource, of its latest spec, is as wanted; gives it back. */
export function untilStatus<S extends { readonly observedGeneration?: number | undefined }>(
  resource: Readable<S>,
  sentence: string,
  isSo: (status: S) => boolean,
): Promise<S> {
  return until(
    `${resource.name}: ${sentence}`,
    async () => {
      const object = await resource.object();
      const { status } = object ?? {};
      const isCurrent = status?.observedGeneration === object?.metadata.generation;
      return status !== undefined && isCurrent && isSo(status) ? status : undefined;
    },
    async () => (await resource.object())?.status ?? {},
  );
}
