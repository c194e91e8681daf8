import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { say, withProgress } from '../lib/progress.mjs';
import type { Binary } from './places.ts';

/** The last lines of what a command says are why it failed. */
const mostLines = 4;

/**
 * Brings executables of a Debian package into the directory: of the release that this machine runs, and from where its apt gets
 * packages. Nothing is installed, and no right is needed: apt keeps its lists in a directory that is gone afterwards. Rejects with
 * a reason where there is no apt, or no such package.
 */
export async function unpackDebian(directory: string, name: string, executables: readonly Binary[]): Promise<void> {
  await mkdir(path.dirname(directory), { recursive: true });
  const staging = await mkdtemp(`${directory}.download-`);
  try {
    say(`${executables.join(' and ')}: downloading the Debian package ${name}`);
    const unpacked = await withProgress(
      (elapsed) => `the Debian package ${name}: downloading, ${elapsed}`,
      () => downloadPackage(staging, name),
    );
    await mkdir(directory, { recursive: true });
    for (const executable of executables) {
      const file = path.join(unpacked, 'usr', 'bin', executable);
      // It has to run here, before it is trusted to do so later.
      await run(file, ['--version'], staging);
      await rename(file, path.join(directory, executable));
    }
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** Gives the directory with the files of the package. */
async function downloadPackage(staging: string, name: string): Promise<string> {
  const [lists, cache] = [path.join(staging, 'lists'), path.join(staging, 'cache')];
  await mkdir(path.join(lists, 'partial'), { recursive: true });
  await mkdir(path.join(cache, 'archives', 'partial'), { recursive: true });
  // The user of its own that apt downloads as may not write there.
  const places = [`Dir::State::lists=${lists}`, `Dir::Cache=${cache}`, 'APT::Sandbox::User=root'];
  // Where no mirror answers, a few tests cannot be run, and the others must not wait for that.
  const settings = [...places, 'Acquire::http::Timeout=10', 'Acquire::https::Timeout=10', 'Acquire::Retries=1'];
  const options = ['-qq', ...settings.flatMap((setting) => ['-o', setting])];
  await run('apt-get', [...options, 'update'], staging);
  await run('apt-get', [...options, 'download', name], staging);
  const file = (await readdir(staging)).find((entry) => entry.endsWith('.deb'));
  if (file === undefined) throw new Error(`apt-get has downloaded no package ${name}`);
  const unpacked = path.join(staging, 'unpacked');
  await run('dpkg-deb', ['--extract', file, unpacked], staging);
  return unpacked;
}

async function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  try {
    await promisify(execFile)(command, args, { cwd });
  } catch (error) {
    const { code, stderr = '' } = error as { readonly code?: unknown; readonly stderr?: string };
    if (code === 'ENOENT') throw new Error(`${command} is not on the PATH`, { cause: error });
    const words = stderr.trim().split('\n').slice(-mostLines).join('\n');
    throw new Error(`${path.basename(command)} ended with code ${String(code)}: ${words}`, { cause: error });
  }
}
