import { afterEach, beforeEach, expect, test } from 'vitest';

import { startControlPlane } from '../../hack/control-plane/start.ts';
import { gpuAccountType, gpuVmType } from '../../src/api/group.ts';
import { namespaceType } from '../../src/controllers/objects.ts';
import type { KubeObject, ResourceType } from '../../src/kube/contract.ts';
import { installChart, operatorOfChart, quickValues, uninstallChart } from '../support/chart-house.ts';
import { Cluster } from '../support/cluster.ts';
import { ControllerManager, obtainingMs } from '../support/controller-manager.ts';
import type { Values } from '../support/helm.ts';
import type { OperatorProcess } from '../support/operator-process.ts';
import { Organization } from '../support/organization.ts';
import { until } from '../support/until.ts';
import { VmHandle } from '../support/vm-handle.ts';

/** What happens to VMs when things are taken away in the wrong order, and the way back: docs/install.md. */

const crdType: ResourceType = {
  ...{ group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions', namespaced: false },
  kind: 'CustomResourceDefinition',
};

let cluster: Cluster;
let manager: ControllerManager;
let values: Values;
let operator: OperatorProcess | undefined;
/** Whoever pays. The credentials are in a namespace of its own, as they should be. */
let organization: Organization;
/** Where the VMs are. */
let namespace: string;

beforeEach(async () => {
  cluster = Cluster.on(await startControlPlane({}));
  manager = await ControllerManager.start(cluster.kubeconfigPath);
  values = await quickValues();
  await install();
  organization = await Organization.found(cluster, { hosts: 7, bootDelayMs: 200, deleteDelayMs: 200 });
  namespace = await cluster.createNamespace('work');
}, obtainingMs);

afterEach(async () => {
  await operator?.stop();
  operator = undefined;
  await organization.simulator.close();
  await manager.stop();
  await cluster.stop();
});

/** The command of the docs, and the pod that follows from it. */
async function install(): Promise<void> {
  await installChart(cluster, values);
  operator ??= (await operatorOfChart(cluster, cluster.kubeconfigPath))();
  await operator.started;
}

/** As a cluster does it: the pods end with their Deployment. */
async function uninstall(): Promise<void> {
  await uninstallChart(cluster);
  await operator?.stop();
  operator = undefined;
}

async function rent(name: string): Promise<VmHandle> {
  await cluster.kube.create(gpuVmType, {
    ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', metadata: { name, namespace } },
    spec: {
      ...{ accountName: organization.account, gpu: { models: ['v100-pcie-16gb'] } },
      ...{ vcpus: 4, memoryGB: 16, storageGB: 100 },
    },
  });
  const vm = new VmHandle(cluster, namespace, name);
  await vm.untilReady();
  return vm;
}

async function vmsAtProvider(): Promise<number> {
  return (await organization.state()).vms.length;
}

interface WithConditions extends KubeObject {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

async function untilTrue(type: ResourceType, name: string, condition: string): Promise<void> {
  const look = async (): Promise<WithConditions | undefined> => cluster.kube.get<WithConditions>(type, { name });
  await until(
    `${type.kind} ${name} is ${condition}`,
    async () =>
      (await look())?.status?.conditions?.some(({ type: is, status }) => is === condition && status === 'True'),
    async () => (await look())?.status,
  );
}

async function crds(): Promise<string[]> {
  const { items } = await cluster.kube.list(crdType);
  return items.map(({ metadata }) => metadata.name).filter((name) => name.endsWith('.gpuvm.dev'));
}

test('without an operator a deleted namespace waits for its VMs, which the next operator deletes', async () => {
  const vm = await rent('trainer');
  await uninstall();
  await cluster.kube.delete(namespaceType, { name: namespace });
  await untilTrue(namespaceType, namespace, 'NamespaceFinalizersRemaining');
  expect((await vm.object())?.metadata.deletionTimestamp).toBeDefined();
  expect(await vmsAtProvider()).toBe(1);

  await install();
  await until(
    'the namespace is gone',
    async () => (await cluster.kube.get(namespaceType, { name: namespace })) === undefined,
  );
  expect(await vmsAtProvider()).toBe(0);
});

test('CRDs that are deleted without an operator wait for the VMs, which the next one deletes; then the kinds come back', async () => {
  const vm = await rent('trainer');
  await uninstall();
  for (const name of await crds()) await cluster.kube.delete(crdType, { name });
  await untilTrue(crdType, 'gpuvms.gpuvm.dev', 'Terminating');
  await until('the VM is asked to go', async () => (await vm.object())?.metadata.deletionTimestamp !== undefined);
  expect(await vmsAtProvider()).toBe(1);

  await install();
  // Kinds that had no objects were gone before, and have come back with this.
  const waiting = ['gpuaccounts.gpuvm.dev', 'gpuvms.gpuvm.dev'];
  await until('the old ones are gone', async () => !(await crds()).some((name) => waiting.includes(name)), crds);
  expect(await vmsAtProvider()).toBe(0);

  await install();
  expect(await crds()).toHaveLength(5);
  expect(await cluster.kube.get(gpuAccountType, { name: organization.account })).toBeUndefined();
  await organization.makeAccount();
  const next = await rent('next');
  await next.delete();
  expect(await vmsAtProvider()).toBe(0);
});

test('CRDs that are deleted while the operator runs take the VMs with them', async () => {
  await rent('trainer');
  for (const name of await crds()) await cluster.kube.delete(crdType, { name });
  await until('the kinds are gone', async () => (await crds()).length === 0, crds);
  expect(await vmsAtProvider()).toBe(0);
  await uninstall();
});
