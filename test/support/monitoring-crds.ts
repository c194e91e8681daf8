import type { Manifest } from './helm.ts';

/**
 * The kinds of the Prometheus Operator, as far as the chart writes them: what is not here is refused as an unknown field. Its
 * own definitions are far larger, and mean the same by these fields.
 */

const text = { type: 'string' };
const texts = { type: 'array', items: text };
const textsByName = { type: 'object', additionalProperties: text };
const list = (properties: object): object => ({ type: 'array', items: { type: 'object', properties } });

const relabelings = list({
  ...{ sourceLabels: texts, targetLabel: text, replacement: text, regex: text },
  action: { type: 'string', enum: ['replace', 'keep', 'drop', 'labelmap', 'labeldrop', 'labelkeep'] },
});

const serviceMonitor = {
  namespaceSelector: { type: 'object', properties: { matchNames: texts } },
  selector: { type: 'object', properties: { matchLabels: textsByName } },
  endpoints: list({
    ...{ port: text, interval: text, honorLabels: { type: 'boolean' } },
    ...{ relabelings, metricRelabelings: relabelings },
  }),
};

const prometheusRule = {
  groups: list({
    ...{ name: text, interval: text },
    rules: list({
      ...{ record: text, alert: text, expr: text, for: text, keep_firing_for: text },
      ...{ labels: textsByName, annotations: textsByName },
    }),
  }),
};

export const monitoringCrds: readonly Manifest[] = [
  crd('ServiceMonitor', 'servicemonitors', serviceMonitor),
  crd('PrometheusRule', 'prometheusrules', prometheusRule),
];

function crd(kind: string, plural: string, properties: object): Manifest {
  const group = 'monitoring.coreos.com';
  return {
    ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' },
    metadata: { name: `${plural}.${group}` } as Manifest['metadata'],
    spec: {
      ...{ group, scope: 'Namespaced', names: { kind, plural, singular: kind.toLowerCase() } },
      versions: [
        {
          ...{ name: 'v1', served: true, storage: true },
          schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } } },
        },
      ],
    },
  };
}
