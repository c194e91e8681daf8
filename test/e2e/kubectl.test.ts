import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { obtainingMs } from '../support/controller-manager.ts';
import { manifestsIn, type Manifest } from '../support/helm.ts';
import { Kubectl } from '../support/kubectl.ts';
import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';

/** What users type, by the real kubectl on a real API server. */

const deploy = fileURLToPath(new URL('../../deploy', import.meta.url));
const quick = { bootDelayMs: 200, stopDelayMs: 200, deleteDelayMs: 200 };
const vmSpec = { gpu: { models: ['v100-pcie-16gb', 'rtxa4000-pcie-16gb'] }, vcpus: 4, memoryGB: 16, storageGB: 100 };

let stage: Stage;
let kubectl: Kubectl;
let team: Organization;

beforeAll(async () => {
  stage = await Stage.set();
  kubectl = await Kubectl.at(stage.cluster.kubeconfigPath);
  team = await stage.organization({ ...quick, hosts: 20 });
}, obtainingMs);

afterAll(async () => {
  await kubectl.close();
  await stage.strike();
});

const inNamespace = (...args: readonly string[]): readonly string[] => ['--namespace', team.namespace, ...args];

function manifest(kind: string, name: string, spec: object): object {
  return { apiVersion: 'gpuvm.dev/v1alpha1', kind, metadata: { name }, spec };
}

function byName(manifests: readonly Manifest[]): Map<string, Manifest> {
  return new Map(manifests.map((one) => [`${one.kind} ${one.metadata.namespace ?? ''}/${one.metadata.name}`, one]));
}

describe('deploy/ as a part of somebody else’s Kustomize', () => {
  test('has all of install.yaml, as it is there', async () => {
    const built = byName(manifestsIn(await kubectl.run(['kustomize', deploy])));
    const given = byName(manifestsIn(await readFile(path.join(deploy, 'install.yaml'), 'utf8')));
    expect([...built.keys()].sort()).toEqual([...given.keys()].sort());
    for (const [name, object] of given) expect(built.get(name), name).toEqual(object);
  });

  test('takes its image from elsewhere where that is said', async () => {
    const overlay = await mkdtemp(path.join(os.tmpdir(), 'gpuvm-overlay-'));
    const images = [{ name: 'ghcr.io/gpuvm-dev/gpuvm-operator', newName: 'registry.example/gpuvm', newTag: '7' }];
    const resources = [path.relative(overlay, deploy)];
    await writeFile(path.join(overlay, 'kustomization.yaml'), JSON.stringify({ resources, images }));
    try {
      const built = manifestsIn(await kubectl.run(['kustomize', overlay]));
      const deployments = built.filter(({ kind }) => kind === 'Deployment');
      expect(JSON.stringify(deployments)).toContain('"image":"registry.example/gpuvm:7"');
      expect(JSON.stringify(built)).not.toContain('ghcr.io/gpuvm-dev');
    } finally {
      await rm(overlay, { recursive: true });
    }
  });

  test('is applied as it is written there, and the second time there is nothing to do', async () => {
    const apply = ['apply', '--server-side', '--force-conflicts', '-k', deploy, '-o', 'json'];
    // The API server says of a kind that it serves it, in the status, a moment after it was applied.
    const versions = async (): Promise<string[]> => {
      const { items } = JSON.parse(await kubectl.run(apply)) as { readonly items: readonly Manifest[] };
      const settled = items.filter(({ kind }) => kind !== 'CustomResourceDefinition');
      return settled.map(({ kind, metadata }) => `${kind} ${metadata.name} ${metadata.resourceVersion}`);
    };
    const first = await versions();
    expect(first.some((line) => line.startsWith('Deployment gpuvm-operator '))).toBe(true);
    expect(await versions()).toEqual(first);
  });
});

test('a VM from apply to delete: wait, get, describe, patch, explain', async () => {
  const spec = { accountName: team.account, ...vmSpec, maxHourlyPrice: '1.00' };
  const applied = await kubectl.run(inNamespace('apply', '-f', '-'), manifest('GpuVm', 'trainer', spec));
  expect(applied).toBe('gpuvm.gpuvm.dev/trainer created\n');
  await kubectl.run(inNamespace('wait', '--for=condition=Ready', 'gpuvm/trainer', '--timeout=60s'));
  const [header = '', row = ''] = (await kubectl.run(inNamespace('get', 'gpuvms'))).split('\n');
  expect(header.split(/\s{2,}/)).toEqual(expect.arrayContaining(['NAME', 'READY', 'STATUS', 'ADDRESS', '$/H', 'AGE']));
  expect(row).toMatch(/^trainer +True +Running /);
  expect(await kubectl.run(inNamespace('describe', 'gpuvm', 'trainer'))).toMatch(/Events:[^]*Normal +\w+/);
  const hosts = await kubectl.run(
    inNamespace('get', 'secret', 'trainer-connection', '-o', 'go-template={{.data.ssh_config | base64decode}}'),
  );
  expect(hosts).toMatch(/^Host trainer\n/m);

  const released = ['--type=merge', '-p', JSON.stringify({ spec: { powerState: 'Released' } })];
  await kubectl.run(inNamespace('patch', 'gpuvm', 'trainer', ...released));
  const reason = '--for=jsonpath={.status.conditions[?(@.type=="Ready")].reason}=Released';
  await kubectl.run(inNamespace('wait', reason, 'gpuvm/trainer', '--timeout=60s'));
  expect(await kubectl.run(['explain', 'gpuvm.spec.maxHourlyPrice'])).toMatch(/DESCRIPTION:\n +\S/);

  await kubectl.run(inNamespace('delete', 'gpuvm', 'trainer', '--timeout=60s'));
  expect((await team.state()).vms).toEqual([]);
});

test('a spec that cannot be is refused in words, at once', async () => {
  const apply = (spec: object): Promise<string> =>
    kubectl.run(inNamespace('apply', '-f', '-'), manifest('GpuVm', 'wrong', { accountName: team.account, ...spec }));
  await expect(apply({ ...vmSpec, vcpu: 4 })).rejects.toThrow('unknown field "spec.vcpu"');
  await expect(apply({ ...vmSpec, maxHourlyPrice: 'a dollar' })).rejects.toThrow(/spec\.maxHourlyPrice: .*dollars/);
});

test('a pool follows kubectl scale, and goes with all that it has', async () => {
  const template = { spec: { accountName: team.account, ...vmSpec } };
  await kubectl.run(inNamespace('apply', '-f', '-'), manifest('GpuPool', 'team', { replicas: 0, template }));
  for (const replicas of [5, 2]) {
    await kubectl.run(inNamespace('scale', 'gpupool', 'team', `--replicas=${String(replicas)}`));
    const ready = `--for=jsonpath={.status.readyReplicas}=${String(replicas)}`;
    await kubectl.run(inNamespace('wait', ready, 'gpupool/team', '--timeout=120s'));
  }
  expect(await kubectl.run(inNamespace('get', 'gpupools'))).toMatch(/^team +2 +2 +2 +2 +2 /m);
  await kubectl.run(inNamespace('delete', 'gpupool', 'team', '--timeout=120s'));
  expect(await kubectl.run(inNamespace('get', 'gpuvms', '-o', 'name'))).toBe('');
  expect((await team.state()).vms).toEqual([]);
});

test('what an uninstall would leave behind is listed before, and goes with the rest once it is told to', async () => {
  const [own, bidder, plain] = await Promise.all([
    stage.create(team, 'imported', { deletionPolicy: 'Retain' }),
    stage.createSpot(team, 'bidder', { deletionPolicy: 'Retain' }),
    stage.create(team, 'plain'),
  ]);
  for (const vm of [own, bidder, plain]) await vm.untilReady();
  const texts = await Promise.all(
    ['docs/install.md', 'docs/operations.md', 'charts/gpuvm-operator/templates/NOTES.txt'].map((file) =>
      readFile(path.join(deploy, '..', file), 'utf8'),
    ),
  );
  const commands = texts.map(
    (text) => /kubectl get gpuvms,spotvms --all-namespaces -o jsonpath='([^']*)'$/m.exec(text)?.[1] ?? '',
  );
  const [template = ''] = commands;
  expect(commands).toEqual([template, template, template]);
  const retained = (): Promise<string> =>
    kubectl.run(['get', 'gpuvms,spotvms', '--all-namespaces', '-o', `jsonpath=${template}`]);
  expect(await retained()).toBe(
    `GpuVm ${team.namespace}/imported: VM ${await own.vmId()}\nSpotVm ${team.namespace}/bidder: VM ${await bidder.vmId()}\n`,
  );

  const toGo = ['--type', 'merge', '--patch', '{"spec":{"deletionPolicy":"Delete"}}'];
  await kubectl.run(inNamespace('patch', 'gpuvm', 'imported', ...toGo));
  await kubectl.run(inNamespace('patch', 'spotvm', 'bidder', ...toGo));
  expect(await retained()).toBe('');
  await kubectl.run(['delete', 'gpupools,gpuvms,spotvms', '--all', '--all-namespaces', '--timeout=120s']);
  expect((await team.state()).vms).toEqual([]);
});
