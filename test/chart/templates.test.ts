import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { renderedFile } from '../../hack/chart/install-manifest.ts';
import { renderOperator } from '../../hack/chart/render.ts';
import { startControlPlane } from '../../hack/control-plane/start.ts';
import { reachOf } from '../../src/lib/addresses.ts';
import { AnyObjects } from '../support/any-object.ts';
import { everything, valuesToTry } from '../support/chart-values.ts';
import { Cluster } from '../support/cluster.ts';
import { obtainingMs } from '../support/controller-manager.ts';
import { chartPath, Helm, manifestsIn, type Manifest } from '../support/helm.ts';
import type { Deployment } from '../support/kubelet.ts';
import { monitoringCrds } from '../support/monitoring-crds.ts';

/** What the chart makes of its values, judged by helm and by a real API server. */

const root = fileURLToPath(new URL('../..', import.meta.url));
const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' };

let helm: Helm;
let cluster: Cluster;
let objects: AnyObjects;

beforeAll(async () => {
  helm = await Helm.at();
  cluster = Cluster.on(await startControlPlane({ crds: path.join(root, 'crds') }));
  objects = new AnyObjects(cluster);
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'gpuvm-system', labels: restricted } };
  await objects.apply(namespace as unknown as Manifest);
  for (const crd of monitoringCrds) await objects.apply(crd);
}, obtainingMs);

afterAll(async () => {
  await cluster.stop();
  await helm.close();
});

/** The only one of this kind, or the one of this name. */
function find(manifests: readonly Manifest[], kind: string, name?: string): Manifest {
  const [found, ...others] = manifests.filter(
    (one) => one.kind === kind && (name === undefined || one.metadata.name === name),
  );
  if (found === undefined || others.length > 0) throw new Error(`there is not one ${kind}`);
  return found;
}

interface Pod {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: Readonly<Record<string, unknown>> & { readonly containers: readonly Container[] };
}

interface Container {
  readonly name: string;
  readonly args: readonly string[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly env?: readonly object[];
  readonly volumeMounts?: readonly object[];
}

function podsOf(manifests: readonly Manifest[]): Pod[] {
  return manifests.flatMap(({ kind, ...rest }) => {
    if (kind === 'Deployment') return [(rest as unknown as { spec: { template: Pod } }).spec.template];
    return kind === 'Pod' ? [rest as unknown as Pod] : [];
  });
}

function selects({ labels, oneOf = [] }: Selector, { metadata }: Pod): boolean {
  return (
    Object.entries(labels).every(([name, value]) => metadata.labels[name] === value) &&
    oneOf.every(({ key, values }) => values.includes(metadata.labels[key] ?? ''))
  );
}

test('helm finds nothing to object to', async () => {
  expect(await helm.run(['lint', '--strict', chartPath])).toContain('1 chart(s) linted, 0 chart(s) failed');
  expect(await helm.run(['lint', '--strict', chartPath], everything)).toContain('0 chart(s) failed');
});

describe.each(valuesToTry())('with %s', (_name, values) => {
  let manifests: readonly Manifest[];

  beforeAll(async () => {
    manifests = await helm.template(values, ['GpuAccount']);
  });

  test('the API server takes everything, and knows every field', async () => {
    for (const manifest of manifests) await objects.tryApply(manifest);
  });

  test('the pods are let into a namespace that is restricted', async () => {
    for (const [index, { metadata, spec }] of podsOf(manifests).entries()) {
      const serviceAccountName = 'default';
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...metadata, name: `pod-${index}`, namespace: 'gpuvm-system' },
      };
      await objects.tryApply({
        ...pod,
        spec: { ...spec, serviceAccountName, priorityClassName: undefined },
      } as unknown as Manifest);
    }
  });

  test('no two objects are one, and each says what it belongs to', () => {
    const names = manifests.map(({ kind, metadata }) => `${kind ?? ''}/${metadata.namespace ?? ''}/${metadata.name}`);
    expect(names).toEqual([...new Set(names)]);
    for (const { metadata } of manifests) {
      expect(metadata.labels).toMatchObject({
        'app.kubernetes.io/instance': 'gpuvm',
        'app.kubernetes.io/managed-by': 'Helm',
      });
    }
  });

  test('every selector leads to the pods of one component, and every port that is named is there', () => {
    const pods = podsOf(manifests);
    const selectors = manifests.flatMap(({ kind, spec }) => (spec === undefined ? [] : selectorsOf(kind, spec)));
    for (const selector of selectors) {
      const selected = pods.filter((pod) => selects(selector, pod));
      const components = selected.map(({ metadata }) => metadata.labels['app.kubernetes.io/component']);
      // A policy is for all that calls the provider.
      expect(components).toEqual(selector.oneOf === undefined ? [expect.any(String)] : ['operator', 'test']);
      const named = selected.flatMap(({ spec }) => spec.containers.flatMap(({ ports = [] }) => ports));
      expect(named.map(({ name }) => name)).toEqual(expect.arrayContaining([...selector.ports]));
    }
  });
});

interface Selector {
  readonly labels: Readonly<Record<string, string>>;
  readonly oneOf?: readonly { readonly key: string; readonly values: readonly string[] }[];
  readonly ports: readonly string[];
}

function selectorsOf(kind: string | undefined, spec: unknown): Selector[] {
  const { selector, podSelector, ports, ingress } = spec as {
    selector?: Record<string, string> & { matchLabels: Record<string, string> };
    podSelector?: { matchLabels: Record<string, string>; matchExpressions: { key: string; values: string[] }[] };
    ports?: readonly { targetPort: string }[];
    ingress?: readonly { ports: readonly { port: string }[] }[];
  };
  switch (kind) {
    case 'Service':
      return [{ labels: selector ?? {}, ports: (ports ?? []).map(({ targetPort }) => targetPort) }];
    case 'Deployment':
    case 'PodDisruptionBudget':
      return [{ labels: selector?.matchLabels ?? {}, ports: [] }];
    case 'NetworkPolicy': {
      const named = (ingress ?? []).flatMap((rule) => rule.ports.map(({ port }) => port));
      const { matchLabels: labels = {}, matchExpressions: oneOf = [] } = podSelector ?? {};
      return [{ labels, oneOf, ports: named }];
    }
    default:
      return [];
  }
}

describe('wrong values are refused in words', () => {
  test.each<[string, object, RegExp]>([
    ['a value that there is not', { replica: 3 }, /additional properties 'replica' not allowed/],
    [
      'one that is misspelt further in',
      { metrics: { prot: 1 } },
      /'\/metrics': additional properties 'prot' not allowed/,
    ],
    ['a flag that the operator does not have', { flags: { 'poll-often': true } }, /additional properties 'poll-often'/],
    ['a flag that the chart sets itself', { flags: { 'leader-elect': true } }, /additional properties 'leader-elect'/],
    ['a text for a number', { replicas: 'two' }, /'\/replicas': got string, want integer/],
    ['more pods than make sense', { replicas: 100 }, /'\/replicas': maximum: got 100, want 10/],
    ['no port', { metrics: { port: 0 } }, /'\/metrics\/port': minimum: got 0, want 1/],
    [
      'a policy that there is not',
      { image: { pullPolicy: 'Sometimes' } },
      /must be one of 'IfNotPresent', 'Always', 'Never'/,
    ],
    ['a group that was emptied', { metrics: null }, /missing property 'metrics'/],
    ['two sources of authorities', { customCA: { configMap: 'a', secret: 'b' } }, /give one of them/],
    [
      'the rights of the operator for nobody in particular',
      { serviceAccount: { create: false } },
      /say in serviceAccount\.name who/,
    ],
    ['an account without credentials', { account: { create: true } }, /account\.create needs credentials/],
    ['half a pair', { account: { credentials: { apiKey: 'k' } } }, /belong together/],
    [
      'two pairs',
      { account: { credentials: { existingSecret: 's', apiKey: 'k', apiToken: 't' } } },
      /give one of them/,
    ],
    ['a reference that the chart makes', { account: { spec: { credentialsSecretRef: {} } } }, /is made by the chart/],
    [
      'a ServiceMonitor of nothing',
      { metrics: { service: { create: false }, serviceMonitor: { enabled: true } } },
      /set metrics\.service\.create/,
    ],
  ])('%s', async (_what, values, words) => {
    await expect(helm.template(values as Readonly<Record<string, unknown>>)).rejects.toThrow(words);
  });
});

describe('the operator', () => {
  test('is given the flags as they were meant', async () => {
    const { spec } = find(await helm.template(everything), 'Deployment', 'rent') as unknown as Deployment;
    expect(spec.template.spec.containers[0]?.args).toEqual([
      'operator',
      '--leader-elect',
      '--leader-elect-resource-name=gpuvm-operator',
      '--leader-elect-resource-namespace=$(POD_NAMESPACE)',
      '--telemetry-port=9090',
      '--shutdown-grace=40s',
      ...['--allow-private-endpoints', '--allow-private-probes', '--installation=12345678', '--log-level=debug'],
      ...['--max-in-flight=8', '--poll-idle=1m'],
    ]);
  });

  test.each([
    ['a number that YAML takes for one', { installation: 12345678 }, '--installation=12345678'],
    ['a number with an exponent', { 'max-in-flight': 1e7 }, '--max-in-flight=10000000'],
    ['a flag without a value, that is not wanted', { 'allow-private-probes': false }, undefined],
  ])('%s', async (_what, flags, expected) => {
    const { spec } = find(await helm.template({ flags }), 'Deployment') as unknown as Deployment;
    const more = spec.template.spec.containers[0]?.args.slice(6) ?? [];
    expect(more).toEqual(expected === undefined ? [] : [expected]);
  });

  test('waits for the same Lease whatever the release is called, and may write it', async () => {
    for (const [name, values] of [
      ['gpuvm', {}],
      ['gpuvm-operator', {}],
      ['second', { nameOverride: 'rent', serviceAccount: { name: 'mine' } }],
      ['third', { fullnameOverride: 'rent' }],
    ] as const) {
      const manifests = await helm.template(values, [], name);
      const { spec } = find(manifests, 'Deployment') as unknown as Deployment;
      expect(spec.template.spec.containers[0]?.args, name).toContain('--leader-elect-resource-name=gpuvm-operator');
      expect(find(manifests, 'Role')['rules'], name).toContainEqual(
        expect.objectContaining({ resources: ['leases'], resourceNames: ['gpuvm-operator'] }),
      );
    }
  });

  test('is spread as its pods are selected, unless a constraint selects by itself', async () => {
    const spread = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' };
    const ofPods = {
      matchLabels: {
        'app.kubernetes.io/name': 'gpuvm-operator',
        'app.kubernetes.io/instance': 'gpuvm',
        'app.kubernetes.io/component': 'operator',
      },
    };
    const others = { matchExpressions: [{ key: 'app', operator: 'In', values: ['gpuvm', 'other'] }] };
    const topologySpreadConstraints = [
      ...[spread, { ...spread, labelSelector: null }],
      ...[
        { ...spread, labelSelector: others },
        { ...spread, labelSelector: {} },
      ],
    ];
    const [pod] = podsOf([find(await helm.template({ topologySpreadConstraints }), 'Deployment')]);
    expect(pod?.spec['topologySpreadConstraints']).toEqual(
      [ofPods, ofPods, others, {}].map((labelSelector) => ({ ...spread, labelSelector })),
    );
  });

  test('has longer to end than it is told to take', async () => {
    const deployment = find(await helm.template({ shutdownGraceSeconds: 60 }), 'Deployment');
    expect(podsOf([deployment])[0]?.spec).toMatchObject({ terminationGracePeriodSeconds: 65 });
  });
});

describe('an account', () => {
  const values = { account: { create: true, credentials: { existingSecret: 'pair' } } };

  test('is left out while its kind is not known, unless somebody else installs that', async () => {
    const kinds = (manifests: readonly Manifest[]): unknown[] => manifests.map(({ kind }) => kind);
    expect(kinds(await helm.template(values))).not.toContain('GpuAccount');
    expect(kinds(await helm.template(values, ['GpuAccount']))).toContain('GpuAccount');
    expect(kinds(await helm.template({ ...values, crds: { install: false } }))).toContain('GpuAccount');
  });

  test.each<[string, object, object]>([
    ['names a Secret of its namespace', {}, { namespace: 'gpuvm-system', name: 'pair' }],
    ['names one of another', { credentials: { namespace: 'vault', existingSecret: 'pair' } }, { namespace: 'vault' }],
    [
      'names the Secret that is made of its pair',
      { credentials: { existingSecret: '', apiKey: 'k', apiToken: 't' } },
      { namespace: 'gpuvm-system', name: 'gpuvm-operator-account' },
    ],
  ])('%s', async (_what, change, expected) => {
    const account = { ...values.account, ...change };
    const manifests = await helm.template({ account, fullnameOverride: 'gpuvm-operator' }, ['GpuAccount']);
    expect(find(manifests, 'GpuAccount')['spec']).toMatchObject({ credentialsSecretRef: expected });
  });

  test('and its credentials outlive the release, as its VMs do', async () => {
    const account = { create: true, credentials: { apiKey: 'k', apiToken: 't' } };
    const manifests = await helm.template({ account }, ['GpuAccount']);
    for (const kind of ['GpuAccount', 'Secret']) {
      const { metadata } = find(manifests, kind);
      expect(metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep' });
    }
  });
});

describe('the network policy', () => {
  interface Rule {
    readonly ports?: readonly { readonly port: number; readonly protocol: 'TCP' | 'UDP' }[];
    /** Absent: anywhere. */
    readonly to?: readonly { readonly ipBlock: { readonly cidr: string; readonly except?: readonly string[] } }[];
  }

  async function egressWith(values: object): Promise<readonly Rule[]> {
    const manifests = await helm.template({ networkPolicy: { restrictEgress: true, ...values } });
    return (find(manifests, 'NetworkPolicy')['spec'] as { readonly egress: readonly Rule[] }).egress;
  }

  let byDefault: readonly Rule[];

  beforeAll(async () => {
    byDefault = await egressWith({});
  });

  /** By TCP. */
  function isLetOut(address: string, port: number, egress = byDefault): boolean {
    const parsed = ipaddr.parse(address);
    const isIn = (cidr: string): boolean => {
      const [network, bits] = ipaddr.parseCIDR(cidr);
      return network.kind() === parsed.kind() && parsed.match(network, bits);
    };
    return egress.some(
      ({ ports, to }) =>
        (ports?.some((one) => one.protocol === 'TCP' && one.port === port) ?? true) &&
        (to?.some(({ ipBlock: { cidr, except = [] } }) => isIn(cidr) && !except.some(isIn)) ?? true),
    );
  }

  test('lets the operator out to what it takes for public itself, and to nothing that it takes for private', () => {
    // Nobody uses 6to4 any more, and a mapped address is one of IPv4 to whoever enforces a policy.
    const isOdd = (address: string): boolean => ['6to4', 'ipv4Mapped'].includes(ipaddr.parse(address).range());
    const nat64 = fc.ipV4().map((address) => {
      const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
      return `64:ff9b::${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
    });
    const near = fc.constantFrom(
      '10.0.0.0',
      '10.255.255.255',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '127.0.0.1',
      '100.64.0.1',
      'fd00::1',
      '::1',
    );
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), nat64, near), (address) => {
        const reach = reachOf(address);
        if (reach === 'public' && !isOdd(address)) expect(isLetOut(address, 80)).toBe(true);
        if (reach === 'private') expect(isLetOut(address, 80)).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  const addressesWithSecrets = [
    ...['169.254.169.254', '168.63.129.16', '100.100.100.200', 'fd00:ec2::254', 'fe80::1'],
    ...['64:ff9b::a9fe:a9fe', '64:ff9b::a83f:8110', '64:ff9b::6464:64c8'],
  ];

  test.each(addressesWithSecrets)('does not let it out to %s, where clouds tell secrets, at any port', (address) => {
    for (const port of [80, 443, 6443, 8443, 32526]) expect(isLetOut(address, port)).toBe(false);
  });

  test.each(['10.0.0.1', '172.16.0.1', '192.168.0.1', '100.64.0.1', 'fd00::1'])(
    'lets it out to %s at the ports of an API server, unless it is said where that is',
    async (address) => {
      const told = await egressWith({ apiServer: { cidrs: ['10.9.9.9/32'] } });
      for (const port of [443, 6443, 8443]) {
        expect(isLetOut(address, port)).toBe(true);
        expect(isLetOut(address, port, told)).toBe(false);
      }
      expect(isLetOut('10.9.9.9', 6443, told)).toBe(true);
    },
  );

  test('lets it out to name servers in the cluster: at the port of their Service, that of their pods, or others', async () => {
    const own = await egressWith({ dnsPorts: [1053] });
    for (const port of [53, 5353]) {
      expect(isLetOut('10.0.0.10', port)).toBe(true);
      expect(isLetOut('10.0.0.10', port, own)).toBe(false);
    }
    expect(isLetOut('10.0.0.10', 1053, own)).toBe(true);
  });
});

describe('the pod of helm test', () => {
  test('has the environment, the files and the proxy of the operator, and stays until its log is read', async () => {
    const proxied = { ...everything, flags: { 'provider-proxy': 'http://proxy.example:3128' } };
    const manifests = await helm.template(proxied);
    const [operator] = podsOf([find(manifests, 'Deployment', 'rent')]);
    const pod = find(manifests, 'Pod');
    const [doctor] = podsOf([pod]);
    expect(doctor?.spec.containers[0]?.args).toEqual(['doctor', '--provider-proxy=http://proxy.example:3128']);
    expect(doctor?.spec['volumes']).toEqual(operator?.spec['volumes']);
    expect(doctor?.spec['nodeSelector']).toEqual(operator?.spec['nodeSelector']);
    const { env, volumeMounts } = doctor?.spec.containers[0] ?? {};
    expect(volumeMounts).toEqual(operator?.spec.containers[0]?.volumeMounts);
    expect(operator?.spec.containers[0]?.env).toEqual([
      expect.objectContaining({ name: 'POD_NAMESPACE' }),
      ...(env ?? []),
    ]);
    expect(pod.metadata.annotations).toMatchObject({ 'helm.sh/hook-delete-policy': 'before-hook-creation' });
  });
});

describe('the plain manifests', () => {
  test('are what the chart makes', async () => {
    expect(await readFile(path.join(root, renderedFile), 'utf8')).toBe(await renderOperator());
  });

  test('are taken by an API server as they are', async () => {
    for (const manifest of manifestsIn(await readFile(path.join(root, 'deploy', 'install.yaml'), 'utf8'))) {
      await objects.tryApply(manifest);
    }
  });
});

test('every sample is taken by an API server as it stands', async () => {
  const folder = path.join(root, 'deploy', 'samples');
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.yaml'));
  expect(files).not.toHaveLength(0);
  for (const file of files) {
    for (const manifest of manifestsIn(await readFile(path.join(folder, file), 'utf8'))) {
      // Without storing anything: what a sample puts into a namespace of its own is looked at in another one.
      const isNamespaced = manifest.metadata.namespace !== undefined;
      const metadata = isNamespaced ? { ...manifest.metadata, namespace: 'default' } : manifest.metadata;
      await objects.tryApply({ ...manifest, metadata });
    }
  }
});
