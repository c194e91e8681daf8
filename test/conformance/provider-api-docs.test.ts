import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

/** Comments cite docs/provider-api.md by section and question: "API reference 5.1", "A20". None may lead nowhere. */

const root = path.join(import.meta.dirname, '..', '..');
const page = readFileSync(path.join(root, 'docs', 'provider-api.md'), 'utf8');

const sections = new Set([...page.matchAll(/^(?:## |- \*\*)(\d+(?:\.\d+)?)/gm)].map(([, number]) => number));
const questions = new Set([...page.matchAll(/^\| (A\d+) /gm)].map(([, number]) => number));

interface Citation {
  readonly file: string;
  readonly what: string;
}

function citations(pattern: RegExp): Citation[] {
  const files = globSync(['src/**/*.ts', 'test/**/*.ts', 'docs/simulator.md'], { cwd: root });
  return files.flatMap((file) =>
    [...readFileSync(path.join(root, file), 'utf8').matchAll(pattern)].map(([, what = '']) => ({ file, what })),
  );
}

describe('docs/provider-api.md has', () => {
  it('every section that a comment cites', () => {
    const cited = citations(/API reference,? (?:\(?section )?(\d+(?:\.\d+)?)/g);
    expect(cited.length).toBeGreaterThan(50);
    expect(cited.filter(({ what }) => !sections.has(what))).toEqual([]);
  });

  it('every open question that a comment cites', () => {
    const cited = citations(/\b(A[1-9]\d?)\b(?=[):,;. ]|$)/gm);
    expect(cited.length).toBeGreaterThan(50);
    expect(cited.filter(({ what }) => !questions.has(what))).toEqual([]);
  });
});
