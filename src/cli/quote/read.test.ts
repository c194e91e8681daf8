import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { quoteCommand } from '../quote.ts';
import { readManifests } from './read.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quote-'));
  for (const name of ['b.yaml', 'a.json', 'c.yml', 'notes.md']) await writeFile(join(folder, name), name);
  await mkdir(join(folder, 'deeper.yaml'));
  await mkdir(join(folder, 'empty'));
});

afterAll(() => rm(folder, { recursive: true }));

test('each -f counts, and not the last alone', () => {
  const command = quoteCommand();
  command.parseOptions(['-f', 'a.yaml', '--filename', 'b.yaml']);
  expect(command.opts()).toMatchObject({ filename: ['a.yaml', 'b.yaml'] });
});

test('of a directory the manifests directly in it are read, of files each once', async () => {
  const texts = await readManifests([folder, join(folder, 'notes.md'), join(folder, 'notes.md')]);
  expect(texts.map(({ yaml }) => yaml)).toEqual(['a.json', 'b.yaml', 'c.yml', 'notes.md']);
  expect(texts[0]?.file).toBe(join(folder, 'a.json'));
});

test('a directory without manifests, and what is not there, are named', async () => {
  await expect(readManifests([join(folder, 'empty')])).rejects.toThrow(/directory \S+empty has no file that ends with/);
  await expect(readManifests([join(folder, 'none.yaml')])).rejects.toThrow(/cannot read \S+none\.yaml/);
});
