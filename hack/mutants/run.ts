/**
 * Plays random worlds on copies of the sources with one deliberate bug each: `make mutants`, or `make mutants ONLY=lease`. Each
 * bug has to be caught within a minute.
 */
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Edit, Mutation } from './mutation.ts';
import { mutations } from './mutations.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const secondsPerMutant = 60;

interface Verdict {
  readonly caught: boolean;
  readonly seconds: number;
  readonly scenarios: number;
  /** The promise that was broken, or what else came out. */
  readonly finding: string;
}

async function judge(mutation: Mutation): Promise<Verdict> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'gpuvm-mutant-'));
  try {
    for (const part of ['src', 'test', 'hack', 'package.json', 'tsconfig.json']) {
      await cp(path.join(root, part), path.join(directory, part), { recursive: true });
    }
    await symlink(path.join(root, 'node_modules'), path.join(directory, 'node_modules'));
    for (const edit of editsOf(mutation)) {
      const file = path.join(directory, edit.file);
      await writeFile(file, mutate(await readFile(file, 'utf8'), edit));
    }
    return await explore(directory, mutation.kinds);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export function editsOf(mutation: Mutation): Edit[] {
  return mutation.also === undefined ? [mutation] : [mutation, mutation.also];
}

/** Throws when the bug cannot be put in any more: the code has changed, and the mutation has to follow. */
export function mutate(text: string, { file, find, replace }: Edit): string {
  const count = text.split(find).length - 1;
  if (count !== 1) throw new Error(`${file} has "${find}" ${String(count)} times, not once`);
  return text.replace(find, () => replace);
}

async function explore(directory: string, kinds: Mutation['kinds']): Promise<Verdict> {
  const startedAt = Date.now();
  const chosen = kinds === undefined ? [] : ['--kinds', kinds.join(',')];
  const limits = ['--runs', '1000000', '--seconds', String(secondsPerMutant), '--no-shrink'];
  const args = ['hack/explore/main.ts', ...limits, ...chosen];
  const child = spawn(process.execPath, args, { cwd: directory, stdio: ['ignore', 'pipe', 'inherit'] });
  const kill = (): void => {
    child.kill();
  };
  process.once('exit', kill);
  let output = '';
  for await (const chunk of child.stdout) output += String(chunk);
  process.removeListener('exit', kill);
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  const broken = /^Broken: (.*)$/m.exec(output)?.[1];
  const summary = output.trim().split('\n').at(-1) ?? '';
  return { caught: broken !== undefined, seconds, scenarios: Number.parseInt(summary, 10), finding: broken ?? summary };
}

async function main(only: string | undefined): Promise<void> {
  const chosen = mutations.filter(({ name }) => only === undefined || name.includes(only));
  if (chosen.length === 0) throw new Error(`no mutation has "${only ?? ''}" in its name`);
  let escaped = 0;
  for (const mutation of chosen) {
    const { caught, seconds, scenarios, finding } = await judge(mutation);
    if (!caught) escaped += 1;
    const effort = `${String(seconds)} s and ${String(scenarios)} scenarios`;
    console.log(`${caught ? 'caught' : 'ESCAPED'} after ${effort}: ${mutation.name}\n    ${finding}`);
  }
  console.log(`${String(chosen.length - escaped)} caught, ${String(escaped)} escaped`);
  process.exitCode = escaped === 0 ? 0 : 1;
}

if (import.meta.main) {
  process.once('SIGTERM', () => process.exit(143));
  process.once('SIGINT', () => process.exit(130));
  await main(process.argv[2]);
}
