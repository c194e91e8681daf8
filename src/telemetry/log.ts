import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';

import { toPreciseTimestamp, type Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { visible } from '../lib/printable.ts';
import type { Redactor } from '../lib/redact.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LogOptions {
  readonly level: LogLevel;
  readonly redactor: Redactor;
  readonly clock: Clock;
  /** Default: standard output. */
  readonly destination?: DestinationStream;
}

/** Values under these keys never appear, whatever they are and however deep, known to the redactor or not. */
const secretKey =
  /^(api[_-]?key|api[_-]?token|authorization|cookie|set-cookie|password|passphrase|secret|token|(client|ssh|private)[_-]?(key|secret)([_-]data)?|ssh_config|cloud[_-]?init)$/i;
const mask = '[redacted]';
/** Deeper than anything that is logged on purpose; what a mistake hands over ends here. */
const deepest = 8;

/**
 * Structured logs, one JSON object per line: constant messages, what varies in fields, times in RFC 3339. Every string
 * of a line goes through the redactor, and fields with a telling name are masked without a look at their value.
 */
export function createLogger(options: LogOptions): Logger {
  const { clock, redactor } = options;
  const logger = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${toPreciseTimestamp(clock.now())}"`,
      formatters: { level: (label) => ({ level: label }) },
      // A second pass, over the finished line. It cannot be the only one: there a secret with quotes or line breaks is escaped.
      hooks: { streamWrite: (line) => redactor.text(line) },
    },
    ...(options.destination === undefined ? [] : [options.destination]),
  );
  return new CleanLogger(logger, redactor);
}

/** Cleans before pino sees anything. Not by pino's own formatters: those do not see the bindings of a child. */
class CleanLogger implements Logger {
  readonly #logger: PinoLogger;
  readonly #redactor: Redactor;

  constructor(logger: PinoLogger, redactor: Redactor) {
    this.#logger = logger;
    this.#redactor = redactor;
  }

  debug(fields: object, message: string): void {
    this.#log('debug', fields, message);
  }

  info(fields: object, message: string): void {
    this.#log('info', fields, message);
  }

  warn(fields: object, message: string): void {
    this.#log('warn', fields, message);
  }

  error(fields: object, message: string): void {
    this.#log('error', fields, message);
  }

  child(bindings: Record<string, unknown>): Logger {
    const clean = cleaned(bindings, this.#redactor, 0) as Record<string, unknown>;
    return new CleanLogger(this.#logger.child(clean), this.#redactor);
  }

  #log(level: LogLevel, fields: object, message: string): void {
    if (!this.#logger.isLevelEnabled(level)) return;
    this.#logger[level](cleaned(fields, this.#redactor, 0), this.#redactor.text(message));
  }
}

/** A copy in which secrets are masked, errors are reduced to words, and nothing is deeper or stranger than a log can take. */
function cleaned(value: unknown, redactor: Redactor, depth: number): unknown {
  switch (typeof value) {
    case 'string':
      return visible(redactor.text(value));
    case 'object':
      return value === null ? null : cleanedObject(value, redactor, depth);
    case 'bigint':
      return value.toString();
    case 'function':
    case 'symbol':
      return undefined;
    default:
      return value;
  }
}

function cleanedObject(value: object, redactor: Redactor, depth: number): unknown {
  if (depth >= deepest) return '[too deep]';
  // What an HTTP library hangs on its errors (requests, headers) is not for logs.
  if (value instanceof Error) return { type: value.name, message: visible(redactor.text(value.message)) };
  if (Array.isArray(value)) return value.map((item: unknown) => cleaned(item, redactor, depth + 1));
  // Dates and decimals know how they want to be written.
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return cleaned((value as { toJSON(): unknown }).toJSON(), redactor, depth + 1);
  }
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    result[key] = secretKey.test(key) && item !== undefined ? mask : cleaned(item, redactor, depth + 1);
  }
  return result;
}
