import { afterAll, beforeAll, expect, test } from 'vitest';

import { gpuVmType } from '../../src/api/group.ts';
import { Stage } from '../support/stage.ts';
import { kubectlTable } from '../support/table.ts';
import { until } from '../support/until.ts';

/** The life of a GpuPool as its user sees it, on a real API server. */

const quick = { bootDelayMs: 200, stopDelayMs: 200, deleteDelayMs: 200 };

/** More than one kind of host has. */
const manyModels = {
  gpu: { models: ['v100-pcie-16gb', 'rtxa4000-pcie-16gb', 'rtxa5000-pcie-24gb', 'geforcertx3090-pcie-24gb'] },
};

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.set();
});

afterAll(() => stage.strike());

test('a pool follows kubectl scale from 0 to 10, to 3 and to 0', async () => {
  const team = await stage.organization({ ...quick, hosts: 20 });
  const pool = await stage.createPool(team, 'scaled', { replicas: 0 }, manyModels);
  await pool.untilReady(0);
  await pool.scale(10);
  const status = await pool.untilReady(10);
  expect(status).toMatchObject({ onDemandReplicas: 10, availableReplicas: 10, selector: 'gpuvm.dev/pool=scaled' });
  expect((await team.state()).vms).toHaveLength(10);
  expect((await pool.members()).map(({ metadata }) => metadata.name).sort()).toEqual(
    Array.from({ length: 10 }, (_, index) => `scaled-${index}`),
  );
  expect((await kubectlTable(stage.cluster, 'gpupools', team.namespace))[0]).toMatchObject({
    ...{ Name: 'scaled', Desired: 10, Current: 10, Ready: 10, 'Up-to-date': 10, Available: 10 },
    '$/h': status.hourlyCost,
  });
  expect(await stage.operator.metric('gpuvm_pool_replicas', { namespace: team.namespace, state: 'ready' })).toBe(10);

  const costs = (await pool.members()).map(
    ({ metadata: { name }, status: of }) => [name, Number(of?.hourlyPrice?.running)] as const,
  );
  await pool.scale(3);
  await pool.untilReady(3);
  expect((await team.state()).vms).toHaveLength(3);
  const left = (await pool.members()).map(({ metadata }) => metadata.name);
  const dearest = Math.max(...costs.filter(([name]) => left.includes(name)).map(([, cost]) => cost));
  expect(costs.filter(([name, cost]) => !left.includes(name) && cost < dearest)).toEqual([]);

  await pool.scale(0);
  await pool.untilReady(0);
  expect((await team.state()).vms).toEqual([]);
  expect((await pool.events('MemberDeleted')).map(({ note }) => note)).toEqual(
    expect.arrayContaining([expect.stringContaining('there are more members than are wanted')]),
  );
});

test('a member that is killed at the provider gets another VM', async () => {
  const team = await stage.organization(quick);
  const pool = await stage.createPool(team, 'struck', { replicas: 3 });
  await pool.untilReady(3);
  const [member] = await pool.members();
  const id = member?.status?.vm?.id ?? '';
  await team.control('POST', `vms/${id}`, { remove: true });
  await until('another VM is Ready in its place', async () => {
    const { vms } = await team.state();
    const { readyReplicas } = await pool.status();
    const recorded = (await pool.members()).map(({ status }) => status?.vm?.id);
    return (
      readyReplicas === 3 && vms.length === 3 && !recorded.includes(id) && vms.every((vm) => recorded.includes(vm.id))
    );
  });
});

test('a pool that is deleted takes its members with it, and nothing is left at the provider', async () => {
  const team = await stage.organization(quick);
  const pool = await stage.createPool(team, 'short-lived', { replicas: 4 });
  await pool.until('some have their VM', ({ readyReplicas = 0 }) => readyReplicas > 0);
  await pool.askDelete();
  await pool.untilGone();
  expect(await pool.members()).toEqual([]);
  expect((await team.state()).vms).toEqual([]);
});

test('a name that somebody else has is passed over, and nothing of theirs is touched', async () => {
  const team = await stage.organization(quick);
  const foreign = await stage.create(team, 'crowded-0', { powerState: 'Stopped' });
  await stage.cluster.kube.mergePatch(gpuVmType, foreign, { metadata: { labels: { 'gpuvm.dev/pool': 'crowded' } } });
  const pool = await stage.createPool(team, 'crowded', { replicas: 2 });
  await pool.untilReady(2);
  expect((await pool.members()).map(({ metadata }) => metadata.name).sort()).toEqual(['crowded-1', 'crowded-2']);
  await pool.askDelete();
  await pool.untilGone();
  expect(await foreign.object()).toBeDefined();
});
