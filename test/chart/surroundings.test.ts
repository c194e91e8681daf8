import { afterEach, beforeEach, expect, test } from 'vitest';

import { startControlPlane } from '../../hack/control-plane/start.ts';
import { gpuVmType } from '../../src/api/group.ts';
import { ConnectProxy } from '../../src/provider/tensordock/testing/connect-proxy.ts';
import { helmTest, installChart, operatorOfChart, quickValues, release } from '../support/chart-house.ts';
import { Cluster } from '../support/cluster.ts';
import { obtainingMs } from '../support/controller-manager.ts';
import type { OperatorProcess } from '../support/operator-process.ts';
import { Organization } from '../support/organization.ts';
import { TlsFront } from '../support/tls-front.ts';
import { until } from '../support/until.ts';
import { VmHandle } from '../support/vm-handle.ts';

/** A company's network: the provider is reached through a proxy, and what ends TLS on the way has a certificate of the company's. */

let cluster: Cluster;
let proxy: ConnectProxy;
let front: TlsFront;
let organization: Organization;
let operator: OperatorProcess | undefined;

beforeEach(async () => {
  cluster = Cluster.on(await startControlPlane({}));
  proxy = await ConnectProxy.start();
  await cluster.raw('/api/v1/namespaces', {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
    body: JSON.stringify({ metadata: { name: release.namespace } }),
  });
}, obtainingMs);

afterEach(async () => {
  await operator?.stop();
  await organization.simulator.close();
  front.close();
  await proxy.close();
  await cluster.stop();
});

/** An organization that the operator reaches by TLS alone. */
async function found(): Promise<Organization> {
  return Organization.found(cluster, {
    ...{ hosts: 7, bootDelayMs: 200 },
    endpoint: async (url) => {
      front = await TlsFront.before(url);
      return `https://${front.host}/api/v0`;
    },
  });
}

test('the values customCA and flags.provider-proxy get the operator through, and helm test as well, and no call goes another way', async () => {
  const { host, port } = proxy.address;
  const values = await quickValues({ 'provider-proxy': `http://${host}:${port}` });
  await installChart(cluster, values);
  organization = await found();
  await cluster.createConfigMap(release.namespace, 'authorities', { 'ca.crt': front.authority });

  operator = (await operatorOfChart(cluster, cluster.kubeconfigPath))();
  const distrusted = await until('the account says why it is not Ready', async () => {
    const condition = await organization.accountCondition('Ready');
    return condition?.message.includes('certificate') === true && condition;
  });
  expect(distrusted.message).toContain('is not trusted');
  expect(await organization.requests()).toEqual([]);
  await operator.stop();
  const doubting = await helmTest(cluster, values);
  expect(doubting.stdout.replaceAll(/\s+/g, ' ')).toMatch(/FAILED provider, for .* is not trusted/);

  const trusting = { ...values, customCA: { configMap: 'authorities' } };
  await installChart(cluster, trusting);
  operator = (await operatorOfChart(cluster, cluster.kubeconfigPath))();
  await cluster.kube.create(gpuVmType, {
    ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm' },
    metadata: { name: 'trainer', namespace: organization.namespace },
    spec: {
      ...{ accountName: organization.account, gpu: { models: ['v100-pcie-16gb'] } },
      ...{ vcpus: 4, memoryGB: 16, storageGB: 100 },
    },
  });
  const vm = new VmHandle(cluster, organization.namespace, 'trainer');
  await vm.untilReady();
  await vm.delete();
  await operator.stop();

  const askedBefore = proxy.asked.length;
  const { code, stdout } = await helmTest(cluster, trusting);
  expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/ok provider, for .* takes the credentials/);
  expect(code).toBe(0);
  expect(proxy.asked.length).toBeGreaterThan(askedBefore);
  expect(new Set(proxy.asked)).toEqual(new Set([front.host]));
});

test('a proxy that is not there is told of at the account', async () => {
  const { host, port } = proxy.address;
  await proxy.close();
  await installChart(cluster, await quickValues({ 'provider-proxy': `http://${host}:${port}` }));
  organization = await found();
  operator = (await operatorOfChart(cluster, cluster.kubeconfigPath))();
  const condition = await until('the account says so', async () => {
    const ready = await organization.accountCondition('Ready');
    return ready?.message.includes('proxy') === true && ready;
  });
  expect(condition.message).toContain('the proxy cannot be reached (ECONNREFUSED)');
  proxy = await ConnectProxy.start();
});
