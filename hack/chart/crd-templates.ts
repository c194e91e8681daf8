import { stringify } from 'yaml';

import { customResourceDefinition } from '../../src/api/crd.ts';
import { kinds } from '../../src/api/kinds.ts';

/**
 * Templates of the CRDs, by their file names. Helm never upgrades what is in the folder crds/ of a chart, so they are
 * templates; whoever uninstalls the chart keeps them, unless it was asked otherwise.
 */
export function crdTemplates(): ReadonlyMap<string, string> {
  return new Map(kinds.map((kind) => [`${kind.type.plural}.yaml`, templateOf(customResourceDefinition(kind))]));
}

const header = '{{- /* Generated from src/api by `make generate`. Do not edit. */ -}}\n';

function templateOf(crd: object): string {
  const { metadata, ...rest } = crd as { metadata: { name: string } };
  const head = [
    'apiVersion: apiextensions.k8s.io/v1',
    'kind: CustomResourceDefinition',
    'metadata:',
    `  name: ${metadata.name}`,
    '  labels:',
    '    {{- include "gpuvm-operator.labels" . | nindent 4 }}',
    '  {{- if .Values.crds.keep }}',
    '  annotations:',
    '    helm.sh/resource-policy: keep',
    '  {{- end }}',
    '',
  ].join('\n');
  const { spec } = rest as { spec: object };
  const body = stringify({ spec }, { lineWidth: 0, aliasDuplicateObjects: false });
  return `${header}{{- if .Values.crds.install }}\n${head}${escaped(body)}{{- end }}\n`;
}

/** What would open an action of the template. */
export function escaped(text: string): string {
  return text.replaceAll('{{', '{{ "{{" }}');
}
