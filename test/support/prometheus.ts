import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';

import { ensurePrometheus } from '../../hack/control-plane/binaries.ts';

/** The real promtool. Gives what it prints; rejects with that when it is not content. */
export async function promtool(args: readonly string[]): Promise<string> {
  const file = path.join(await ensurePrometheus(), 'promtool');
  try {
    return (await promisify(execFile)(file, args)).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string };
    throw new Error(`${stdout}${stderr}`, { cause: error });
  }
}

/** `promtool test rules` with this as its file. */
export async function testRules(file: object): Promise<string> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'gpuvm-promtool-'));
  try {
    const place = path.join(directory, 'test.yaml');
    await writeFile(place, stringify(file));
    return await promtool(['test', 'rules', place]);
  } finally {
    await rm(directory, { recursive: true });
  }
}
