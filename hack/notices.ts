import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Metafile } from 'esbuild';

/** What the licences of bundled packages ask for: that their words go wherever the bundle goes. */

const root = fileURLToPath(new URL('..', import.meta.url));

export interface BundledPackage {
  /** From the root of the checkout: "node_modules/zod". */
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly scripts?: Readonly<Record<string, string>>;
}

/** All packages that the bundle has code of, by name. */
export function packagesIn({ outputs }: Metafile): BundledPackage[] {
  const files = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
  );
  const folders = new Set(files.flatMap((file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []));
  return [...folders].map(manifestIn).sort((a, b) => a.name.localeCompare(b.name, 'en'));
}

function manifestIn(folder: string): BundledPackage {
  const text = readFileSync(path.join(root, folder, 'package.json'), 'utf8');
  return { ...(JSON.parse(text) as Omit<BundledPackage, 'folder'>), folder };
}

/** Each package with its version, its licence, and the words of that. */
export function noticesOf(packages: readonly BundledPackage[]): string {
  return packages
    .map((one) => `${one.name} ${one.version} (${one.license ?? 'no licence given'})\n\n${wordsOf(one).trim()}\n`)
    .join(`\n${'-'.repeat(80)}\n\n`);
}

/** Throws an error for a package that brings none. */
export function wordsOf({ folder, name }: BundledPackage): string {
  const files = readdirSync(path.join(root, folder)).filter((file) => /^(?:licen[cs]e|notice|copying)/i.test(file));
  if (files.length === 0) throw new Error(`package ${name} has no file with the words of its licence`);
  return files
    .sort()
    .map((file) => readFileSync(path.join(root, folder, file), 'utf8'))
    .join('\n');
}
