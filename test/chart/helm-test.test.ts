import { afterAll, beforeAll, expect, test } from 'vitest';

import { startControlPlane } from '../../hack/control-plane/start.ts';
import { installChart, operatorOfChart, quickValues, release } from '../support/chart-house.ts';
import { Cli, type CliEnd } from '../support/cli.ts';
import { Cluster } from '../support/cluster.ts';
import { obtainingMs } from '../support/controller-manager.ts';
import { Helm } from '../support/helm.ts';
import type { OperatorProcess } from '../support/operator-process.ts';
import { Organization } from '../support/organization.ts';
import { until } from '../support/until.ts';
import { kubeconfigOf } from '../support/user.ts';

/** What `helm test` runs, as a kubelet would start it: in no pod, since there are no nodes, but with the rights of its pod. */

interface TestPod {
  readonly serviceAccountName: string;
  readonly containers: readonly { readonly args: readonly string[] }[];
}

let cluster: Cluster;
let operator: OperatorProcess;
let organization: Organization | undefined;
let pod: TestPod;

beforeAll(async () => {
  cluster = Cluster.on(await startControlPlane({}));
  const values = await quickValues();
  await installChart(cluster, values);
  operator = (await operatorOfChart(cluster, cluster.kubeconfigPath))();
  await operator.started;
  const helm = await Helm.at();
  const manifests = await helm.template({ ...values, fullnameOverride: release.name });
  pod = manifests.find(({ kind }) => kind === 'Pod')?.['spec'] as TestPod;
  await helm.close();
}, obtainingMs);

afterAll(async () => {
  await operator.stop();
  await organization?.simulator.close();
  await cluster.stop();
});

async function helmTest(): Promise<CliEnd> {
  const { namespace } = release;
  const serviceAccount = { namespace, name: pod.serviceAccountName };
  const kubeconfig = await kubeconfigOf(cluster, serviceAccount, cluster.kubeconfigPath);
  return new Cli(kubeconfig, namespace).run(pod.containers[0]?.args ?? []);
}

test('fails while there is no account, and says how to make one', async () => {
  const { code, stdout } = await helmTest();
  expect(code).toBe(6);
  expect(stdout).toMatch(/FAILED +accounts +there is no GpuAccount/);
  expect(stdout).toMatch(/ok +CRDs +5 kinds, as in this release/);
});

test('succeeds once the operator has found the account in order', async () => {
  organization = await Organization.found(cluster);
  await until('the account is Ready', async () => (await organization?.accountCondition('Ready'))?.status === 'True');
  const { code, stdout } = await helmTest();
  expect(stdout).toMatch(new RegExp(`ok +operator, for account ${organization.account}`));
  expect(stdout).toMatch(/takes the credentials/);
  expect(code).toBe(0);
});
