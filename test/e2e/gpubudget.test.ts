import { afterAll, beforeAll, expect, test } from 'vitest';

import type { GpuBudgetStatus } from '../../src/api/gpu-budget.ts';
import { gpuAccountType, gpuBudgetType, gpuVmType } from '../../src/api/group.ts';
import { namespaceType, type CustomObject } from '../../src/controllers/objects.ts';
import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { kubectlTable } from '../support/table.ts';
import { until } from '../support/until.ts';
import { eventType, is, type KubeEvent, type VmHandle, type VmObject } from '../support/vm-handle.ts';

/** What a platform team allows, and what its users get, on a real API server. */

const quick = { bootDelayMs: 200, stopDelayMs: 200, deleteDelayMs: 200 };
const models = ['v100-pcie-16gb', 'rtxa4000-pcie-16gb', 'rtxa5000-pcie-24gb', 'geforcertx3090-pcie-24gb'];
const small = { gpu: { models }, vcpus: 2, memoryGB: 4, storageGB: 20 };

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.set();
});

afterAll(() => stage.strike());

async function allow({ namespace }: Organization, hard: object, more: object = {}): Promise<void> {
  const ref = { namespace, name: 'team' };
  const { kube } = stage.cluster;
  if ((await kube.get(gpuBudgetType, ref)) !== undefined) {
    await kube.mergePatch(gpuBudgetType, ref, { spec: { hard, ...more } });
    return;
  }
  await kube.create(gpuBudgetType, {
    ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuBudget', metadata: ref },
    spec: { hard, ...more },
  });
}

async function untilBudget(
  { namespace }: Organization,
  isSo: (status: GpuBudgetStatus) => boolean,
): Promise<GpuBudgetStatus> {
  const read = async (): Promise<GpuBudgetStatus> =>
    (await stage.cluster.kube.get<CustomObject>(gpuBudgetType, { namespace, name: 'team' }))?.status ?? {};
  return until(
    'the budget says so',
    async () => {
      const status = await read();
      return isSo(status) ? status : undefined;
    },
    read,
  );
}

async function vmsOf({ namespace }: Organization): Promise<readonly VmObject[]> {
  return (await stage.cluster.kube.list<VmObject>(gpuVmType, { namespace })).items;
}

function isReady({ status }: VmObject): boolean {
  return status !== undefined && is(status, 'Ready', 'True');
}

function waits({ status }: VmObject): boolean {
  return status?.conditions?.some(({ type, reason }) => type === 'Ready' && reason === 'OverBudget') === true;
}

async function untilShared(team: Organization, ready: number, waiting: number): Promise<readonly VmObject[]> {
  const counts = async (): Promise<readonly [number, number]> => {
    const all = await vmsOf(team);
    return [all.filter(isReady).length, all.filter(waits).length];
  };
  await until(
    `${String(ready)} run and ${String(waiting)} wait for room`,
    async () => (await counts()).join() === [ready, waiting].join(),
    counts,
  );
  return vmsOf(team);
}

/** Looks at the provider all the while; gives the most VMs that it ever had at once. */
function mostAtOnce(team: Organization): { end(): Promise<number> } {
  let most = 0;
  const ending = new AbortController();
  const watching = (async () => {
    while (!ending.signal.aborted) most = Math.max(most, (await team.state()).vms.length);
  })();
  return {
    end: async () => {
      ending.abort();
      await watching;
      return most;
    },
  };
}

function byAge(one: VmObject, other: VmObject): number {
  const [a, b] = [one, other].map(({ metadata: { creationTimestamp = '', uid } }) => `${creationTimestamp} ${uid}`);
  return (a ?? '') < (b ?? '') ? -1 : 1;
}

test('of two pools and 30 VMs at once under a budget of 20, 20 run, and the next ones get in by age', async () => {
  const team = await stage.organization({ ...quick, hosts: 80 });
  await allow(team, { vms: 20 });
  const watch = mostAtOnce(team);
  const names = Array.from({ length: 30 }, (_, index) => `vm-${String(index)}`);
  await Promise.all([
    ...['left', 'right'].map((name) => stage.createPool(team, name, { replicas: 4 }, small)),
    ...names.map((name) => stage.create(team, name, small)),
  ]);
  const shared = await untilShared(team, 20, 18);
  const waiting = shared.filter(waits).toSorted(byAge);
  const message = waiting[0]?.status?.conditions?.find(({ type }) => type === 'Ready')?.message;
  expect(message).toMatch(/^GpuBudget "team" allows 20 VMs \(hard\.vms\), and there is no room for 1 VM more\./);
  const status = await untilBudget(team, ({ used, waiting: count }) => used?.vms === 20 && count === 18);
  expect(status).toMatchObject({ hard: { vms: 20 }, used: { gpus: 20 }, waiting: 18 });
  const [row] = await kubectlTable(stage.cluster, 'gpubudgets', team.namespace);
  expect(row).toMatchObject({ Name: 'team', Ready: 'False', Status: 'BudgetUsedUp', VMs: 20, Max: 20, Waiting: 18 });
  const labels = { namespace: team.namespace, budget: 'team', limit: 'vms' };
  expect(await stage.operator.metric('gpuvm_budget_used_ratio', labels)).toBe(1);
  expect(await watch.end()).toBe(20);

  const again = mostAtOnce(team);
  await allow(team, { vms: 25 });
  const next = await untilShared(team, 25, 13);
  const in5 = next.filter((vm) => isReady(vm) && waiting.some(({ metadata }) => metadata.uid === vm.metadata.uid));
  const uidsOf = (vms: readonly VmObject[]): readonly string[] => vms.map(({ metadata }) => metadata.uid);
  expect(uidsOf(in5.toSorted(byAge))).toEqual(uidsOf(waiting.slice(0, 5)));
  expect(await again.end()).toBe(25);
});

test('StopByPriority releases the least important VM and starts it again when there is room', async () => {
  const team = await stage.organization({ ...quick, hosts: 20 });
  await allow(team, { gpus: 2 }, { onExceeded: 'StopByPriority' });
  const keeper = await stage.create(team, 'keeper', { ...small, priority: 10 });
  const spare = await stage.create(team, 'spare', { ...small, priority: -10 });
  const ready = (vm: VmHandle): Promise<unknown> => vm.untilReady();
  await Promise.all([keeper, spare].map(ready));
  const near = await until('an Event says that the limit is near', async () => {
    const { items } = await stage.cluster.kube.list<KubeEvent>(eventType, { namespace: team.namespace });
    return items.find(({ reason }) => reason === 'NearLimit');
  });
  expect(near).toMatchObject({ type: 'Warning', regarding: { kind: 'GpuBudget', name: 'team' } });
  await allow(team, { gpus: 1 });
  expect(await spare.untilSaid('StoppedByBudget')).toMatch(/^GpuBudget "team" has no room for the VM now/);
  expect((await untilBudget(team, ({ stopped }) => stopped !== undefined)).stopped).toMatchObject([{ name: 'spare' }]);
  expect((await team.state()).vms.map(({ status }) => status).sort()).toEqual(['Running', 'StoppedDisassociated']);
  expect(is(await keeper.status(), 'Ready', 'True')).toBe(true);
  await allow(team, { gpus: 2 });
  await spare.untilReady();
  await untilBudget(team, ({ stopped }) => stopped === undefined);
});

test('an account has limits of its own, and serves only the namespaces that it selects', async () => {
  const team = await stage.organization({ ...quick, hosts: 20 });
  const { kube } = stage.cluster;
  const spec = { limits: { maxVms: 1 }, allowedNamespaces: { matchLabels: { gpu: 'allowed' } } };
  await kube.mergePatch(gpuAccountType, { name: team.account }, { spec });
  const first = await stage.create(team, 'first', small);
  expect(await first.untilSaid('NamespaceNotAllowed')).toContain('with the label gpu=allowed');
  await kube.mergePatch(namespaceType, { name: team.namespace }, { metadata: { labels: { gpu: 'allowed' } } });
  await first.untilReady();
  const second = await stage.create(team, 'second', small);
  expect(await second.untilSaid('OverAccountLimit')).toContain('(limits.maxVms)');
  await first.delete();
  await second.untilReady();
});
