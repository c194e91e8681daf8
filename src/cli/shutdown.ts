import type { Logger } from '../lib/logger.ts';
import { mostStoppingMs } from '../operator/operator.ts';

/**
 * Longest time from the end of the grace to the end of the process: a little longer than an operator takes at most. With the
 * default grace of 25 s that is before the 30 s are over after which Kubernetes kills.
 */
const mostMs = mostStoppingMs + 1_500;

/** What is left when all work has ended, such as a connection that is being made, may keep the process for as long. */
const mostIdleMs = 1_000;

/**
 * Resolves on SIGTERM or SIGINT. From then on the process ends: at the latest `graceMs` and four seconds later, with an error
 * in the log, whatever it still waits for. A second signal ends it at once.
 *
 * To be called before anything that takes time: process 1 of a container does not even get a SIGTERM that it has no
 * listener for.
 */
export function untilToldToStop(log: Logger, { graceMs }: { readonly graceMs: number }): Promise<undefined> {
  return new Promise((resolve) => {
    let isTold = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (isTold) process.exit(130);
      isTold = true;
      log.info({ signal, graceMs }, 'told to stop');
      endAfter(graceMs + mostMs, () => {
        log.error({ waitsFor: openResources() }, 'did not stop in time: the process ends');
        process.exit(1);
      });
      resolve(undefined);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}

/** To be called when all work has ended: the process ends by itself, or a moment later with a warning in the log. */
export function endSoon(log: Logger): void {
  endAfter(mostIdleMs, () => {
    log.warn({ waitsFor: openResources() }, 'something is still open after the end of all work: the process ends');
    process.exit();
  });
}

/** Does not keep the process by itself. */
function endAfter(ms: number, end: () => void): void {
  setTimeout(end, ms).unref();
}

/** Kinds of things that keep the process, with their numbers: { TCPSocketWrap: 2, Timeout: 1 }. */
function openResources(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
