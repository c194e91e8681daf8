import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import type { GpuAccountStatus } from '../../src/api/gpu-account.ts';
import { gpuAccountType } from '../../src/api/group.ts';
import type { KubeObject } from '../../src/kube/contract.ts';
import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { deployByHand, makeRoom, strayName } from '../support/strays.ts';
import { until } from '../support/until.ts';
import { eventType, type KubeEvent } from '../support/vm-handle.ts';

/** VMs that this installation made and that nobody owns: who is told, and which of them the account deletes. */

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.set();
  await allowShortGrace();
});

afterAll(() => stage.strike());

interface Crd extends KubeObject {
  readonly spec: { readonly versions: readonly object[] };
}

const crdType = {
  ...{ group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions' },
  ...{ kind: 'CustomResourceDefinition', namespaced: false },
};

/** The API server refuses what is shorter than five minutes, for which nobody waits here. */
async function allowShortGrace(): Promise<void> {
  const ref = { name: 'gpuaccounts.gpuvm.dev' };
  const { kube } = stage.cluster;
  const crd = await kube.get<Crd>(crdType, ref);
  const rule = / && duration\(self\) >= duration\('5m'\)/g;
  const relaxed = JSON.stringify(crd?.spec.versions).replaceAll(rule, '');
  expect(relaxed).not.toBe(JSON.stringify(crd?.spec.versions));
  await kube.mergePatch(crdType, ref, { spec: { versions: JSON.parse(relaxed) as object[] } });
  const probe = {
    ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuAccount', metadata: { name: 'probe' } },
    spec: { credentialsSecretRef: { namespace: 'none', name: 'none' }, unmanagedVmsGracePeriod: '1s' },
  };
  await until('a short grace period is taken', () =>
    kube.create(gpuAccountType, probe).then(
      () => true,
      () => false,
    ),
  );
  await kube.delete(gpuAccountType, { name: 'probe' });
}

let team: Organization;

beforeEach(async () => {
  team = await stage.organization();
});

async function statusNow(): Promise<GpuAccountStatus> {
  return (await team.accountObject())?.status ?? {};
}

function untilAccount(sentence: string, isSo: (status: GpuAccountStatus) => boolean): Promise<GpuAccountStatus> {
  return until(
    sentence,
    async () => {
      const status = await statusNow();
      return isSo(status) && status;
    },
    statusNow,
  );
}

async function changeAccount(spec: object): Promise<void> {
  await stage.cluster.kube.mergePatch(gpuAccountType, { name: team.account }, { spec });
}

async function idsThere(): Promise<string[]> {
  return (await team.state()).vms.map(({ id }) => id).sort();
}

async function deletedIds(): Promise<string[]> {
  const deletions = await team.requests('client/delete/single');
  return deletions.map(({ params }) => params['server'] ?? '').sort();
}

async function untilEventOf(reason: string): Promise<KubeEvent> {
  return until(`the account has the Event ${reason}`, async () => {
    const { items } = await stage.cluster.kube.list<KubeEvent>(eventType, { namespace: 'default' });
    return items.find(({ regarding, reason: is }) => regarding.name === team.account && is === reason);
  });
}

async function installationOf(): Promise<string> {
  return (await untilAccount('the account says which installation this is', (status) => status.vms !== undefined))
    .installation!;
}

/** Deploys VMs of these names, and waits until a list has had them. */
async function deployAll(names: readonly string[]): Promise<string[]> {
  await makeRoom(team, names.length);
  const ids: string[] = [];
  for (const name of names) ids.push(await deployByHand(team, name));
  await team.untilListed(2);
  return ids.sort();
}

test('of 50 VMs of others and 5 of its own without a resource exactly the 5 are reported, and with Delete exactly they go', async () => {
  const installation = await installationOf();
  const managed = await stage.create(team, 'managed');
  const own = (await managed.untilReady()).vm?.id ?? '';
  const others = Array.from({ length: 50 }, (_, at) => {
    const names = [
      `by-hand-${at}`,
      strayName('ffffffff'),
      `${strayName(installation)}-copy`,
      `gpuvm-${installation}-${at}`,
    ];
    return names[at % names.length]!;
  });
  const foreign = await deployAll(others);
  const strays = await deployAll(Array.from({ length: 5 }, () => strayName(installation)));
  const reported = await untilAccount('five are reported', ({ vms }) => vms?.unmanaged === 5);
  expect(reported.unmanagedVms?.map(({ id }) => id)).toEqual(strays);
  expect(reported.vms).toEqual({ total: 56, managed: 1, unmanaged: 5, kept: 0, foreign: 50 });
  expect((await untilEventOf('UnmanagedVmsFound')).type).toBe('Warning');
  await team.untilListed(3);
  expect(await deletedIds()).toEqual([]);

  await changeAccount({ unmanagedVms: 'Delete', unmanagedVmsGracePeriod: '4s' });
  await untilAccount('none is left', ({ vms }) => vms?.unmanaged === 0);
  expect((await untilEventOf('UnmanagedVmsDeleting')).note).toContain('no resource for 4s');
  await untilEventOf('UnmanagedVmsGone');
  await team.untilListed(3);
  expect(await idsThere()).toEqual([own, ...foreign].sort());
  expect(await deletedIds()).toEqual(strays);
  expect(await stage.operator.metric('gpuvm_unmanaged_vms_deleted_total', { account: team.account })).toBe(5);
  await managed.delete();
  for (const id of foreign) await team.changeVm(id, { remove: true });
});

describe('an account that deletes VMs without a resource at once', () => {
  beforeEach(() => changeAccount({ unmanagedVms: 'Delete', unmanagedVmsGracePeriod: '1s' }));

  /** Where no resource owns any VM all are held back. */
  async function withManaged(): Promise<{ readonly own: string; readonly release: () => Promise<void> }> {
    const vm = await stage.create(team, 'beside');
    return { own: (await vm.untilReady()).vm?.id ?? '', release: () => vm.delete() };
  }

  test('leaves a VM alone whose resource let it go by Retain', async () => {
    const vm = await stage.create(team, 'kept', { deletionPolicy: 'Retain' });
    const id = (await vm.untilReady()).vm?.id ?? '';
    await vm.delete();
    const { keptVms } = await untilAccount('it is counted as kept', ({ vms }) => vms?.kept === 1);
    expect(keptVms).toMatchObject([{ resource: `GpuVm ${team.namespace}/kept`, why: 'Retained', ids: [id] }]);
    await stage.restartOperator();
    await team.untilListed(4);
    expect(await idsThere()).toEqual([id]);
    expect(await deletedIds()).toEqual([]);
    await team.changeVm(id, { remove: true });
  });

  test('deletes one whose finalizer was taken off by hand', async () => {
    const { own, release } = await withManaged();
    const vm = await stage.create(team, 'forced');
    const id = (await vm.untilReady()).vm?.id ?? '';
    await stage.operator.kill();
    await vm.patch({ metadata: { finalizers: null } });
    await vm.askDelete();
    await vm.untilGone();
    await stage.restartOperator();
    await until('the VM is gone', async () => !(await idsThere()).includes(id), idsThere);
    expect(await deletedIds()).toEqual([id]);
    expect(await idsThere()).toEqual([own]);
    await release();
  });

  test('deletes none where no resource owns any VM, until somebody confirms it', async () => {
    const [stray = ''] = await deployAll([strayName(await installationOf())]);
    const { unmanagedHold } = await untilAccount('it is held', (status) => status.unmanagedHold !== undefined);
    expect((await untilEventOf('UnmanagedVmsHeld')).type).toBe('Warning');
    await team.untilListed(3);
    expect(await deletedIds()).toEqual([]);
    const annotations = { 'gpuvm.dev/confirm-unmanaged': unmanagedHold?.confirm };
    await stage.cluster.kube.mergePatch(gpuAccountType, { name: team.account }, { metadata: { annotations } });
    await until('it is gone', async () => (await idsThere()).length === 0, idsThere);
    expect(await deletedIds()).toEqual([stray]);
  });

  test('deletes none by an operator whose API server answers late when it starts', async () => {
    const vms = await Promise.all(['one', 'two', 'three'].map((name) => stage.create(team, name)));
    const ids: string[] = [];
    for (const vm of vms) ids.push((await vm.untilReady()).vm?.id ?? '');
    await stage.operator.stop();
    // Everything that the API server says takes a second and a half on the way; the provider answers at once.
    stage.wire.proxy.slowDown(1500);
    await stage.restartOperator();
    await team.untilListed(3);
    await stage.wire.mend();
    await team.untilListed(3);
    expect(await idsThere()).toEqual(ids.sort());
    expect(await deletedIds()).toEqual([]);
    for (const vm of vms) await vm.delete();
  });

  test('leaves one alone that the account names', async () => {
    const installation = await installationOf();
    const { release } = await withManaged();
    await changeAccount({ unmanagedVms: 'Report' });
    const [spared = '', gone = ''] = await deployAll([strayName(installation), strayName(installation)]);
    await changeAccount({ unmanagedVms: 'Delete', keepVms: [spared] });
    await until('the other one is gone', async () => !(await idsThere()).includes(gone), idsThere);
    await team.untilListed(3);
    expect(await deletedIds()).toEqual([gone]);
    expect((await statusNow()).unmanagedVms).toMatchObject([{ id: spared, kept: 'spec.keepVms' }]);
    await team.changeVm(spared, { remove: true });
    await release();
  });
});
