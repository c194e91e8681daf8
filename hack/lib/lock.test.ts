import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acquireLock, isAbandoned } from './lock.mjs';

const here = { pid: process.pid, host: os.hostname(), id: 'a' };
const alive = (): boolean => true;
const dead = (): boolean => false;

describe('a lock is abandoned', () => {
  it.each([
    ['not while its process lives', here, 1_000, alive, false],
    ['when its process died on this machine', here, 1_000, dead, true],
    ['not when another machine touched it a moment ago', { ...here, host: 'elsewhere' }, 1_000, dead, false],
    ['when nobody touched it for long', { ...here, host: 'elsewhere' }, 61_000, alive, true],
    ['not while its holder is still writing its name', undefined, 1_000, dead, false],
  ])('%s', (_sentence, holder, ageMs, isAlive, expected) => {
    expect(isAbandoned(holder, ageMs, isAlive)).toBe(expected);
  });
});

describe('a lock file', () => {
  let directory: string;
  let file: string;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'gpuvm-lock-'));
    file = path.join(directory, 'deep', 'lock');
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('lets one in at a time', async () => {
    let inside = 0;
    let most = 0;
    const visit = async (): Promise<void> => {
      const lock = await acquireLock(file, { pollMs: 1 });
      inside += 1;
      most = Math.max(most, inside);
      await readdir(directory);
      inside -= 1;
      await lock.release();
    };
    await Promise.all(Array.from({ length: 8 }, visit));
    expect(most).toBe(1);
    expect(await readdir(path.dirname(file))).toEqual([]);
  });

  it('is taken over from a process that died', async () => {
    const { pid } = spawnSync(process.execPath, ['--version']);
    const first = await acquireLock(file);
    await writeFile(file, JSON.stringify({ ...here, pid }));
    const second = await acquireLock(file, { pollMs: 1 });
    await first.release();
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ pid: process.pid });
    await second.release();
  });

  it('is taken over when it was never written in full and is old', async () => {
    const first = await acquireLock(file);
    await writeFile(file, '{"pid":');
    await utimes(file, 0, 0);
    const second = await acquireLock(file, { pollMs: 1 });
    await Promise.all([first.release(), second.release()]);
    expect(await readdir(path.dirname(file))).toEqual([]);
  });

  it('says who is waited for', async () => {
    const first = await acquireLock(file);
    const seen: (number | undefined)[] = [];
    const second = await acquireLock(file, {
      pollMs: 1,
      onWait: (holder) => {
        seen.push(holder?.pid);
        void first.release();
      },
    });
    expect(seen[0]).toBe(process.pid);
    await second.release();
  });
});
