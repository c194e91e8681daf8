import { afterAll, beforeAll, expect, test } from 'vitest';

import { startControlPlane } from '../../hack/control-plane/start.ts';
import { helmTest, installChart, operatorOfChart, quickValues } from '../support/chart-house.ts';
import { Cluster } from '../support/cluster.ts';
import { obtainingMs } from '../support/controller-manager.ts';
import type { Values } from '../support/helm.ts';
import type { OperatorProcess } from '../support/operator-process.ts';
import { Organization } from '../support/organization.ts';
import { until } from '../support/until.ts';

/** What `helm test` says, of a cluster without an account and of one that has it. surroundings.test.ts has it in a company's network. */

let cluster: Cluster;
let operator: OperatorProcess;
let organization: Organization | undefined;
let values: Values;

beforeAll(async () => {
  cluster = Cluster.on(await startControlPlane({}));
  values = await quickValues();
  await installChart(cluster, values);
  operator = (await operatorOfChart(cluster, cluster.kubeconfigPath))();
  await operator.started;
}, obtainingMs);

afterAll(async () => {
  await operator.stop();
  await organization?.simulator.close();
  await cluster.stop();
});

test('fails while there is no account, and says how to make one', async () => {
  const { code, stdout } = await helmTest(cluster, values);
  expect(code).toBe(6);
  expect(stdout).toMatch(/FAILED +accounts +there is no GpuAccount/);
  expect(stdout).toMatch(/ok +CRDs +5 kinds, as in this release/);
});

test('succeeds once the operator has found the account in order', async () => {
  organization = await Organization.found(cluster);
  await until('the account is Ready', async () => (await organization?.accountCondition('Ready'))?.status === 'True');
  const { code, stdout } = await helmTest(cluster, values);
  expect(stdout).toMatch(new RegExp(`ok +operator, for account ${organization.account}`));
  expect(stdout).toMatch(/takes the credentials/);
  expect(code).toBe(0);
});
