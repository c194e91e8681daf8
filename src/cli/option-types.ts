import { InvalidArgumentError, Option } from 'commander';

import { parseDuration } from '../lib/duration.ts';
import { parseProxyUrl } from '../lib/proxy-address.ts';
import { costLabelName } from '../telemetry/cost-labels.ts';

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

/** So many of them, each with all its values, times each other. */
const mostLabels = 5;

/** Keys of labels, separated by commas. */
export function labelsOption(flags: string, description: string): Option {
  return new Option(flags, description).default([], 'none').argParser((value) => {
    const labels = value.split(',').map((label) => label.trim());
    const wrong = labels.find((label) => label.length > 317 || !labelPattern.test(label));
    if (wrong !== undefined) throw new InvalidArgumentError(`"${wrong}" is no key of a label such as team`);
    if (labels.length > mostLabels) throw new InvalidArgumentError(`give at most ${mostLabels} labels`);
    const twice = labels.find((label, at) => labels.map(costLabelName).indexOf(costLabelName(label)) !== at);
    if (twice === undefined) return labels;
    throw new InvalidArgumentError(
      `"${twice}" has the same name in Prometheus as another one: ${costLabelName(twice)}`,
    );
  });
}

const labelPattern = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

export function proxyOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((value) => {
    const proxy = parseProxyUrl(value);
    if (proxy === undefined) {
      throw new InvalidArgumentError('give http://HOST:PORT, without a path and without a password');
    }
    return proxy;
  });
}

/** One that may be given more than once: all of them count, in their order. */
export function repeated(flags: string, description: string): Option {
  const collect = (value: string, earlier: readonly string[] | undefined): string[] => [...(earlier ?? []), value];
  return new Option(flags, description).argParser(collect);
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
