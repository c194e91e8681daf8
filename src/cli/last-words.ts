import type { Logger } from '../lib/logger.ts';

/**
 * What no code has caught ends the process, as Node.js would end it, but with a line of the log instead of Node.js's own
 * words: those print whatever hangs on the error, causes and requests with their credentials included.
 */
export function logLastWords(log: Logger): void {
  process.on('uncaughtException', (error: unknown, origin) => {
    const stack = error instanceof Error ? error.stack : String(error);
    log.error({ origin, stack }, 'uncaught exception: the process ends');
    process.exit(1);
  });
}
