import { isGroup, valuesOfChart, type ValueSchema } from '../../hack/chart/values-schema.ts';
import type { Values } from './helm.ts';

/** Values to render the chart with: all of them, each by itself, and what belongs together. */

const credentials = { existingSecret: 'tensordock' };

/** Everything that can be there, and nothing as it is by default. */
export const everything: Values = {
  ...{ fullnameOverride: 'rent', commonLabels: { team: 'platform' }, replicas: 3, shutdownGraceSeconds: 40 },
  flags: {
    ...{ 'log-level': 'debug', 'poll-idle': '1m', 'max-in-flight': 8, installation: '12345678' },
    'allow-private-probes': true,
  },
  image: { repository: 'images.example/gpuvm', digest: `sha256:${'ab'.repeat(32)}`, pullPolicy: 'Always' },
  imagePullSecrets: [{ name: 'registry' }],
  resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '2Gi' } },
  podSecurityContext: { runAsUser: null, runAsGroup: null },
  extraEnv: [{ name: 'A', value: 'b' }],
  extraVolumes: [{ name: 'more', emptyDir: {} }],
  extraVolumeMounts: [{ name: 'more', mountPath: '/more' }],
  customCA: { configMap: 'authorities', key: 'all.pem' },
  serviceAccount: { name: 'renter', annotations: { a: 'b' } },
  ...{ podLabels: { x: 'y' }, podAnnotations: { p: 'q' }, nodeSelector: { 'kubernetes.io/os': 'linux' } },
  tolerations: [{ key: 'infra', operator: 'Exists', effect: 'NoSchedule' }],
  affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
  topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }],
  priorityClassName: 'system-cluster-critical',
  account: { create: true, name: 'research', spec: { requestsPerSecond: 2, limits: { maxVms: 10 } }, credentials },
  simulator: { enabled: true, flags: { seed: 7, 'spot-floor': 0.5, guests: true } },
  metrics: {
    port: 9090,
    service: { annotations: { a: 'b' } },
    serviceMonitor: {
      ...{ enabled: true, namespace: 'default', labels: { release: 'prometheus' }, interval: '1m' },
      relabelings: [{ targetLabel: 'cluster', replacement: 'one' }],
      metricRelabelings: [{ sourceLabels: ['__name__'], regex: 'process_.*', action: 'drop' }],
    },
    prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
    dashboard: { enabled: true, labels: { dashboards: 'here' }, annotations: { folder: 'GPU' } },
  },
  networkPolicy: {
    metricsFrom: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
    restrictEgress: true,
    apiServer: { cidrs: ['10.0.0.1/32'], ports: [16443] },
    extraEgress: [{ ports: [{ port: 3128 }], to: [{ ipBlock: { cidr: '10.1.0.0/16' } }] }],
  },
};

/** What has to be given beside a value, for the two of them to make sense. */
const companions: Readonly<Record<string, Values>> = {
  'account.create': { account: { create: true, credentials } },
  'serviceAccount.create': { serviceAccount: { create: false, name: 'mine' } },
};

/** By what they are about. */
export function valuesToTry(): [name: string, values: Values][] {
  return [
    ['nothing', {}],
    ['everything', everything],
    ['a Secret for the authorities', { customCA: { secret: 'authorities' } }],
    ['a pair of its own for the account', { account: { create: true, credentials: { apiKey: 'k', apiToken: 't' } } }],
    ['an account at the simulator', { account: { create: true }, simulator: { enabled: true } }],
    ...variations(valuesOfChart(), '', (value) => value),
  ];
}

/** Each value that is one of several, otherwise than by default, one at a time. */
function variations(
  { properties = {} }: ValueSchema,
  prefix: string,
  around: (value: Values) => Values,
): [string, Values][] {
  return Object.entries(properties).flatMap(([name, schema]): [string, Values][] => {
    const place = `${prefix}${name}`;
    const choice = (value: unknown): [string, Values] => [
      `${place}: ${String(value)}`,
      companions[place] ?? around({ [name]: value }),
    ];
    if (isGroup(schema)) return variations(schema, `${place}.`, (value) => around({ [name]: value }));
    if (schema.type === 'boolean') return [choice(schema.default !== true)];
    return (schema.enum ?? []).slice(1).map(choice);
  });
}
