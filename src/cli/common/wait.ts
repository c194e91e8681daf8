import { Option } from 'commander';

import { sleep, systemClock } from '../../lib/clock.ts';
import { formatDuration } from '../../lib/duration.ts';
import { durationOption } from '../option-types.ts';
import { CliError } from './cli-error.ts';
import { exitCodes } from './exit-codes.ts';
import type { Io } from './io.ts';
import { Progress } from './progress.ts';

export interface WaitFlags {
  /** False: --no-wait. */
  readonly wait: boolean;
  /** Milliseconds. */
  readonly timeout: number;
}

export function waitOptions(initialMs: number): Option[] {
  return [
    new Option('--no-wait', 'ask for it, and do not wait until it is so'),
    durationOption('--timeout <duration>', 'longest time to wait', initialMs),
  ];
}

/** Said of the world as it is now: done, going on, or never. */
export type Look<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'waiting'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string; readonly hint?: string };

const lookEveryMs = 500;

/**
 * Looks until it is done, and shows what is waited for meanwhile. Rejects when it cannot come about, when it has not in
 * time, and on Ctrl-C, then with what holds from here on.
 */
export async function waitUntil<T>(
  io: Io,
  look: () => Promise<Look<T>>,
  {
    timeoutMs,
    afterwards,
    everyMs = lookEveryMs,
  }: { readonly timeoutMs: number; readonly afterwards: string; readonly everyMs?: number },
): Promise<T> {
  const startedAt = systemClock.now();
  const elapsed = (): number => systemClock.now() - startedAt;
  using progress = new Progress(io.progress, elapsed);
  using interrupt = new Interrupt();
  for (;;) {
    const seen = await look();
    if (seen.kind === 'done') return seen.value;
    if (seen.kind === 'failed') throw new CliError(seen.message, exitCodes.failed, seen.hint);
    progress.show(seen.message);
    if (interrupt.signal.aborted) throw new CliError('interrupted', exitCodes.interrupted, afterwards);
    if (elapsed() >= timeoutMs) {
      throw new CliError(
        `not so after ${formatDuration(timeoutMs)}: ${seen.message}`,
        exitCodes.timeout,
        `${afterwards} --timeout gives it more time.`,
      );
    }
    await sleep(systemClock, everyMs, interrupt.signal).catch(() => undefined);
  }
}

/** Ctrl-C ends the waiting in good order; the second time it ends the process. */
class Interrupt implements Disposable {
  readonly #controller = new AbortController();
  readonly #onSignal = (): void => {
    if (this.#controller.signal.aborted) process.exit(exitCodes.interrupted);
    this.#controller.abort();
  };

  constructor() {
    process.on('SIGINT', this.#onSignal);
    process.on('SIGTERM', this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#onSignal);
    process.off('SIGTERM', this.#onSignal);
  }
}
