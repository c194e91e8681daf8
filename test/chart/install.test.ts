import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { startControlPlane } from '../../hack/control-plane/start.ts';
import { gpuAccountType, gpuVmType } from '../../src/api/group.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import type { KubeObject, ResourceType } from '../../src/kube/contract.ts';
import { AnyObjects } from '../support/any-object.ts';
import { deploymentType, release } from '../support/chart-house.ts';
import { Cluster } from '../support/cluster.ts';
import { obtainingMs } from '../support/controller-manager.ts';
import { chartPath, Helm, manifestsIn, type Manifest, type Values } from '../support/helm.ts';

/** helm install, upgrade and uninstall, on a real API server. There are no nodes: pods never run. */

const crdType: ResourceType = {
  ...{ group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions', namespaced: false },
  kind: 'CustomResourceDefinition',
};
const clusterRoleType: ResourceType = {
  ...{
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    plural: 'clusterroles',
    kind: 'ClusterRole',
    namespaced: false,
  },
};

const tryOut: Values = { simulator: { enabled: true }, account: { create: true } };

let cluster: Cluster;
let helm: Helm;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'gpuvm-chart-'));
  cluster = Cluster.on(await startControlPlane({}));
  helm = await Helm.at(cluster.kubeconfigPath);
}, obtainingMs);

afterEach(async () => {
  await helm.close();
  await cluster.stop();
  await rm(directory, { recursive: true });
});

const place = ['--namespace', release.namespace];

/** The command of the docs. */
function install(values: Values = {}, more: readonly string[] = []): Promise<string> {
  return helm.run(['upgrade', '--install', release.name, chartPath, ...place, '--create-namespace', ...more], values);
}

function uninstall(): Promise<string> {
  return helm.run(['uninstall', release.name, ...place]);
}

async function crds(): Promise<string[]> {
  const { items } = await cluster.kube.list(crdType);
  return items.map(({ metadata }) => metadata.name).filter((name) => name.endsWith('.gpuvm.dev'));
}

/**
 * Before they are deleted: the API server cannot delete what there is of a kind that it has only just begun to serve ("storage is
 * (re)initializing"), and comes back to it in ever longer pauses, of more than a minute.
 */
async function kindsAreServed(): Promise<void> {
  for (const name of await crds()) {
    const [plural = ''] = name.split('.');
    const isServed = (): Promise<boolean> =>
      cluster.raw(`/apis/gpuvm.dev/v1alpha1/${plural}`).then(
        () => true,
        () => false,
      );
    await expect.poll(isServed, { timeout: hangingMs, interval: 100 }).toBe(true);
  }
}

/** Less than a test may take, so that it is said what is left. */
const hangingMs = 100_000;

/**
 * Kinds that are deleted are there for a while yet: where the deletion of what is left of them cannot begin, the API server
 * comes back to it in ever longer pauses. Only a hanging one is an error, which then says what it waits for.
 */
async function kindsAreGone(): Promise<void> {
  const left = async (): Promise<unknown[]> => {
    const { items } = await cluster.kube.list<CustomObject>(crdType);
    return items
      .filter(({ metadata }) => metadata.name.endsWith('.gpuvm.dev'))
      .map(({ metadata: { name, finalizers }, status }) => ({ name, finalizers, status }));
  };
  await expect.poll(left, { timeout: hangingMs, interval: 200 }).toEqual([]);
}

async function has(type: ResourceType, name: string, namespace?: string): Promise<boolean> {
  return (await cluster.kube.get(type, { name, ...(namespace === undefined ? {} : { namespace }) })) !== undefined;
}

const vm = {
  ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', metadata: { name: 'trainer', namespace: 'default' } },
  spec: {
    gpu: { models: ['v100-pcie-16gb'] },
    vcpus: 4,
    memoryGB: 16,
    storageGB: 100,
    operatingSystem: 'Ubuntu 24.04 LTS',
  },
};

describe('a new cluster', () => {
  test('is told what to do next, and has the account after the same command once more', async () => {
    const first = await install(tryOut);
    expect(first).toContain('helm upgrade gpuvm-operator CHART --namespace gpuvm-system --reset-then-reuse-values');
    expect(await crds()).toHaveLength(5);
    const second = await install(tryOut);
    expect(second).not.toContain('reuse-values');
    const account = await cluster.kube.get<CustomObject>(gpuAccountType, { name: 'default' });
    expect(account?.spec).toMatchObject({
      endpoint: 'http://gpuvm-operator-simulator.gpuvm-system.svc:18080/api/v0',
      credentialsSecretRef: { namespace: 'gpuvm-system', name: 'gpuvm-operator-simulator' },
    });
  });

  test('is told how to make an account and a VM, by commands that a shell and an API server take as they stand', async () => {
    const notes = await install({ simulator: { enabled: true } });
    const commands = [...notes.matchAll(/^ *kubectl apply -f - <<END$.*?^END$/gms)];
    const applied: Manifest[] = [];
    for (const [command] of commands) {
      const { stdout } = await promisify(execFile)('sh', ['-c', command.replace('kubectl apply -f -', 'cat')]);
      applied.push(...manifestsIn(stdout));
    }
    expect(applied.map(({ kind }) => kind)).toEqual(['GpuAccount', 'GpuVm']);
    const objects = new AnyObjects(cluster);
    for (const one of applied) await objects.tryApply(one);
    await objects.apply(applied[0]!);
    expect(await has(gpuAccountType, 'default')).toBe(true);
    const [, patch = ''] = /kubectl patch gpuaccount default --type merge --patch '(.*)'/.exec(notes) ?? [];
    const { spec } = JSON.parse(patch) as { readonly spec: object };
    await objects.tryApply({ ...applied[0]!, spec: { ...(applied[0]!['spec'] as object), ...spec } });
  });

  test('is told who may rent, unless the account says it, and what stays when the chart goes', async () => {
    const pair = { apiKey: 'k', apiToken: 't' };
    const account = { create: true, name: 'research', credentials: pair };
    const open = await install({ account });
    expect(open).toMatch(/serves every namespace: whoever has the role "edit"/);
    expect(open).toContain('accountName: research');
    expect(open).toContain('kubectl --namespace gpuvm-system delete secret gpuvm-operator-account');
    const spec = { allowedNamespaces: { matchLabels: { gpu: 'allowed' } } };
    expect(await install({ account: { ...account, spec } })).not.toContain('serves every namespace');
  });

  test('is told of no file that only a checkout has', async () => {
    expect(await install({})).not.toMatch(/\b(?:deploy|docs|charts|crds|bin)\//);
  });
});

describe('an upgrade', () => {
  /** The chart as an older release of it may have been: its GpuVms have one field less. */
  async function olderChart(): Promise<string> {
    const older = path.join(directory, 'older');
    await cp(chartPath, older, { recursive: true });
    const file = path.join(older, 'templates', 'crds', 'gpuvms.yaml');
    const crd = await readFile(file, 'utf8');
    const without = crd.replace('operatingSystem:', 'formerOperatingSystem:');
    expect(without).not.toBe(crd);
    await writeFile(file, without);
    return older;
  }

  test('brings the CRDs up to date, and leaves what is there', async () => {
    const system = async (name: string): Promise<unknown> => {
      const found = await cluster.kube.get<CustomObject>(gpuVmType, { namespace: 'default', name });
      return (found?.spec as { operatingSystem?: string } | undefined)?.operatingSystem;
    };
    await helm.run(['install', release.name, await olderChart(), ...place, '--create-namespace']);
    await cluster.kube.create(gpuVmType, vm);
    expect(await system('trainer')).toBeUndefined();

    await install({ replicas: 3 });
    expect(await has(gpuVmType, 'trainer', 'default')).toBe(true);
    await cluster.kube.create(gpuVmType, { ...vm, metadata: { ...vm.metadata, name: 'second' } });
    expect(await system('second')).toBe('Ubuntu 24.04 LTS');
    const deployment = await cluster.kube.get<KubeObject & { spec: object }>(deploymentType, release);
    expect(deployment?.spec).toMatchObject({ replicas: 3 });
  });

  test('that no longer installs the kinds deletes those that it was not to keep, unless it is to keep them first', async () => {
    await install({ crds: { keep: false } });
    await install({ crds: { keep: true } });
    await install({ crds: { install: false } });
    expect(await crds()).toHaveLength(5);
    await install({ crds: { keep: false } });
    await kindsAreServed();
    await install({ crds: { install: false, keep: false } });
    await kindsAreGone();
  });

  test('that was a mistake is rolled back', async () => {
    await install({ replicas: 3 });
    await install({ replicas: 0 });
    await helm.run(['rollback', release.name, ...place]);
    const deployment = await cluster.kube.get<KubeObject & { spec: object }>(deploymentType, release);
    expect(deployment?.spec).toMatchObject({ replicas: 3 });
  });
});

describe('after helm uninstall', () => {
  test('the kinds, the VMs and the account are as they were, and the next install has them again', async () => {
    await install(tryOut);
    await install(tryOut);
    await cluster.kube.create(gpuVmType, vm);
    const said = await uninstall();
    expect(said).toContain('[CustomResourceDefinition] gpuvms.gpuvm.dev');
    expect(said).toContain('[GpuAccount] default');
    expect(await crds()).toHaveLength(5);
    expect(await has(gpuVmType, 'trainer', 'default')).toBe(true);
    expect(await has(gpuAccountType, 'default')).toBe(true);
    expect(await has(deploymentType, release.name, release.namespace)).toBe(false);
    expect(await has(clusterRoleType, release.name)).toBe(false);

    await install(tryOut);
    expect(await has(deploymentType, release.name, release.namespace)).toBe(true);
  });

  test('the kinds are gone where that was asked for', async () => {
    await install({ crds: { keep: false } });
    await kindsAreServed();
    await uninstall();
    await kindsAreGone();
  });
});

test('what kubectl has installed is taken over by helm when it is told to', async () => {
  const objects = new AnyObjects(cluster);
  const text = await readFile(path.join(chartPath, '..', '..', 'deploy', 'install.yaml'), 'utf8');
  for (const manifest of manifestsIn(text)) await objects.apply(manifest);
  await expect(install()).rejects.toThrow(/invalid ownership metadata/);
  // Another manager owns the fields, and this one has another value.
  await expect(install({ replicas: 3 }, ['--take-ownership'])).rejects.toThrow(/conflict/);
  await install({ replicas: 3 }, ['--take-ownership', '--force-conflicts']);
  await uninstall();
  expect(await crds()).toHaveLength(5);
  expect(await has(deploymentType, release.name, release.namespace)).toBe(false);
});
