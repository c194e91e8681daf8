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
  const roleRef = { apiGroup: rbac.group, kind: roleType.kind, name: metadata.name };
  const subjects = [{ kind: serviceAccountType.kind, ...metadata }];
  await cluster.kube.create(serviceAccountType, { apiVersion: 'v1', kind: serviceAccountType.kind, metadata });
  await cluster.kube.create(roleType, { apiVersion: `${rbac.group}/v1`, kind: roleType.kind, metadata, rules });
  await cluster.kube.create(roleBindingType, {
    ...{ apiVersion: `${rbac.group}/v1`, kind: roleBindingType.kind, metadata },
    ...{ roleRef, subjects },
  });
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

async function tokenOf(cluster: Cluster, { namespace, name }: { namespace: string; name: string }): Promise<string> {
  const answer = await cluster.raw(`/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }),
  });
  return (JSON.parse(answer) as { status: { token: string } }).status.token;
}
