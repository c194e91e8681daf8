import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { unpackDebian } from './debian.ts';
import { missingBinaries } from './places.ts';

/** Of apt and dpkg only the commands are needed here: programs of their names that do what those would. */

let directory: string;
let target: string;
const pathBefore = process.env['PATH'];

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'gpuvm-debian-'));
  target = path.join(directory, 'cache', 'prometheus');
  await mkdir(path.join(directory, 'bin'));
  process.env['PATH'] = `${directory}/bin:/usr/bin:/bin`;
  await program('dpkg-deb', `mkdir -p "$3/usr/bin"; cp "$2" "$3/usr/bin/promtool"; chmod +x "$3/usr/bin/promtool"`);
});
afterEach(async () => {
  process.env['PATH'] = pathBefore;
  await rm(directory, { recursive: true });
});

async function program(name: string, script: string): Promise<void> {
  const file = path.join(directory, 'bin', name);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
}

/** What it packs is a script that says which version it is. */
const apt = (packed: string): string => `
case "$*" in
  *" update") : ;;
  *" download prometheus") printf '#!/bin/sh\\n${packed}\\n' > prometheus_1_all.deb ;;
esac`;

const unpack = (): Promise<void> => unpackDebian(target, 'prometheus', ['promtool']);

it('brings an executable that runs, and leaves nothing else behind', async () => {
  await program('apt-get', apt('echo this is promtool'));
  await unpack();
  expect(missingBinaries(target, ['promtool'])).toEqual([]);
  expect(readFileSync(path.join(target, 'promtool'), 'utf8')).toContain('this is promtool');
  expect(readdirSync(path.dirname(target))).toEqual(['prometheus']);
});

it('keeps what apt writes down out of where the machine has it', async () => {
  await program('apt-get', `echo "$*" >> ${directory}/calls${apt('exit 0')}`);
  await unpack();
  const calls = readFileSync(path.join(directory, 'calls'), 'utf8').trim().split('\n');
  expect(calls).toHaveLength(2);
  for (const call of calls) expect(call).toMatch(/Dir::State::lists=\S+cache\S+ .*Dir::Cache=\S+cache\S+ /);
});

it.each([
  ['there is no apt', undefined, 'apt-get is not on the PATH'],
  ['no mirror is reached', `echo 'E: it does not resolve' >&2; exit 100`, 'code 100: E: it does not resolve'],
  ['nothing came', 'exit 0', 'has downloaded no package prometheus'],
  ['it does not run on this machine', apt('echo wrong machine >&2; exit 126'), 'promtool ended with code 126'],
])('leaves nothing behind, and says so, when %s', async (_when, script, why) => {
  if (script === undefined) process.env['PATH'] = path.join(directory, 'bin');
  else await program('apt-get', script);
  await expect(unpack()).rejects.toThrow(why);
  const cache = path.dirname(target);
  expect(existsSync(path.join(target, 'promtool'))).toBe(false);
  expect(readdirSync(cache).filter((name) => name.includes('download'))).toEqual([]);
});
