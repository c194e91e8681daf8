import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';

import { KubeClient } from '../../src/kube/client.ts';
import type { ResourceType } from '../../src/kube/contract.ts';
import { connectionFrom } from '../../src/kube/kube-config.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Cluster } from './cluster.ts';

/** One rule of an RBAC Role. */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1', namespaced: true } as const;
const roleType: ResourceType = { ...rbac, plural: 'roles', kind: 'Role' };
const roleBindingType: ResourceType = { ...rbac, plural: 'rolebindings', kind: 'RoleBinding' };
const clusterRoleType: ResourceType = { ...rbac, plural: 'clusterroles', kind: 'ClusterRole', namespaced: false };
const clusterRoleBindingType: ResourceType = {
  ...rbac,
  plural: 'clusterrolebindings',
  kind: 'ClusterRoleBinding',
  namespaced: false,
};
const serviceAccountType: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
  namespaced: true,
};

/** Somebody who may do in one namespace what a Role says and nothing else, with a token that the API server has issued. */
export async function userWith(cluster: Cluster, namespace: string, rules: readonly PolicyRule[]): Promise<KubeClient> {
  const metadata = { namespace, name: 'user' };
  await cluster.kube.create(serviceAccountType, { apiVersion: 'v1', kind: serviceAccountType.kind, metadata });
  await allowIn(cluster, namespace, metadata, rules);
  const token = await tokenOf(cluster, metadata);
  const connection = connectionFrom({ kubeconfigPath: cluster.kubeconfigPath });
  const { ca } = (await connection.identify()).tls;
  return new KubeClient({
    connection: {
      server: connection.server,
      identify: () =>
        Promise.resolve({ headers: { authorization: `Bearer ${token}` }, tls: ca === undefined ? {} : { ca } }),
    },
    clock: systemClock,
    random: Math.random,
    userAgent: 'gpuvm-operator/test',
    fieldManager: 'user',
  });
}

/** Writes a kubeconfig of a new ServiceAccount that may do in all namespaces what the rules say. Gives its path. */
export async function kubeconfigWith(
  cluster: Cluster,
  serviceAccount: { readonly namespace: string; readonly name: string },
  rules: readonly PolicyRule[],
): Promise<string> {
  const metadata = { name: `${serviceAccount.namespace}-${serviceAccount.name}` };
  const apiVersion = `${rbac.group}/v1`;
  const { kube } = cluster;
  await kube.create(serviceAccountType, {
    ...{ apiVersion: 'v1', kind: serviceAccountType.kind, metadata: serviceAccount },
  });
  await kube.create(clusterRoleType, { apiVersion, kind: clusterRoleType.kind, metadata, rules });
  await kube.create(clusterRoleBindingType, {
    ...{ apiVersion, kind: clusterRoleBindingType.kind, metadata },
    roleRef: { apiGroup: rbac.group, kind: clusterRoleType.kind, name: metadata.name },
    subjects: [{ kind: serviceAccountType.kind, ...serviceAccount }],
  });
  return kubeconfigOf(cluster, serviceAccount, cluster.kubeconfigPath);
}

/** Writes a kubeconfig as the given one, but of a ServiceAccount that is there, with a token for it. Gives its path. */
export async function kubeconfigOf(
  cluster: Cluster,
  serviceAccount: { readonly namespace: string; readonly name: string },
  like: string,
): Promise<string> {
  const kubeconfig = parse(await readFile(like, 'utf8')) as { users: { user: object }[] };
  const token = await tokenOf(cluster, serviceAccount);
  for (const one of kubeconfig.users) one.user = { token };
  const file = path.join(await mkdtemp(path.join(os.tmpdir(), 'gpuvm-user-')), 'kubeconfig');
  await writeFile(file, stringify(kubeconfig), { mode: 0o600 });
  return file;
}

/** Adds to what the ServiceAccount may do in one namespace. */
export async function allowIn(
  cluster: Cluster,
  namespace: string,
  serviceAccount: { readonly namespace: string; readonly name: string },
  rules: readonly PolicyRule[],
): Promise<void> {
  const metadata = { namespace, name: serviceAccount.name };
  const apiVersion = `${rbac.group}/v1`;
  await cluster.kube.create(roleType, { apiVersion, kind: roleType.kind, metadata, rules });
  await cluster.kube.create(roleBindingType, {
    ...{ apiVersion, kind: roleBindingType.kind, metadata },
    roleRef: { apiGroup: rbac.group, kind: roleType.kind, name: metadata.name },
    subjects: [{ kind: serviceAccountType.kind, ...serviceAccount }],
  });
}

async function tokenOf(cluster: Cluster, { namespace, name }: { namespace: string; name: string }): Promise<string> {
  const answer = await cluster.raw(`/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }),
  });
  return (JSON.parse(answer) as { status: { token: string } }).status.token;
}
