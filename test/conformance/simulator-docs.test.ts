import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { simulateCommand } from '../../src/cli/simulate.ts';
import { FaultKind } from '../../src/sim/index.ts';

const page = readFileSync(new URL('../../docs/simulator.md', import.meta.url), 'utf8');

describe('docs/simulator.md', () => {
  it('names every flag, and no flag that does not exist', () => {
    const flags = simulateCommand().options.map(({ long }) => long ?? '');
    const named = new Set(page.match(/--[a-z][a-z-]+/g));
    expect([...named].filter((flag) => !flags.includes(flag))).toEqual([]);
    expect(flags.filter((flag) => !named.has(flag))).toEqual([]);
  });

  it('shows the defaults that are in force', () => {
    // Pairs of flags share a row, or refer to a place above; alone in its row a flag must show its default.
    for (const { long, defaultValue } of simulateCommand().options) {
      const row = page.split('\n').find((line) => line.startsWith(`| \`${long ?? ''}\``));
      if (row !== undefined && !row.includes('`, `--') && defaultValue !== undefined && defaultValue !== true) {
        expect(row).toContain(`\`${String(defaultValue)}\``);
      }
    }
  });

  it('describes every kind of fault', () => {
    const described = [...page.matchAll(/^\| `([a-z0-9-]+)` +\| (?:yes|no|–)[, ]/gm)].map((match) => match[1]);
    expect(described.sort()).toEqual(Object.values(FaultKind).sort());
  });
});
