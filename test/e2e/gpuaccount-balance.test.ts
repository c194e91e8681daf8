import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { gpuAccountType } from '../../src/api/group.ts';
import type { GpuAccountStatus } from '../../src/api/gpu-account.ts';
import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { kubectlTable } from '../support/table.ts';
import { until } from '../support/until.ts';
import { eventType, type KubeEvent, type VmHandle } from '../support/vm-handle.ts';

/** What is left of the balance, and what follows from that, on a real API server. */

let stage: Stage;
let team: Organization;

beforeAll(async () => {
  stage = await Stage.set({ 'balance-interval': '1s' });
  team = await stage.organization({ hosts: 20, bootDelayMs: 200, stopDelayMs: 200, deleteDelayMs: 200 });
});

afterAll(() => stage.strike());

const models = ['v100-pcie-16gb', 'rtxa4000-pcie-16gb', 'rtxa5000-pcie-24gb', 'geforcertx3090-pcie-24gb'];
const small = { gpu: { models }, vcpus: 2, memoryGB: 4, storageGB: 20 };

async function limit(limits: object): Promise<void> {
  await stage.cluster.kube.mergePatch(gpuAccountType, { name: team.account }, { spec: { limits } });
}

/** As many dollars as last for so many hours at the rate of now. */
async function leave(hours: number): Promise<void> {
  const { hourlyCost } = await team.state();
  await team.control('POST', 'balance', { balance: (hourlyCost * hours).toFixed(6) });
}

async function goOn(hours: number): Promise<void> {
  await team.control('POST', 'clock', { advance: hours * 3600 });
}

async function untilSaid(reason: string): Promise<string> {
  const read = (): ReturnType<Organization['accountCondition']> => team.accountCondition('BalanceHealthy');
  const said = await until(
    `the account says ${reason}`,
    async () => {
      const condition = await read();
      return condition?.reason === reason ? condition : undefined;
    },
    read,
  );
  return said.message;
}

async function status(): Promise<GpuAccountStatus> {
  return (await team.accountObject())?.status ?? {};
}

async function statusesAtProvider(): Promise<Record<string, number>> {
  const { vms } = await team.state();
  const counts: Record<string, number> = {};
  for (const { status: said } of vms) counts[said] = (counts[said] ?? 0) + 1;
  return counts;
}

/** What Events tell of the account, each once. */
async function told(): Promise<string[]> {
  const { items } = await stage.cluster.kube.list<KubeEvent>(eventType);
  const own = items.filter(({ regarding }) => regarding.kind === 'GpuAccount' && regarding.name === team.account);
  return [...new Set(own.map(({ reason }) => reason))].filter((reason) => reason.startsWith('Balance'));
}

test('a balance that burns down is warned of, keeps new VMs away, and has VMs released in order, before the provider deletes any', async () => {
  await limit({ minRunway: '6h', releaseBelowRunway: '2h' });
  const create = (name: string, priority: number): Promise<VmHandle> =>
    stage.create(team, name, { ...small, priority });
  const [keeper, middle, spare] = await Promise.all([create('keeper', 10), create('middle', 0), create('spare', -10)]);
  const all = [keeper, middle, spare];
  for (const vm of all) await vm.untilReady();

  await leave(20);
  await untilSaid('BalanceSufficient');
  await goOn(9);
  expect(await untilSaid('BalanceShort')).toContain('The balance lasts for less than twice limits.minRunway (6h).');
  await goOn(5.5);
  expect(await untilSaid('BalanceLow')).toContain('less than 6h (limits.minRunway): no VM is deployed');
  const late = await stage.create(team, 'late', small);
  const pool = await stage.createPool(team, 'workers', { replicas: 1 }, small);
  expect(await late.untilSaid('BalanceLow')).toMatch(
    /^The balance of GpuAccount "[^"]+" does not last for 6h \(limits\.minRunway\) with another VM: recharge it/,
  );
  await pool.until('its member waits', ({ replicas, readyReplicas = 0 }) => replicas === 1 && readyReplicas === 0);
  expect(await statusesAtProvider()).toEqual({ Running: 3 });

  await goOn(3.6);
  expect(await spare.untilSaid('StoppedForBalance')).toContain('kept released by its priority');
  expect(await untilSaid('BalanceCritical')).toContain('see status.stopped');
  expect((await status()).stopped).toMatchObject([{ kind: 'GpuVm', namespace: team.namespace, name: 'spare' }]);
  expect(await statusesAtProvider()).toEqual({ Running: 2, StoppedDisassociated: 1 });
  await leave(1.9);
  await middle.untilSaid('StoppedForBalance');
  expect(await statusesAtProvider()).toEqual({ Running: 1, StoppedDisassociated: 2 });
  await leave(1.9);
  await keeper.untilSaid('StoppedForBalance');
  expect(await statusesAtProvider()).toEqual({ StoppedDisassociated: 3 });
  expect((await team.state()).requests['client/deploy/single']).toBe(3);
  const labels = { account: team.account };
  expect(await stage.operator.metric('gpuvm_account_stopped_vms', labels)).toBe(3);
  expect(await stage.operator.metric('gpuvm_account_balance_dollars', labels)).toBeGreaterThan(0);

  await team.control('POST', 'balance', { balance: '1000' });
  for (const vm of [...all, late]) await vm.untilReady();
  await pool.untilReady(1);
  await untilSaid('BalanceSufficient');
  expect((await status()).stopped).toBeUndefined();
  expect((await told()).sort()).toEqual(['BalanceCritical', 'BalanceLow', 'BalanceShort', 'BalanceSufficient']);
  await until('the balance is in the table', async () => {
    const row = (await kubectlTable(stage.cluster, 'gpuaccounts')).find(({ Name }) => Name === team.account);
    return String(row?.['Balance']).startsWith('99') || String(row?.['Balance']).startsWith('1000');
  });
});

test('a balance that cannot be read has nothing released, and keeps new VMs away where it has to last', async () => {
  await limit({ minRunway: '6h', releaseBelowRunway: '2h' });
  const vm = await stage.create(team, 'steady', small);
  await vm.untilReady();
  await team.fault({ endpoint: 'billing/balance', kind: 'error-500' });
  expect(await untilSaid('BalanceUnknown')).toContain('Nothing is released for that');
  const waiting = await stage.create(team, 'waiting', small);
  expect(await waiting.untilSaid('BalanceUnknown')).toContain('is not known now');
  expect((await status()).stopped).toBeUndefined();
  await vm.untilReady();
  await team.endFaults();
  await waiting.untilReady();
});

describe('the API server refuses', () => {
  test.each<[string, object, RegExp]>([
    [
      'a release without a runway',
      { releaseBelowRunway: '2h' },
      /releaseBelowRunway needs limits\.minRunway, and has to be shorter/,
    ],
    ['a release before new VMs are held back', { minRunway: '2h', releaseBelowRunway: '2h' }, /has to be shorter/],
    ['a runway of nothing', { minRunway: '0s' }, /must be a duration of more than nothing, such as "6h"/],
    ['a runway in words', { minRunway: 'a while' }, /must be a duration/],
  ])('%s', async (_, limits, message) => {
    const refused = stage.cluster.kube.create(gpuAccountType, {
      ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuAccount', metadata: { name: 'refused' } },
      spec: { credentialsSecretRef: { namespace: team.namespace, name: 'tensordock' }, limits },
    });
    await expect(refused).rejects.toThrow(message);
  });
});
