import { Option } from 'commander';
import { stringify } from 'yaml';

import type { Io } from './io.ts';

export const outputFormats = ['table', 'json', 'yaml'] as const;
export type OutputFormat = (typeof outputFormats)[number];

export interface OutputFlags {
  readonly output: OutputFormat;
}

export function outputOption(): Option {
  return new Option('-o, --output <format>', 'how to print it').choices(outputFormats).default('table');
}

/** Prints data for programs as they ask for it, and lines for people. */
export function print(io: Io, format: OutputFormat, data: unknown, lines: () => readonly string[]): void {
  switch (format) {
    case 'table':
      io.out(...lines());
      break;
    case 'json':
      io.out(JSON.stringify(data, undefined, 2));
      break;
    case 'yaml':
      io.out(stringify(data, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd());
      break;
  }
}
