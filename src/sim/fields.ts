import { invalid } from './answers.ts';
import { mostPrice, parseNanos, type Nanos } from './nanos.ts';

/** The parameters of one call by name, each with all its values: a repeated field is told apart from one value. */
export type Params = ReadonlyMap<string, readonly string[]>;

export function paramsOf(record: Readonly<Record<string, string | number | boolean>>): Params {
  return new Map(Object.entries(record).map(([name, value]) => [name, [String(value)]]));
}

export interface Range {
  readonly least: number;
  readonly most: number;
}

const integerPattern = /^\d{1,9}$/;
const listPattern = /^(?:\{(.*)\}|\[(.*)\])$/;

/** Reads parameters. Every method throws a Refusal that says which parameter is wrong and what is expected. */
export class Fields {
  readonly #params: Params;

  constructor(params: Params) {
    this.#params = params;
  }

  /** The first value, or undefined when it is absent or blank: an HTML form sends empty fields too. */
  optional(name: string): string | undefined {
    const value = this.#params.get(name)?.[0];
    return value === undefined || value.trim() === '' ? undefined : value;
  }

  text(name: string): string {
    const value = this.optional(name);
    if (value === undefined) throw invalid(`Missing required parameter: ${name}`);
    return value;
  }

  integer(name: string, range: Range): number {
    return parseInteger(name, this.text(name), range);
  }

  optionalInteger(name: string, range: Range): number | undefined {
    const value = this.optional(name);
    return value === undefined ? undefined : parseInteger(name, value, range);
  }

  evenInteger(name: string, range: Range): number {
    const value = this.integer(name, range);
    if (value % 2 !== 0) throw invalid(`${name} must be an even number`);
    return value;
  }

  /** A whole number that may have a sign. */
  signedInteger(name: string): number {
    const value = this.text(name).trim();
    if (!/^[+-]?\d{1,6}$/.test(value)) throw invalid(`${name} must be a whole number`);
    return Number(value);
  }

  /** A13: `true` and `false` in any case; absent and empty mean false. */
  flag(name: string): boolean {
    const value = this.optional(name)?.trim().toLowerCase();
    if (value === undefined || value === 'false') return false;
    if (value === 'true') return true;
    throw invalid(`${name} must be true or false`);
  }

  /** A39: ISO 8601 or Unix seconds, as milliseconds since the epoch. */
  optionalTime(name: string): number | undefined {
    const value = this.optional(name)?.trim();
    if (value === undefined) return undefined;
    const time = /^\d{1,11}$/.test(value) ? Number(value) * 1000 : parseIsoTime(value);
    if (Number.isNaN(time)) throw invalid(`${name} must be a time like 2024-01-31T12:00:00Z or Unix seconds`);
    return time;
  }

  /** An amount of dollars above zero. */
  price(name: string): Nanos {
    const price = parseNanos(this.text(name).trim());
    if (price === undefined || price === 0 || price > mostPrice) throw invalid(`${name} must be a positive amount`);
    return price;
  }

  /**
   * A15: `{22, 80}` or `[22, 80]`, blanks optional, one field. Absent and empty lists are both an empty list; whether
   * that is allowed depends on the hostnode (A16).
   */
  ports(name: string): number[] {
    const values = this.#params.get(name) ?? [];
    if (values.length > 1) throw invalid(`${name} must be given once, as a list in braces like {22, 80}`);
    const value = this.optional(name);
    if (value === undefined) return [];
    const match = listPattern.exec(value.trim());
    if (match === null) throw invalid(`${name} must be a list in braces like {22, 80}`);
    const inner = match[1] ?? match[2] ?? '';
    if (inner.trim() === '') return [];
    const ports = inner.split(',').map((port) => parseInteger(name, port, { least: 1, most: 65_535 }));
    return ports;
  }
}

/** NaN for anything else: Date.parse alone would take far more than ISO 8601. */
function parseIsoTime(text: string): number {
  const pattern = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;
  return pattern.test(text) ? Date.parse(text) : Number.NaN;
}

function parseInteger(name: string, text: string, { least, most }: Range): number {
  const trimmed = text.trim();
  if (!integerPattern.test(trimmed)) throw invalid(`${name} must be a whole number`);
  const value = Number(trimmed);
  if (value < least || value > most) throw invalid(`${name} must be between ${String(least)} and ${String(most)}`);
  return value;
}
