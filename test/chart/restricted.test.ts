import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { ensureHelm } from '../../hack/control-plane/binaries.ts';
import { secretType, type SecretObject } from '../../src/controllers/objects.ts';
import { AnyObjects } from '../support/any-object.ts';
import { chartHouse, installChart, release } from '../support/chart-house.ts';
import { Cluster } from '../support/cluster.ts';
import { obtainingMs } from '../support/controller-manager.ts';
import { manifestsIn } from '../support/helm.ts';
import { playIn } from '../support/stage.ts';
import { until } from '../support/until.ts';
import { Witness } from '../support/witness.ts';

/** The operator of the chart under the admission policies of deploy/samples/platform: what it does passes, and nothing else. */

const sample = fileURLToPath(new URL('../../deploy/samples/platform/restrict-operator.yaml', import.meta.url));
const operator = `system:serviceaccount:${release.namespace}:${release.name}`;

const labels = { 'app.kubernetes.io/managed-by': 'gpuvm-operator' };
const ownerReferences = [{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', name: 'trainer', uid: 'some-uid' }];

const witness = await Witness.call();
const house = chartHouse(witness);
playIn({
  open: () => house.open(),
  hire: async (cluster, wire, wishes) => {
    const start = await house.hire(cluster, wire, wishes);
    await restrict(cluster);
    return start;
  },
});

beforeAll(() => ensureHelm(), obtainingMs);
afterAll(() => witness.leave());

describe('what a GpuVm is given', async () => {
  await import('../e2e/gpuvm-input.test.ts');
});
describe('a Service', async () => {
  await import('../e2e/service.test.ts');
});

describe('somebody with the token of the operator', () => {
  let cluster: Cluster;
  let namespace: string;

  beforeAll(async () => {
    cluster = await Cluster.start();
    await installChart(cluster, { crds: { install: false } });
    await restrict(cluster);
    namespace = await cluster.createNamespace('theirs');
    await cluster.createSecret(namespace, 'database', { password: 'theirs' });
  }, obtainingMs);
  afterAll(() => cluster.stop());

  const notIts = /may only write what it has made/;

  test.each([
    ['a Secret that is no resource’s', 'secrets', secret({ metadata: { labels } }), notIts],
    ['a Secret without the label', 'secrets', secret({ metadata: { ownerReferences } }), notIts],
    [
      'a token of another ServiceAccount',
      'secrets',
      secret({
        metadata: { labels, ownerReferences, annotations: { 'kubernetes.io/service-account.name': 'default' } },
        type: 'kubernetes.io/service-account-token',
      }),
      /of the type Opaque/,
    ],
    [
      'a Service at an address that is another’s',
      'services',
      {
        ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'made', labels, ownerReferences } },
        spec: { ports: [{ port: 53 }], externalIPs: ['8.8.8.8'] },
      },
      /without externalIPs/,
    ],
  ])('cannot make %s', async (_what, resource, object, words) => {
    await expect(create(cluster, namespace, resource, object)).rejects.toThrow(words);
  });

  test('cannot change a Secret that is somebody else’s, whatever the change says of itself', async () => {
    const claim = { metadata: { labels, ownerReferences }, stringData: { password: 'mine' } };
    await expect(ask(cluster, 'PATCH', secretPath('database'), claim)).rejects.toThrow(notIts);
    expect(await cluster.secretData(namespace, 'database')).toEqual({ password: 'theirs' });
  });

  test('cannot delete one', async () => {
    await expect(ask(cluster, 'DELETE', secretPath('database'), {})).rejects.toThrow(notIts);
    expect(await cluster.secretData(namespace, 'database')).toBeDefined();
  });

  test('makes, marks again and deletes what is a resource’s, as the operator does', async () => {
    await create(cluster, namespace, 'secrets', secret({ metadata: { labels, ownerReferences } }));
    await cluster.kube.mergePatch<SecretObject>(
      secretType,
      { namespace, name: 'made' },
      { metadata: { labels: { 'app.kubernetes.io/managed-by': null } } },
    );
    await ask(cluster, 'PATCH', secretPath('made'), { metadata: { labels } });
    await ask(cluster, 'DELETE', secretPath('made'), {});
    expect(await cluster.secretData(namespace, 'made')).toBeUndefined();
  });

  test('is one user: others write what they may', async () => {
    await cluster.createSecret(namespace, 'another', { password: 'theirs' });
    expect(await cluster.secretData(namespace, 'another')).toBeDefined();
  });

  function secretPath(name: string): string {
    return `/api/v1/namespaces/${namespace}/secrets/${name}`;
  }
});

function secret({ metadata, ...rest }: { readonly metadata: object; readonly type?: string }): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'made', ...metadata }, ...rest };
}

/** Applies the sample, and waits until the API server goes by each of its policies. */
async function restrict(cluster: Cluster): Promise<void> {
  const objects = new AnyObjects(cluster);
  for (const manifest of manifestsIn(await readFile(sample, 'utf8'))) await objects.apply(manifest);
  const probes: readonly [string, object, RegExp][] = [
    ['secrets', secret({ metadata: {} }), /may only write/],
    ['secrets', secret({ metadata: { labels, ownerReferences }, type: 'example.com/other' }), /of the type Opaque/],
    [
      'services',
      {
        ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'made', labels, ownerReferences } },
        spec: { type: 'ExternalName', externalName: 'example.com' },
      },
      /of the type ClusterIP/,
    ],
  ];
  for (const [resource, object, words] of probes) {
    await until(`the policy is there that says ${words.source}`, () =>
      create(cluster, 'default', resource, object, '?dryRun=All').then(
        () => false,
        (error: unknown) => words.test(String(error)),
      ),
    );
  }
}

async function create(
  cluster: Cluster,
  namespace: string,
  resource: string,
  object: object,
  query = '',
): Promise<void> {
  await ask(cluster, 'POST', `/api/v1/namespaces/${namespace}/${resource}${query}`, object);
}

/** As the operator's ServiceAccount. */
async function ask(cluster: Cluster, method: 'DELETE' | 'PATCH' | 'POST', path: string, body: object): Promise<void> {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const headers = { 'content-type': type, 'impersonate-user': operator };
  await cluster.raw(path, { method, headers, body: JSON.stringify(body) });
}
