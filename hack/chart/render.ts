/**
 * Renders deploy/operator.yaml from the chart, by helm itself; `make manifests`. deploy/install.yaml is made of it by
 * `make generate`, which needs no helm.
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments, stringify, YAMLMap, type Document } from 'yaml';

import { ensureHelm } from '../control-plane/binaries.ts';
import { say } from '../lib/progress.mjs';
import { installNamespace, renderedFile } from './install-manifest.ts';

const root = path.join(import.meta.dirname, '..', '..');
const release = 'gpuvm-operator';

/** deploy/operator.yaml as the chart has it now. */
export async function renderOperator(): Promise<string> {
  const chart = path.join(root, 'charts', 'gpuvm-operator');
  const args = [
    'template',
    release,
    chart,
    '--namespace',
    installNamespace,
    '--set',
    'crds.install=false',
    '--skip-tests',
  ];
  const { stdout } = await promisify(execFile)(await ensureHelm(), args, { maxBuffer: 16 * 1024 * 1024 });
  return [
    '# The operator without its CRDs. Rendered from charts/gpuvm-operator by `make manifests`. Do not edit.',
    ...parseAllDocuments(stdout).map((document) => `---\n${plain(document).trimEnd()}`),
    '',
  ].join('\n');
}

/** No Helm release stands behind what is applied by kubectl. */
function plain(document: Document): string {
  for (const labels of [
    document.getIn(['metadata', 'labels']),
    document.getIn(['spec', 'template', 'metadata', 'labels']),
  ]) {
    if (!(labels instanceof YAMLMap)) continue;
    for (const label of ['helm.sh/chart', 'app.kubernetes.io/managed-by']) labels.delete(label);
  }
  return stringify(document.toJS(), { lineWidth: 0 });
}

if (import.meta.main) {
  const file = path.join(root, renderedFile);
  const text = await renderOperator();
  if (readFileSync(file, 'utf8') === text) say(`${renderedFile} is fresh`);
  else {
    writeFileSync(file, text);
    say(`wrote ${renderedFile}; make generate makes deploy/install.yaml of it`);
  }
}
