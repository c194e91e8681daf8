import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

import packageJson from '../../package.json' with { type: 'json' };
import { notesOf, objectionsTo, type Release } from './release.ts';

const root = path.join(import.meta.dirname, '..', '..');
const values = readFileSync(path.join(root, 'charts', 'gpuvm-operator', 'values.yaml'), 'utf8');

const changelog = `# Changelog

Words.

## Unreleased

- Not yet.

## 1.2.0 (2026-12-24)

### Added

- A thing.

## 1.1.0

- Another.
`;

function release(changes: Partial<Release> = {}): Release {
  const image = 'ghcr.io/gpuvm-dev/gpuvm-operator';
  return { tag: 'v1.2.0', image, version: '1.2.0', values, changelog, ...changes };
}

describe('a release', () => {
  it('is published where tag, version, image and changelog agree', () => {
    expect(objectionsTo(release())).toEqual([]);
  });

  it.each([
    ['of another version', { tag: 'v1.2.1' }, 'The tag is v1.2.1, and package.json says 1.2.0.'],
    [
      'of a fork, whose chart pulls the image of the original',
      { image: 'ghcr.io/somebody/gpuvm-operator' },
      'The image goes to ghcr.io/somebody/gpuvm-operator, and the chart pulls ghcr.io/gpuvm-dev/gpuvm-operator.',
    ],
    [
      'of which the changelog says nothing',
      { changelog: '## Unreleased\n' },
      'CHANGELOG.md says nothing under "## 1.2.0".',
    ],
  ] satisfies [string, Partial<Release>, string][])('is not published %s', (_, changes, objection) => {
    expect(objectionsTo(release(changes))).toEqual([objection]);
  });

  it.each([
    ['1.2.0', '### Added\n\n- A thing.'],
    ['1.1.0', '- Another.'],
    ['1.2', ''],
  ])('of version %s is told of by the changelog', (version, notes) => {
    expect(notesOf(changelog, version)).toBe(notes);
  });

  it('is checked by the command of the workflow', () => {
    const check = (): string =>
      execFileSync(process.execPath, [path.join(import.meta.dirname, 'main.ts'), 'check', 'v0.0.0', 'ghcr.io/a/b'], {
        encoding: 'utf8',
        stdio: 'pipe',
      });
    expect(check).toThrow(`The tag is v0.0.0, and package.json says ${packageJson.version}.`);
  });
});
