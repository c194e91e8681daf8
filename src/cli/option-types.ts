import { InvalidArgumentError, Option } from 'commander';

import { parseDuration } from '../lib/duration.ts';

/** Options of the commands by what they hold. Bad input is refused with a sentence that says what would be right. */

/** A TCP port; 0 means any free one. */
export function portOption(flags: string, description: string, initial: number): Option {
  return new Option(flags, description).default(initial).argParser((value) => {
    const port = wholeNumber(value);
    if (port === undefined || port > 65_535) throw new InvalidArgumentError('give a port from 0 to 65535');
    return port;
  });
}

export function countOption(flags: string, description: string, initial: number): Option {
  return new Option(flags, description).default(initial).argParser((value) => {
    const count = wholeNumber(value);
    if (count === undefined || count < 1) throw new InvalidArgumentError('give a whole number from 1');
    return count;
  });
}

/** A duration such as "500ms", "30s" or "5m", as milliseconds. */
export function durationOption(flags: string, description: string, initialMs: number): Option {
  return new Option(flags, description).default(initialMs, `${initialMs / 1000}s`).argParser((value) => {
    const ms = parseDuration(value);
    if (ms === undefined || ms <= 0) throw new InvalidArgumentError('give a duration such as 500ms, 30s or 5m');
    return ms;
  });
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
