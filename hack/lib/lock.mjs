import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * @typedef {{ pid: number, host: string, id: string }} Holder
 * @typedef {{ release: () => Promise<void> }} Lock
 * @typedef {{ onWait?: (holder: Holder | undefined, waitedMs: number) => void, pollMs?: number }} LockOptions
 */

/** A holder touches its lock this often, so that one on another machine (a shared home) can be told from a dead one. */
const heartbeatMs = 5_000;
/** A lock not touched for this long belongs to nobody: its process died where we cannot look for it. */
const abandonedMs = 60_000;

/**
 * Whether a lock's holder is certainly gone.
 *
 * @param {Holder | undefined} holder undefined: the file was not written in full
 * @param {number} ageMs since the last heartbeat
 * @param {(pid: number) => boolean} isAlive asks this machine
 */
export function isAbandoned(holder, ageMs, isAlive) {
  if (ageMs > abandonedMs) return true;
  return holder !== undefined && holder.host === os.hostname() && !isAlive(holder.pid);
}

/**
 * Takes the lock file, waiting for as long as a living process holds it. Takes over from a process that died.
 *
 * @param {string} file
 * @param {LockOptions} [options]
 * @returns {Promise<Lock>}
 */
export async function acquireLock(file, { onWait, pollMs = 500 } = {}) {
  await mkdir(path.dirname(file), { recursive: true });
  const startedAt = Date.now();
  for (;;) {
    const lock = await tryLock(file);
    if (lock !== undefined) return lock;
    const seen = await readLock(file);
    if (seen !== undefined && isAbandoned(seen.holder, Date.now() - seen.touchedAt, processIsAlive)) {
      await breakLock(file, seen.text);
      continue;
    }
    onWait?.(seen?.holder, Date.now() - startedAt);
    await delay(pollMs);
  }
}

/** @param {string} file */
async function tryLock(file) {
  /** @type {Holder} */
  const holder = { pid: process.pid, host: os.hostname(), id: randomUUID() };
  try {
    const handle = await open(file, 'wx');
    await handle.writeFile(JSON.stringify(holder));
    await handle.close();
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return undefined;
    throw error;
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => undefined);
  }, heartbeatMs);
  heartbeat.unref();
  return {
    release: async () => {
      clearInterval(heartbeat);
      // Another process may have taken the lock over while this one was suspended: its lock is not ours to remove.
      const seen = await readLock(file);
      if (seen?.holder?.id === holder.id) await rm(file, { force: true });
    },
  };
}

/** @param {string} file */
async function readLock(file) {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
    return { text, touchedAt: mtimeMs, holder: parseHolder(text) };
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * @param {string} text
 * @returns {Holder | undefined}
 */
function parseHolder(text) {
  try {
    const { pid, host, id } = JSON.parse(text);
    return typeof pid === 'number' && typeof host === 'string' ? { pid, host, id: String(id) } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Moves the abandoned lock aside before removing it: of two processes that saw it, only one succeeds in the rename. When
 * what was moved is not what was judged (a third one locked in between), it is put back.
 *
 * @param {string} file
 * @param {string} judgedText
 */
async function breakLock(file, judgedText) {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return;
    throw error;
  }
  if ((await readFile(aside, 'utf8')) === judgedText) await rm(aside, { force: true });
  else await rename(aside, file);
}

/** @param {number} pid */
function processIsAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}
