import { afterAll, beforeAll, expect, test } from 'vitest';

import { gpuPoolType, gpuVmType } from '../../src/api/group.ts';
import { namespaceType } from '../../src/controllers/objects.ts';
import type { Machine } from '../../src/sim/index.ts';
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
  const team = await stage.organization({ ...quick, hosts: 20 });
  const pool = await stage.createPool(team, 'struck', { replicas: 3 }, manyModels);
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

test('a new template rolls through 6 members, and never are fewer than 6 ready where none may be unavailable', async () => {
  const team = await stage.organization({ ...quick, hosts: 20 });
  const pool = await stage.createPool(team, 'rolled', { replicas: 6 }, manyModels);
  await pool.untilReady(6);
  const { templateHash } = await pool.status();
  const watch = pool.watchStatuses();
  await pool.patchTemplate({ memoryGB: 8 });
  await pool.until('the new template is seen', (status) => status.templateHash !== templateHash);
  await pool.untilReady(6);
  await watch.stop();
  expect(Math.min(...watch.seen.map(({ readyReplicas = 0 }) => readyReplicas))).toBe(6);
  expect(Math.max(...watch.seen.map(({ replicas = 0 }) => replicas))).toBe(7);
  expect((await team.state()).vms.map(({ ram }) => ram)).toEqual(Array.from({ length: 6 }, () => 8));
});

test('a spot pool whose market is taken away ends with 8 ready, and returns to spot when that can be had again', async () => {
  let most = 0;
  const onChange = ({ world }: Machine): void => {
    most = Math.max(most, world.ledger.rate / 1e9);
  };
  const team = await stage.organization({ ...quick, hosts: 40, onChange });
  await team.market('0.20');
  const capacity = {
    type: 'Spot',
    bid: { price: '0.20', maxPrice: '0.30' },
    ...{ onDemandBase: 2, fallbackToOnDemandAfter: '3s', returnToSpotAfter: '3s' },
  };
  const maxHourlyCost = '2.50';
  const pool = await stage.createPool(
    team,
    'swept',
    { replicas: 8, capacity, maxHourlyCost },
    { ...manyModels, maxHourlyPrice: '2.00' },
  );
  expect(await pool.untilReady(8)).toMatchObject({ spotReplicas: 6, onDemandReplicas: 2 });
  await team.market('9.00');
  await pool.until('spot VMs are lost', ({ readyReplicas = 0 }) => readyReplicas < 8);
  await pool.until(
    'all are on demand',
    ({ readyReplicas, onDemandReplicas }) => readyReplicas === 8 && onDemandReplicas === 8,
  );
  await team.market('0.20');
  await pool.until(
    'all but two are back',
    ({ readyReplicas, spotReplicas }) => readyReplicas === 8 && spotReplicas === 6,
  );
  expect(await pool.events('MemberDeleted')).toEqual([]);
  expect(most).toBeLessThanOrEqual(Number(maxHourlyCost));
});

test('a template whose VMs never become Ready costs a few VMs, and then a person is told how to go on', async () => {
  const team = await stage.organization({ ...quick, bootDelayMs: 3_600_000 });
  const repair = { readyDeadline: '2s', maxFailures: 2 };
  const pool = await stage.createPool(team, 'broken', { replicas: 1, repair });
  const { message } = await pool.untilSaid('Repairing', 'BreakerOpen');
  expect(message).toMatch(/2 replacements in a row did not become Ready.* to begin anew\.$/);
  expect(await team.requests('client/deploy/single')).toHaveLength(3);
  // Events are written after the status that they are about.
  const told = await until('an Event says so', async () => {
    const events = await pool.events('BreakerOpen');
    return events.length > 0 && events;
  });
  expect(told.map(({ type }) => type)).toEqual(['Warning']);
});

test('a pool in a namespace that is being deleted makes nothing, and leaves nothing behind', async () => {
  const team = await stage.organization(quick);
  const pool = await stage.createPool(team, 'doomed', { replicas: 2 });
  await pool.untilReady(2);
  await stage.cluster.kube.delete(namespaceType, { name: team.namespace });
  await pool.scale(4);
  await until('it says so', async () => (await pool.status()).message?.startsWith('The namespace is being deleted'));
  expect(await pool.members()).toHaveLength(2);
  // What the namespace's own controller does, which an API server alone has not.
  await pool.askDelete();
  await pool.untilGone();
  expect((await team.state()).vms).toEqual([]);
});

test.each([
  ['fewer than no replicas', { replicas: -1 }, {}, /replicas/],
  ['spot without a bid', { capacity: { type: 'Spot' } }, {}, /needs capacity.bid: say what may be bid/],
  ['a bid on demand', { capacity: { type: 'OnDemand', bid: { price: '0.10' } } }, {}, /are for capacity.type Spot/],
  [
    'nothing that may be replaced',
    { updateStrategy: { maxSurge: 0, maxUnavailable: 0 } },
    {},
    /nothing could ever be replaced/,
  ],
  [
    'labels in the name of the operator',
    { template: { metadata: { labels: { 'gpuvm.dev/pool': 'other' } } } },
    {},
    /own ones of the operator/,
  ],
])('a pool with %s is refused in words', async (_, spec, template, words) => {
  const team = await stage.organization(quick);
  const { template: given = {}, ...rest } = spec as { template?: object };
  const made = stage.cluster.kube.create(gpuPoolType, {
    apiVersion: 'gpuvm.dev/v1alpha1',
    kind: 'GpuPool',
    metadata: { name: 'refused', namespace: team.namespace },
    spec: {
      ...rest,
      template: {
        ...given,
        spec: { gpu: { models: ['v100-pcie-16gb'] }, vcpus: 4, memoryGB: 16, storageGB: 100, ...template },
      },
    },
  });
  await expect(made).rejects.toThrow(words);
});
