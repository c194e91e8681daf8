import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { gpuAccountType, gpuVmType } from '../../src/api/group.ts';
import { secretType } from '../../src/controllers/objects.ts';
import type { KubeObject } from '../../src/kube/contract.ts';
import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';
import { is, type GpuVm } from '../support/vm-handle.ts';

/** The provider and the API server are left in peace, however many VMs there are. */

let stage: Stage;

beforeAll(async () => {
  // As in production: with one of a second, as tests have it, how many are fetched is a matter of the machine's speed.
  stage = await Stage.set({ 'inventory-max-age': '30s' });
});

afterAll(() => stage.strike());

const models = ['v100-pcie-16gb', 'rtxa4000-pcie-16gb', 'geforcertx3090-pcie-24gb', 'rtxa5000-pcie-24gb'];

async function rentAll(team: Organization, count: number): Promise<void> {
  const spec = { gpu: { models }, vcpus: 2, memoryGB: 4, storageGB: 20 };
  const names = Array.from({ length: count }, (_, index) => `vm-${String(index)}`);
  await Promise.all(names.map((name) => stage.create(team, name, spec)));
  const ready = async (): Promise<number> =>
    (await vms(team)).filter(({ status }) => status !== undefined && is(status, 'Ready', 'True')).length;
  await until(`${String(count)} VMs are Ready`, async () => (await ready()) === count, ready);
}

async function vms({ namespace }: Organization): Promise<readonly GpuVm[]> {
  return (await stage.cluster.kube.list<GpuVm>(gpuVmType, { namespace })).items;
}

/** Calls to the provider so far, by endpoint, without the poll. */
async function callsBesidePoll(team: Organization): Promise<number> {
  const { requests } = await team.state();
  const entries = Object.entries(requests).filter(([path]) => path !== 'client/list');
  return entries.reduce((sum, [, count]) => sum + count, 0);
}

describe('100 GpuVms at once, at 20 calls per second', () => {
  const count = 100;
  let team: Organization;

  beforeAll(async () => {
    team = await stage.organization({ hosts: 150, requestsPerSecond: 20, bootDelayMs: 500 });
    await rentAll(team, count);
  });

  test('cost at most 1.1 provider calls each, beside the poll', async () => {
    const { requests } = await team.state();
    expect(requests['client/deploy/single']).toBe(count);
    expect(await callsBesidePoll(team)).toBeLessThanOrEqual(1.1 * count);
  });

  test('are a VM each, on a host and with ports of its own', async () => {
    const { vms: rented, duplicateNames } = await team.state();
    expect(duplicateNames).toBe(0);
    const recorded = (await vms(team)).map(({ status }) => status?.vm?.id);
    expect(new Set(recorded)).toEqual(new Set(rented.map(({ id }) => id)));
    expect(rented).toHaveLength(count);
  });

  test('are polled no more often than ten of another organization', async () => {
    const few = await stage.organization({ hosts: 150, requestsPerSecond: 20 });
    await rentAll(few, 10);
    const polls = async (of: Organization): Promise<number> => (await of.state()).requests['client/list'] ?? 0;
    const listed = async (): Promise<readonly [number, number]> => [await polls(team), await polls(few)];
    const [many0, few0] = await listed();
    // Four of the one; the other has had the same time, within one interval.
    await until('ten VMs were polled four times', async () => (await listed())[1] >= few0 + 4);
    const [many1] = await listed();
    expect(Math.abs(many1 - many0 - 4)).toBeLessThanOrEqual(1);
  });

  test('lead to no write at the API server and to no call but the poll while nothing changes', async () => {
    const calls = await callsBesidePoll(team);
    const versions = await allVersions();
    const before = await writes();
    await team.untilListed(3);

    expect(await allVersions()).toEqual(versions);
    expect(await callsBesidePoll(team)).toBe(calls);
    expect(await writes()).toEqual(before);
  });

  test('are all deleted with one call each', async () => {
    const before = (await team.state()).requests['client/delete/single'] ?? 0;
    for (const { metadata } of await vms(team)) await stage.cluster.kube.delete(gpuVmType, metadata);
    await until('all are gone', async () => (await vms(team)).length === 0);
    const { vms: left, requests } = await team.state();
    expect(left).toEqual([]);
    expect((requests['client/delete/single'] ?? 0) - before).toBe(count);
  });
});

/** Requests of the operator that may have changed something. By method: each number is one scrape, and none may move. */
async function writes(): Promise<readonly number[]> {
  const methods = ['POST', 'PUT', 'PATCH', 'DELETE'];
  return Promise.all(methods.map((method) => stage.operator.metric('rest_client_requests_total', { method })));
}

/** The version of every object that the operator could have written. */
async function allVersions(): Promise<Record<string, string>> {
  const kinds = [
    gpuVmType,
    gpuAccountType,
    secretType,
    { group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event', namespaced: true },
  ];
  const lists = await Promise.all(kinds.map((type) => stage.cluster.kube.list<KubeObject>(type)));
  const objects = lists.flatMap(({ items }) => items);
  return Object.fromEntries(
    objects.map(({ kind, metadata: { namespace, name, resourceVersion } }) => [
      `${kind ?? ''} ${namespace ?? ''}/${name}`,
      resourceVersion,
    ]),
  );
}
