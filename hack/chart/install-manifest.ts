import { readFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';

import { customResourceDefinition } from '../../src/api/crd.ts';
import { kinds } from '../../src/api/kinds.ts';

/** Where what helm has rendered is kept: everything but the CRDs, which change far more often. */
export const renderedFile = 'deploy/operator.yaml';

/** Of deploy/install.yaml and deploy/operator.yaml. */
export const installNamespace = 'gpuvm-system';

const namespace = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: {
    name: installNamespace,
    labels: { 'pod-security.kubernetes.io/enforce': 'restricted', 'pod-security.kubernetes.io/warn': 'restricted' },
  },
};

/** deploy/install.yaml: namespace, CRDs and operator in one file, for who has no Helm. */
export function installManifest(root: string): string {
  const operator = readFileSync(path.join(root, renderedFile), 'utf8');
  const documents = [namespace, ...kinds.map((kind) => customResourceDefinition(kind))];
  return [
    '# All that the operator needs in a cluster: kubectl apply --server-side -f deploy/install.yaml',
    `# Generated from src/api and ${renderedFile} by \`make generate\`. Do not edit.`,
    ...documents.map((one) => `---\n${stringify(one, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd()}`),
    operator.replace(/^#.*\n/gm, '').trimEnd(),
    '',
  ].join('\n');
}
