import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { gpuPoolType } from '../../src/api/group.ts';
import type { KubeObject } from '../../src/kube/contract.ts';
import { Cluster } from '../support/cluster.ts';
import { ControllerManager, obtainingMs } from '../support/controller-manager.ts';
import { until } from '../support/until.ts';

/** The ClusterRoles of deploy/rbac, by the API server's own authorizer and kube-controller-manager's aggregation. */

const directory = fileURLToPath(new URL('../../deploy/rbac', import.meta.url));
const roles = '/apis/rbac.authorization.k8s.io/v1';

let cluster: Cluster;
let manager: ControllerManager;
let namespace: string;
let elsewhere: string;

beforeAll(async () => {
  cluster = await Cluster.start();
  manager = await ControllerManager.start(cluster.kubeconfigPath);
  namespace = await cluster.createNamespace('team');
  elsewhere = await cluster.createNamespace('other');
  for (const file of await readdir(directory)) {
    const text = await readFile(path.join(directory, file), 'utf8');
    const { metadata } = parse(text) as KubeObject;
    await cluster.apply(`${roles}/clusterroles/${metadata.name}`, text);
  }
  for (const role of ['view', 'edit', 'admin']) await bind(role, `${role}er`, namespace);
  await bind('gpuvm-platform', 'platform', undefined);
  await bind('view', 'auditor', undefined);
  // They are made of others by a loop of the cluster.
  await until(
    'the roles are made',
    async () => (await may('editer', 'create', 'gpuvms')) && may('viewer', 'get', 'gpuvms'),
  );
}, obtainingMs);

afterAll(async () => {
  await manager.stop();
  await cluster.stop();
});

async function bind(role: string, user: string, within: string | undefined): Promise<void> {
  const kind = within === undefined ? 'ClusterRoleBinding' : 'RoleBinding';
  const name = `${within ?? 'all'}-${user}`;
  const collection = within === undefined ? 'clusterrolebindings' : `namespaces/${within}/rolebindings`;
  const binding = {
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind, metadata: { name } },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  };
  await cluster.apply(`${roles}/${collection}/${name}`, JSON.stringify(binding));
}

/** `kubectl auth can-i VERB RESOURCE --as USER`. */
async function may(user: string, verb: string, resource: string, within = namespace): Promise<boolean> {
  const [plural = '', subresource = ''] = resource.split('/');
  const isInNamespace = plural !== 'gpuaccounts';
  const answer = await cluster.raw('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'impersonate-user': user },
    body: JSON.stringify({
      ...{ apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview' },
      spec: {
        resourceAttributes: {
          ...{ group: 'gpuvm.dev', resource: plural, subresource, verb },
          ...(isInNamespace && { namespace: within }),
        },
      },
    }),
  });
  return (JSON.parse(answer) as { status: { allowed: boolean } }).status.allowed;
}

const makes = ['gpuvms', 'spotvms', 'gpupools'];
const reads = ['get', 'list', 'watch'];
const writes = ['create', 'update', 'patch', 'delete', 'deletecollection'];

/** Each verb on each resource, in words. */
function each(verbs: readonly string[], resources: readonly string[]): string[] {
  return resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`));
}

const everything = [
  ...each([...reads, ...writes], [...makes, 'gpubudgets', 'gpuaccounts']),
  ...each(['get', 'update', 'patch'], ['gpupools/scale', ...makes.map((one) => `${one}/status`)]),
  ...each(['get', 'update', 'patch'], ['gpubudgets/status', 'gpuaccounts/status']),
];

describe('of all that can be done to the resources', () => {
  const edits = [
    ...each([...reads, ...writes], makes),
    ...each(['get', 'update', 'patch'], ['gpupools/scale']),
    ...each(reads, ['gpubudgets']),
  ];
  test.each<[string, string, readonly string[]]>([
    ['who may view a namespace', 'viewer', [...each(reads, [...makes, 'gpubudgets']), 'get gpupools/scale']],
    ['who may edit a namespace', 'editer', edits],
    ['the admin of a namespace', 'adminer', edits],
    [
      'who may view all of the cluster',
      'auditor',
      [...each(reads, [...makes, 'gpubudgets', 'gpuaccounts']), 'get gpupools/scale'],
    ],
    [
      'the platform team',
      'platform',
      [...each([...reads, ...writes], ['gpubudgets', 'gpuaccounts']), ...each(reads, makes)],
    ],
    ['somebody without a role', 'stranger', []],
  ])('%s may do this and nothing else', async (_who, user, expected) => {
    const allowed: string[] = [];
    for (const deed of everything) {
      const [verb = '', resource = ''] = deed.split(' ');
      if (await may(user, verb, resource)) allowed.push(deed);
    }
    expect(allowed.sort()).toEqual([...expected].sort());
  });

  test.each(['viewer', 'editer', 'adminer'])('%s may do nothing in another namespace', async (user) => {
    for (const verb of [...reads, ...writes]) expect(await may(user, verb, 'gpuvms', elsewhere)).toBe(false);
  });
});

test('who may edit a namespace makes a pool and scales it, and is refused what is not theirs in words', async () => {
  const collection = `/apis/gpuvm.dev/v1alpha1/namespaces/${namespace}`;
  const as = (user: string): Record<string, string> => ({ 'impersonate-user': user });
  const spec = { gpu: { models: ['v100'] }, vcpus: 4, memoryGB: 16, storageGB: 100 };
  const pool = {
    ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuPool', metadata: { name: 'theirs' } },
    spec: { replicas: 0, template: { spec } },
  };
  const json = { 'content-type': 'application/json' };
  const patch = { 'content-type': 'application/merge-patch+json' };
  await cluster.raw(`${collection}/gpupools`, {
    ...{ method: 'POST', headers: { ...json, ...as('editer') }, body: JSON.stringify(pool) },
  });
  const scale = (user: string): Promise<string> =>
    cluster.raw(`${collection}/gpupools/theirs/scale`, {
      ...{ method: 'PATCH', headers: { ...patch, ...as(user) }, body: JSON.stringify({ spec: { replicas: 2 } }) },
    });
  await expect(scale('viewer')).rejects.toThrow(/User "viewer" cannot patch resource "gpupools\/scale"/);
  await scale('editer');
  const stored = await cluster.kube.get<KubeObject & { spec: object }>(gpuPoolType, { namespace, name: 'theirs' });
  expect(stored?.spec).toMatchObject({ replicas: 2 });
  const forge = cluster.raw(`${collection}/gpupools/theirs/status`, {
    ...{ method: 'PATCH', headers: { ...patch, ...as('adminer') }, body: JSON.stringify({ status: { replicas: 9 } }) },
  });
  await expect(forge).rejects.toThrow(/User "adminer" cannot patch resource "gpupools\/status"/);
  const budget = {
    ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuBudget', metadata: { name: 'mine' } },
    spec: { hard: { vms: 1000 } },
  };
  const grant = cluster.raw(`${collection}/gpubudgets`, {
    ...{ method: 'POST', headers: { ...json, ...as('adminer') }, body: JSON.stringify(budget) },
  });
  await expect(grant).rejects.toThrow(/User "adminer" cannot create resource "gpubudgets"/);
});
