import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';
import type { VmHandle } from '../support/vm-handle.ts';

/**
 * Everything that can go wrong with a call, in every phase of a life. Each pair has an organization of its own, so that
 * a fault strikes one VM and nobody else; that no VM is left over and no name is used twice, the stage checks at the end.
 */

/** Shorter than the `slow` fault, so that the operator gives up a call that has been carried out. */
const flags = { 'provider-timeout': '500ms' };
const slowMs = 1500;

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.set(flags);
});

afterAll(() => stage.strike());

const faults = [
  { kind: 'lost-answer' },
  { kind: 'lost-request' },
  { kind: 'error-500' },
  { kind: 'success-false' },
  { kind: 'malformed' },
  { kind: 'html-502' },
  { kind: 'rate-limit', retryAfterSeconds: 1 },
  { kind: 'slow', ms: slowMs },
] as const;

const listFaults = [...faults, { kind: 'stale-list', ms: 3_600_000 }, { kind: 'empty-list' }] as const;

/** Krakow and Winnipeg: where one host cools down after a failure, the other is taken. */
const spec = { gpu: { models: ['geforcertx4090-pcie-24gb'] } };

async function carriedOut(team: Organization, path: string): Promise<number> {
  return (await team.requests(path)).filter((request) => request.carriedOut && request.status !== 500).length;
}

async function untilStruck(team: Organization): Promise<void> {
  await until('the fault has struck', async () => (await team.state()).faults.length === 0);
}

async function deleteWithoutTrace(team: Organization, vm: VmHandle): Promise<void> {
  await vm.delete();
  const { vms, duplicateNames } = await team.state();
  expect({ vms, duplicateNames }).toEqual({ vms: [], duplicateNames: 0 });
}

describe.each(faults)('$kind', (fault) => {
  const name = `vm-${fault.kind}`;

  test.concurrent('on deploy ends with one VM that runs', async ({ expect }) => {
    const team = await stage.organization();
    await team.fault({ endpoint: 'client/deploy/single', count: 1, ...fault });
    const vm = await stage.create(team, name, spec);
    const { vm: recorded } = await vm.untilReady();
    const { vms } = await team.state();
    expect(vms.map(({ id }) => id)).toEqual([recorded?.id]);
    expect(await carriedOut(team, 'client/deploy/single')).toBe(1);
    await deleteWithoutTrace(team, vm);
  });

  test.concurrent('on start ends with the same VM running', async ({ expect }) => {
    const team = await stage.organization();
    const vm = await stage.create(team, name, spec);
    const id = (await vm.untilReady()).vm?.id;
    await vm.patchSpec({ powerState: 'Released' });
    await vm.untilSaid('Released');
    await team.fault({ endpoint: 'client/start/single', count: 1, ...fault });
    await vm.patchSpec({ powerState: 'Running' });
    expect((await vm.untilReady()).vm?.id).toBe(id);
    await untilStruck(team);
    await deleteWithoutTrace(team, vm);
  });

  test.concurrent('on stop ends with the same VM released', async ({ expect }) => {
    const team = await stage.organization();
    const vm = await stage.create(team, name, spec);
    const id = (await vm.untilReady()).vm?.id ?? '';
    await team.fault({ endpoint: 'client/stop/single', count: 1, ...fault });
    await vm.patchSpec({ powerState: 'Released' });
    await vm.untilSaid('Released');
    expect(await team.vm(id)).toMatchObject({ status: 'StoppedDisassociated' });
    await deleteWithoutTrace(team, vm);
  });

  test.concurrent('on delete ends without a VM', async () => {
    const team = await stage.organization();
    const vm = await stage.create(team, name, spec);
    await vm.untilReady();
    await team.fault({ endpoint: 'client/delete/single', count: 1, ...fault });
    await deleteWithoutTrace(team, vm);
  });
});

describe.each(listFaults)('$kind', (fault) => {
  test.concurrent(
    'on list changes nothing about a VM that runs, and holds nothing up once it is over',
    async ({ expect }) => {
      const team = await stage.organization();
      const vm = await stage.create(team, `vm-${fault.kind}`, spec);
      const before = await vm.untilReady();
      await team.fault({ endpoint: 'client/list', count: 3, ...fault });
      await untilStruck(team);
      await vm.annotate('reconcile-requested-at', 'now');
      const after = await vm.untilReady();
      expect(after.vm?.id).toBe(before.vm?.id);
      expect(await carriedOut(team, 'client/deploy/single')).toBe(1);

      await team.fault({ endpoint: 'client/list', count: 2, ...fault });
      await deleteWithoutTrace(team, vm);
    },
  );
});

test('a deployment whose answer was lost is found and taken over: one call, one VM', async () => {
  const team = await stage.organization({ bootDelayMs: 300 });
  await team.fault({ endpoint: 'client/deploy/single', kind: 'lost-answer', count: 1 });
  const vm = await stage.create(team, 'found', spec);
  await vm.untilReady();
  expect((await team.state()).requests['client/deploy/single']).toBe(1);
  expect((await vm.untilEvent('LaunchRecovered')).note).toContain('which was not recorded');
});

test('while lists come back empty nothing is deployed, neither for who has a VM nor for who waits for its own', async () => {
  const team = await stage.organization();
  const vm = await stage.create(team, 'settled', spec);
  await vm.untilReady();
  await team.fault({ endpoint: 'client/deploy/single', kind: 'lost-answer', count: 1 });
  await team.fault({ endpoint: 'client/list', kind: 'empty-list' });
  const lost = await stage.create(team, 'lost', spec);
  await lost.untilSaid('CreateUncertain');
  await team.untilListed(15);
  expect(await carriedOut(team, 'client/deploy/single')).toBe(2);
  expect((await vm.status()).vm).toBeDefined();

  await team.endFaults();
  await Promise.all([vm.untilReady(), lost.untilReady()]);
  expect(await carriedOut(team, 'client/deploy/single')).toBe(2);
});

test('a provider that fails every third call of any kind only costs time', async () => {
  const team = await stage.organization({ bootDelayMs: 200, stopDelayMs: 200, deleteDelayMs: 200 });
  for (const { kind, ...rest } of faults) {
    await team.fault({ endpoint: '*', kind, probability: 0.05, ...rest });
  }
  const models = ['geforcertx4090-pcie-24gb', 'v100-pcie-16gb', 'rtxa4000-pcie-16gb', 'geforcertx3090-pcie-24gb'];
  const names = ['one', 'two', 'three', 'four', 'five', 'six'];
  const vms = await Promise.all(names.map((name) => stage.create(team, name, { gpu: { models } })));
  await Promise.all(vms.map((vm) => vm.untilReady()));
  expect((await team.state()).vms).toHaveLength(names.length);
  await Promise.all(vms.map((vm) => vm.delete()));
  expect((await team.state()).vms).toEqual([]);
});
