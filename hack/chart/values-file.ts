import { stringify } from 'yaml';

import { wrapped } from '../../src/cli/common/columns.ts';
import { isGroup, valuesOfChart, type ValueSchema } from './values-schema.ts';

const width = 120;

/** values.yaml: each value with its default, under its sentence. */
export function valuesFile(): string {
  return [
    '# Generated from hack/chart by `make generate`. Do not edit: copy what you change into a file of your own.',
    ...linesOf(valuesOfChart(), 0),
    '',
  ].join('\n');
}

function linesOf({ properties = {} }: ValueSchema, depth: number): string[] {
  const indent = '  '.repeat(depth);
  return Object.entries(properties).flatMap(([name, schema]) => {
    const comment = wrapped(schema.description ?? '', width - indent.length - 2).map((line) => `${indent}# ${line}`);
    const value = isGroup(schema)
      ? [`${indent}${name}:`, ...linesOf(schema, depth + 1)]
      : stringify({ [name]: schema.default }, { lineWidth: 0 })
          .trimEnd()
          .split('\n')
          .map((line) => `${indent}${line}`);
    // A line between what stands at the top.
    return depth === 0 ? ['', ...comment, ...value] : [...comment, ...value];
  });
}
