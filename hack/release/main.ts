/**
 * For .github/workflows/release.yml:
 *
 *   node hack/release/main.ts check v0.1.0 ghcr.io/owner/name   fails where that may not be published, and says why
 *   node hack/release/main.ts notes                             what the changelog says of this version
 *
 * Needs no package: nothing is installed where the right to publish is.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import packageJson from '../../package.json' with { type: 'json' };
import { notesOf, objectionsTo } from './release.ts';

const root = path.join(import.meta.dirname, '..', '..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

const { version } = packageJson;
const changelog = read('CHANGELOG.md');
const [command, tag = '', image = ''] = process.argv.slice(2);

switch (command) {
  case 'check': {
    const objections = objectionsTo({
      tag,
      image,
      version,
      changelog,
      values: read('charts/gpuvm-operator/values.yaml'),
    });
    for (const objection of objections) process.stderr.write(`release: ${objection}\n`);
    process.exitCode = objections.length === 0 ? 0 : 1;
    break;
  }
  case 'notes':
    process.stdout.write(`${notesOf(changelog, version)}\n`);
    break;
  default:
    process.stderr.write('release: check TAG IMAGE, or notes\n');
    process.exitCode = 2;
}
