import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findNode, outdatedPackages } from './packages.mjs';

const zod = { version: '4.6.7', integrity: 'sha512-a' };
const wanted = {
  packages: {
    '': { version: '0.1.0' },
    'node_modules/zod': zod,
    'node_modules/other-platform': { ...zod, optional: true },
  },
};

describe('the npm packages are installed', () => {
  it.each([
    ['when all are there as the lockfile says', { 'node_modules/zod': zod }, []],
    ['even when others are there as well', { 'node_modules/zod': zod, 'node_modules/more': zod }, []],
    ['not when one is missing', {}, ['node_modules/zod']],
    ['not when one has another version', { 'node_modules/zod': { ...zod, version: '4.6.6' } }, ['node_modules/zod']],
    [
      'not when one has another content',
      { 'node_modules/zod': { ...zod, integrity: 'sha512-b' } },
      ['node_modules/zod'],
    ],
    [
      'not when an optional one is outdated',
      { 'node_modules/zod': zod, 'node_modules/other-platform': { version: '1.0.0' } },
      ['node_modules/other-platform'],
    ],
  ])('%s', (_sentence, packages, outdated) => {
    expect(outdatedPackages(wanted, { packages })).toEqual(outdated);
  });
});

describe('the Node.js to run with', () => {
  let root: string;
  let pinned: string;

  beforeEach(async () => {
    root = await mkdtemp(path.join(os.tmpdir(), 'gpuvm-node-'));
    pinned = path.join(root, 'node_modules', '.bin', 'node');
    await mkdir(path.dirname(pinned), { recursive: true });
  });
  afterEach(() => rm(root, { recursive: true }));

  it('is the pinned one where it runs', async () => {
    await writeFile(pinned, '#!/bin/sh\necho v24.99.0\n', { mode: 0o755 });
    expect(findNode(root)).toBe(pinned);
  });

  it("is the machine's own where none is pinned for the platform", () => {
    expect(findNode(root)).toBe(process.execPath);
  });

  it("is the machine's own where the pinned one cannot run, which then is out of the way of npm scripts", async () => {
    await writeFile(pinned, '#!/bin/sh\nexit 127\n', { mode: 0o755 });
    expect(findNode(root)).toBe(process.execPath);
    expect(existsSync(pinned)).toBe(false);
  });
});
