/**
 * Makes every generated file of the repository from its one source; with --check it writes nothing and fails when a file
 * is stale. `make generate`, `make check-generated`.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';

import { customResourceDefinition } from '../src/api/crd.ts';
import { kinds } from '../src/api/kinds.ts';
import { chartFile } from './chart/chart-file.ts';
import { crdTemplates } from './chart/crd-templates.ts';
import { dashboardFile } from './chart/dashboard.ts';
import { installManifest } from './chart/install-manifest.ts';
import { chartReadme } from './chart/readme.ts';
import { userRolesTemplate } from './chart/role-templates.ts';
import { valuesFile } from './chart/values-file.ts';
import { valuesSchemaFile } from './chart/values-schema.ts';
import { conditionsPage } from './docs/conditions-page.ts';
import { metricsPage } from './docs/metrics-page.ts';
import { referencePage } from './docs/reference-page.ts';

const root = join(import.meta.dirname, '..');

function generatedFiles(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const kind of kinds) {
    const crd = customResourceDefinition(kind);
    files.set(`crds/${kind.type.plural}.${kind.type.group}.yaml`, `${yamlHeader}${stringify(crd, yamlStyle)}`);
    files.set(`docs/reference/${kind.singular}.md`, referencePage(kind));
  }
  files.set('docs/conditions.md', conditionsPage());
  files.set('docs/metrics.md', metricsPage());
  for (const [file, text] of chartFiles()) files.set(`charts/gpuvm-operator/${file}`, text);
  files.set('deploy/install.yaml', installManifest(root));
  return files;
}

function chartFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['Chart.yaml', chartFile()],
    ['values.yaml', valuesFile()],
    ['values.schema.json', valuesSchemaFile()],
    ['README.md', chartReadme()],
    ['files/dashboard.json', dashboardFile()],
    ['templates/user-roles.yaml', userRolesTemplate(userRoles())],
    ...[...crdTemplates()].map(([file, text]): [string, string] => [`templates/crds/${file}`, text]),
  ]);
}

function userRoles(): string[] {
  const directory = join(root, 'deploy', 'rbac');
  return readdirSync(directory)
    .sort()
    .map((file) => readFileSync(join(directory, file), 'utf8'));
}

const yamlHeader = '# Generated from src/api by `make generate`. Do not edit.\n';
const yamlStyle = { lineWidth: 0, aliasDuplicateObjects: false } as const;

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

const isCheck = process.argv.includes('--check');
const stale: string[] = [];
for (const [file, text] of generatedFiles()) {
  const path = join(root, file);
  if (read(path) === text) continue;
  stale.push(file);
  if (isCheck) continue;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

if (stale.length === 0) console.log('generated files are fresh');
else if (!isCheck) console.log(`wrote ${stale.join(', ')}`);
else {
  console.error(`stale generated files: ${stale.join(', ')}: run make generate and commit the result`);
  process.exitCode = 1;
}
