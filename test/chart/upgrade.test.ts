import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';

import { escaped } from '../../hack/chart/crd-templates.ts';
import { startControlPlane } from '../../hack/control-plane/start.ts';
import type { GpuAccountStatus } from '../../src/api/gpu-account.ts';
import { conditionOf } from '../../src/api/conditions.ts';
import type { GpuBudgetStatus } from '../../src/api/gpu-budget.ts';
import type { GpuPoolStatus } from '../../src/api/gpu-pool.ts';
import { gpuAccountType, gpuBudgetType, gpuVmType, spotVmType } from '../../src/api/group.ts';
import type { VmStatus } from '../../src/api/vm.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import type { ResourceType } from '../../src/kube/contract.ts';
import { isEqualJson } from '../../src/kube/patch.ts';
import { operatorOfChart, quickValues, release } from '../support/chart-house.ts';
import { Cluster } from '../support/cluster.ts';
import { obtainingMs } from '../support/controller-manager.ts';
import { chartPath, Helm, type Values } from '../support/helm.ts';
import type { OperatorProcess } from '../support/operator-process.ts';
import type { Organization } from '../support/organization.ts';
import { PoolHandle } from '../support/pool-handle.ts';
import { crdsBefore, Recording } from '../support/recording.ts';
import { RunningWatch } from '../support/running-watch.ts';
import { until } from '../support/until.ts';
import { VmHandle, type VmObject } from '../support/vm-handle.ts';

/** The operator goes on with what the release before has left: docs/install.md. */

let cluster: Cluster;
let helm: Helm;
let directory: string;
let values: Values;
let recording: Recording;
let organization: Organization;
let running: RunningWatch;
let operator: OperatorProcess | undefined;

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'gpuvm-upgrade-'));
  cluster = Cluster.on(await startControlPlane({}));
  helm = await Helm.at(cluster.kubeconfigPath);
  values = await quickValues();
  await helmed(await chartBefore());
  recording = await Recording.read();
  organization = await recording.restore(cluster);
  running = new RunningWatch(organization);
}, obtainingMs);

afterEach(async () => {
  await running.stop();
  await operator?.stop();
  operator = undefined;
  await organization.simulator.close();
  await helm.close();
  await cluster.stop();
  await rm(directory, { recursive: true });
});

/** The command of the docs. */
async function helmed(chart: string): Promise<void> {
  const { name, namespace } = release;
  await helm.run(['upgrade', '--install', name, chart, '--namespace', namespace, '--create-namespace'], values);
}

/** As a release had it that had the recorded CRDs. */
async function chartBefore(): Promise<string> {
  const chart = path.join(directory, 'before');
  await cp(chartPath, chart, { recursive: true });
  for (const file of await readdir(crdsBefore)) {
    const template = path.join(chart, 'templates', 'crds', file.replace('.gpuvm.dev', ''));
    const { spec } = parse(await readFile(path.join(crdsBefore, file), 'utf8')) as { spec: object };
    const body = escaped(stringify({ spec }, { lineWidth: 0, aliasDuplicateObjects: false }));
    const [head] = (await readFile(template, 'utf8')).split('\nspec:\n');
    await writeFile(template, `${head ?? ''}\n${body}{{- end }}\n`);
  }
  return chart;
}

async function startOperator(): Promise<void> {
  operator = (await operatorOfChart(cluster, cluster.kubeconfigPath))();
  await operator.started;
}

function vmNamed(name: string, type: ResourceType = gpuVmType): VmHandle {
  return new VmHandle(cluster, recording.namespace, name, type);
}

/** What ran goes on as it was: by the same VM, and nobody has ever said otherwise. */
async function expectToRun(name: string, type: ResourceType = gpuVmType): Promise<void> {
  const before = recording.object(type.kind, name).status as VmStatus;
  const after = await vmNamed(name, type).untilReady();
  expect(after.vm?.id).toBe(before.vm?.id);
  expect(after.vm?.recordedAt).toBe(before.vm?.recordedAt);
  expect(after.launch).toEqual(before.launch);
  expect(after.retiring).toEqual(before.retiring);
  const { lastTransitionTime, message } = conditionOf(before.conditions, 'Ready')!;
  expect(conditionOf(after.conditions, 'Ready')).toMatchObject({ lastTransitionTime, message });
  const secret = `${name}-connection`;
  const { stringData } = recording.object('Secret', secret) as unknown as { stringData: { password: string } };
  expect(await cluster.secretData(recording.namespace, secret)).toMatchObject({ password: stringData.password });
}

async function expectPoolToStay(): Promise<void> {
  const pool = new PoolHandle(cluster, recording.namespace, 'inference');
  const before = recording.object('GpuPool', 'inference').status as GpuPoolStatus;
  const { templateHash } = await pool.untilReady(2);
  expect(templateHash).toBe(before.templateHash);
  for (const { metadata } of await pool.members()) {
    expect(metadata.uid).toBe(recording.object('GpuVm', metadata.name).metadata.uid);
    await expectToRun(metadata.name);
  }
}

/** What was in doubt, and what was on its way out, comes to the end that it was to have. */
async function expectToSettle(): Promise<void> {
  await vmNamed('leaving').untilGone();
  const { vm, launch } = await vmNamed('answer-lost').untilReady();
  const intent = (recording.object('GpuVm', 'answer-lost').status as VmStatus).launch;
  expect(vm?.name).toBe(intent?.name);
  expect(launch).toMatchObject({ ...intent, outcome: 'Launched' });
  expect((await vmNamed('never-sent').untilReady()).launch).toMatchObject({ attempt: 2, outcome: 'Launched' });
}

/** Each VM that was to stay, one more, and no call but what these ends take. */
async function expectProviderUntouched(): Promise<void> {
  const { vms, requests, duplicateNames } = await organization.state();
  const stay = recording.vms.filter(({ status }) => status !== 'Deleting').map((vm) => recording.now(vm.name));
  const intent = (recording.object('GpuVm', 'never-sent').status as VmStatus).launch;
  const made = intent?.name.replace(/-1$/, '-2');
  expect(vms.map(({ name }) => name).sort()).toEqual([...stay, made].sort());
  expect(requests['client/deploy/single']).toBe(recording.vms.length + 1);
  const ends = await organization.requests('client/delete/single');
  const [leaving] = recording.vms.filter(({ status }) => status === 'Deleting').map((vm) => recording.now(vm.id));
  expect(new Set(ends.map(({ params }) => params['server']))).toEqual(new Set([leaving]));
  for (const path of ['stop', 'start', 'modify']) expect(requests[`client/${path}/single`]).toBeUndefined();
  expect(duplicateNames).toBe(0);
  expect(await running.stop()).toEqual([]);
}

async function accountStatus(): Promise<GpuAccountStatus> {
  return (await organization.accountObject())?.status ?? {};
}

/** As the operator of the release before writes an account. */
function writeAsBefore(status: object): Promise<unknown> {
  return cluster.kube.mergePatch(gpuAccountType, { name: recording.account }, { status }, 'status');
}

/** The VM of nobody, which the older account knew by its id alone. */
function forgotten(): string {
  const [id] = recording.object('GpuAccount', recording.account).status?.['unmanagedVms'] as string[];
  return id!;
}

/** Waits until the account has counted so, and the budget all that resources have. */
async function untilCounted(counts: Partial<NonNullable<GpuAccountStatus['vms']>>): Promise<GpuAccountStatus> {
  const budget = { namespace: recording.namespace, name: 'team' };
  const used = async (): Promise<GpuBudgetStatus['used']> =>
    (await cluster.kube.get<CustomObject & { status?: GpuBudgetStatus }>(gpuBudgetType, budget))?.status?.used;
  await until('the budget counts all of them', async () => (await used())?.vms === counts.managed, used);
  return until(
    'the account counts all of them',
    async () => {
      const status = await accountStatus();
      return isEqualJson({ ...status.vms, ...counts }, status.vms) && status;
    },
    accountStatus,
  );
}

async function expectAllToGoOn(): Promise<GpuAccountStatus> {
  for (const name of ['trainer', 'resized']) await expectToRun(name);
  for (const name of ['sweep', 'moved']) await expectToRun(name, spotVmType);
  await expectPoolToStay();
  await expectToSettle();
  const status = await untilCounted({ total: 10, managed: 9, unmanaged: 1 });
  expect(conditionOf(status.conditions, 'Ready')?.status).toBe('True');
  await expectProviderUntouched();
  return status;
}

function errorsOfOperator(): unknown[] {
  return operator?.lines.filter(({ level }) => level === 'error') ?? [];
}

test("helm brings the CRDs first: today's operator goes on with what is there", async () => {
  await helmed(chartPath);
  const hasDefault = async (): Promise<boolean> =>
    JSON.stringify((await organization.accountObject())?.spec).includes('unmanagedVmsGracePeriod');
  await until('the API server reads by the new CRDs', hasDefault);
  // The old pods are there for some seconds more: what they say of VMs of nobody is refused where it is news.
  await writeAsBefore({ vms: { total: 11, managed: 9, unmanaged: 1 } });
  await expect(writeAsBefore({ unmanagedVms: [forgotten(), 'another'] })).rejects.toThrow(/status\.unmanagedVms/);

  await startOperator();
  const status = await expectAllToGoOn();
  expect(status.unmanagedVms).toMatchObject([{ id: forgotten() }]);
  expect(errorsOfOperator()).toEqual([]);
});

test("today's operator goes on by the CRDs of the release before, and says more once it has its own", async () => {
  await startOperator();
  const status = await expectAllToGoOn();
  // They take no more of them than their ids, and nothing of what is new.
  expect(status).not.toHaveProperty('unmanagedVms');
  expect(status).not.toHaveProperty('installation');
  const trainer = vmNamed('trainer');
  await trainer.patchSpec({ deletionPolicy: 'Retain' });
  await trainer.askDelete();
  const isWaiting = ({ conditions }: VmStatus): boolean =>
    conditionOf(conditions, 'Ready')?.message.includes('status.keptVms') === true;
  await trainer.until('it waits until somebody can write down that its VM is kept', isWaiting);
  expect(errorsOfOperator()).toEqual([]);

  await helmed(chartPath);
  await trainer.untilGone();
  const listed = async (): Promise<boolean> =>
    (await accountStatus()).unmanagedVms?.some(({ id }) => id === forgotten()) === true;
  await until('the account says which VM is of nobody', listed, accountStatus);
  expect(errorsOfOperator()).toEqual([]);
});

test('rolled back, the CRDs drop what is new of the account, and leave what says which VM is whose', async () => {
  await helmed(chartPath);
  await startOperator();
  await expectToSettle();
  const trainer = vmNamed('trainer');
  const left = await trainer.vmId();
  await trainer.patchSpec({ deletionPolicy: 'Retain' });
  await trainer.delete();
  expect((await accountStatus()).keptVms).toMatchObject([{ why: 'Retained', ids: [left] }]);
  await untilCounted({ total: 10, managed: 8, unmanaged: 1, kept: 1 });
  await operator?.stop();
  const vms = async (): Promise<unknown> => {
    const lists = await Promise.all([gpuVmType, spotVmType].map((type) => cluster.kube.list<VmObject>(type)));
    return lists.flatMap(({ items }) => items).map(({ metadata: { name }, status }) => ({ name, status }));
  };
  const before = { vms: await vms(), account: await accountStatus() };

  await helm.run(['rollback', release.name, '--namespace', release.namespace]);
  const isDropped = async (): Promise<boolean> => (await accountStatus()).installation === undefined;
  await until('the API server reads by the old CRDs', isDropped, accountStatus);
  expect(await vms()).toEqual(before.vms);
  const { conditions, organization: key, vms: counts, ...others } = await accountStatus();
  expect({ conditions, key }).toEqual({ conditions: before.account.conditions, key: before.account.organization });
  expect(counts).toEqual({ total: 10, managed: 8, unmanaged: 1 });
  expect(Object.keys(others).sort()).toEqual(['observedGeneration', 'unmanagedVms']);
  // As the operator of that release writes it. From now on what was dropped is stored no more, either.
  await writeAsBefore({ unmanagedVms: [forgotten(), left] });

  await helmed(chartPath);
  await startOperator();
  // Nobody knows any more that one of them was to be kept. An account that says nothing else reports them alone.
  const { unmanagedVms } = await untilCounted({ total: 10, managed: 8, unmanaged: 2, kept: 0 });
  expect(unmanagedVms?.map(({ id }) => id).sort()).toEqual([forgotten(), left].sort());
  expect(errorsOfOperator()).toEqual([]);
});
