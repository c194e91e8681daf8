import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { messageOf } from '../../lib/errors.ts';
import { CliError } from '../common/cli-error.ts';
import { exitCodes } from '../common/exit-codes.ts';

/** A manifest, and what to call it where something is wrong with it. */
export interface ManifestText {
  readonly file: string;
  readonly yaml: string;
}

const standardInput = '-';

/** All of these, each once: files, standard input, and of a directory what kubectl takes from it. */
export async function readManifests(names: readonly string[]): Promise<readonly ManifestText[]> {
  const texts = [];
  for (const name of new Set(names)) {
    try {
      texts.push(...(await readOne(name)));
    } catch (error) {
      if (error instanceof CliError) throw error;
      throw new CliError(`cannot read ${name}: ${messageOf(error)}`, exitCodes.usage);
    }
  }
  return texts;
}

async function readOne(name: string): Promise<readonly ManifestText[]> {
  if (name === standardInput) return [{ file: 'standard input', yaml: await text(process.stdin) }];
  const isDirectory = (await stat(name)).isDirectory();
  const files = isDirectory ? await manifestsIn(name) : [name];
  return Promise.all(files.map(async (file) => ({ file, yaml: await readFile(file, 'utf8') })));
}

/** As kubectl apply -f does: those directly in it. */
async function manifestsIn(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => !entry.isDirectory() && /\.(ya?ml|json)$/.test(entry.name));
  if (names.length > 0) return names.map(({ name }) => join(directory, name)).toSorted();
  throw new CliError(`the directory ${directory} has no file that ends with .yaml, .yml or .json`, exitCodes.usage);
}
