import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const root = path.join(import.meta.dirname, '..', '..');
const page = readFileSync(path.join(root, 'docs', 'security.md'), 'utf8');

/** Rows of the tables whose last column is `shown by`. */
function rowsWithTests(): string[][] {
  let isShown = false;
  return page.split('\n').flatMap((line) => {
    if (!line.startsWith('|')) {
      isShown = false;
      return [];
    }
    const cells = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    if (cells.at(-1) === 'shown by') isShown = true;
    else if (isShown && !/^-+$/.test(cells[0] ?? '')) return [cells];
    return [];
  });
}

/** Tests that a cell names: a file in backticks, then names in quotation marks, all of that file. */
function testsIn(cell: string): { readonly file: string; readonly name: string }[] {
  let file = '';
  return [...cell.matchAll(/`([^`]+\.test\.ts)`|"([^"]+)"/g)].flatMap(([, named, name]) => {
    if (named !== undefined) file = named;
    return name === undefined ? [] : [{ file, name }];
  });
}

it('has a test for every threat', () => {
  const rows = rowsWithTests();
  expect(rows.length).toBeGreaterThan(30);
  for (const cells of rows) expect(testsIn(cells.at(-1) ?? ''), cells[1]).not.toEqual([]);
});

it.each(rowsWithTests().flatMap((cells) => testsIn(cells.at(-1) ?? '').map(({ file, name }) => [file, name] as const)))(
  'names a test that exists: %s %s',
  (file, name) => {
    expect(existsSync(path.join(root, file)), file).toBe(true);
    const source = readFileSync(path.join(root, file), 'utf8');
    const quoted = ["'", '"', '`'].map((mark) => `${mark}${name}${mark}`);
    expect(
      quoted.some((text) => source.includes(text)),
      name,
    ).toBe(true);
  },
);
