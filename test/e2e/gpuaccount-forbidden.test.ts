import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { Cluster } from '../support/cluster.ts';
import { OperatorProcess } from '../support/operator-process.ts';
import { Organization } from '../support/organization.ts';
import { until } from '../support/until.ts';
import { allowIn, kubeconfigWith } from '../support/user.ts';

/** An operator that may do all that it needs but read the Secret that a GpuAccount names. */

const secretsButGet = {
  apiGroups: [''],
  resources: ['secrets'],
  verbs: ['list', 'watch', 'create', 'patch', 'delete'],
};
const everythingElse = [
  { apiGroups: ['gpuvm.dev'], resources: ['*'], verbs: ['*'] },
  { apiGroups: ['events.k8s.io'], resources: ['events'], verbs: ['*'] },
  { apiGroups: [''], resources: ['configmaps'], verbs: ['get'] },
  { apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: [''], resources: ['services'], verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'] },
  {
    apiGroups: ['discovery.k8s.io'],
    resources: ['endpointslices'],
    verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'],
  },
];

let cluster: Cluster;
let team: Organization;
let operator: OperatorProcess;
let kubeconfig: string;
const serviceAccount = { namespace: 'default', name: 'gpuvm-operator' };

beforeAll(async () => {
  cluster = await Cluster.start();
  team = await Organization.found(cluster);
  kubeconfig = await kubeconfigWith(cluster, serviceAccount, [secretsButGet, ...everythingElse]);
  operator = new OperatorProcess(kubeconfig);
  await operator.started;
});

afterAll(async () => {
  await operator.stop();
  await team.simulator.close();
  await rm(path.dirname(kubeconfig), { recursive: true, force: true });
  await cluster.stop();
});

test('the account says which verb on which resource in which namespace is lacking, and is ready once it is allowed', async () => {
  const ready = await until('the account says what is the matter', async () => {
    const condition = await team.accountCondition('Ready');
    return condition?.reason === 'CredentialsSecretForbidden' ? condition : undefined;
  });
  expect(ready.status).toBe('False');
  expect(ready.message).toContain(
    `may not read Secret "tensordock" in namespace "${team.namespace}": allow it the verb get on the resource secrets in namespace "${team.namespace}"`,
  );
  expect(ready.message).toContain('User "system:serviceaccount:default:gpuvm-operator" cannot get resource "secrets"');
  expect(await team.requests()).toEqual([]);

  const verb = { apiGroups: [''], resources: ['secrets'], resourceNames: ['tensordock'], verbs: ['get'] };
  await allowIn(cluster, team.namespace, serviceAccount, [verb]);
  await until('the account is ready', async () => (await team.accountCondition('Ready'))?.status === 'True');
  expect(operator.lines.filter(({ level }) => level === 'error')).toEqual([]);
});
