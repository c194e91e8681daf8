import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { GpuVmStatus } from '../../src/api/gpu-vm.ts';
import { gpuAccountType, gpuVmType } from '../../src/api/group.ts';
import { secretType } from '../../src/controllers/objects.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { changesOf, launchOf, ownName, recordOf, simVm, uidOf, v100Host } from '../support/forgery.ts';
import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';
import { userWith } from '../support/user.ts';
import type { GpuVm } from '../support/vm-handle.ts';

/** What a status says of somebody else's VM is never acted upon, whoever has written it there, and however. */

let stage: Stage;
/** The organization and namespace of those who are attacked. */
let team: Organization;
/** Another namespace that uses the same account. */
let others: Pick<Organization, 'namespace' | 'account'>;

beforeAll(async () => {
  stage = await Stage.set();
  team = await stage.organization({ hosts: 40 });
  others = { namespace: await stage.cluster.createNamespace('others'), account: team.account };
});

afterAll(() => stage.strike());

/** A VM that somebody deployed in the provider's dashboard. Gives its id. */
async function deployByHand(port: number): Promise<string> {
  const answer = await team.call('client/deploy/single', {
    ...{ name: `by-hand-${String(port)}`, password: 'superC0mplexPassword', hostnode: v100Host },
    ...{ operating_system: 'Ubuntu 22.04 LTS', gpu_model: 'v100-pcie-16gb', gpu_count: 1 },
    ...{ vcpus: 4, ram: 16, storage: 100, external_ports: `{${String(port)}}`, internal_ports: '{22}' },
  });
  expect(answer).toMatchObject({ success: true });
  return String(answer['server']);
}

describe('a user with a Role for gpuvms alone', () => {
  let user: KubeClient;

  beforeAll(async () => {
    const rules = [{ apiGroups: ['gpuvm.dev'], resources: ['gpuvms'], verbs: ['*'] }];
    user = await userWith(stage.cluster, others.namespace, rules);
  });

  afterAll(() => user.close());

  test('cannot bring a status along at creation, nor change it by an update or at the status subresource', async () => {
    const victim = await stage.create(team, 'out-of-reach');
    const { vm } = await victim.untilReady();
    const ref = { namespace: others.namespace, name: 'bringer' };
    const status = { vm: recordOf(vm?.id ?? '', vm?.name ?? '', 'me') };
    await user.create(gpuVmType, {
      ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', metadata: ref, status },
      spec: {
        ...{ accountName: others.account, gpu: { models: ['v100-pcie-16gb'] }, vcpus: 4, memoryGB: 16, storageGB: 100 },
        powerState: 'Stopped',
      },
    });
    const recorded = async (): Promise<unknown> => (await user.get<GpuVm>(gpuVmType, ref))?.status?.vm;
    expect(await recorded()).toBeUndefined();
    await user.mergePatch(gpuVmType, ref, { status });
    expect(await recorded()).toBeUndefined();
    await expect(user.mergePatch(gpuVmType, ref, { status }, 'status')).rejects.toThrow(
      /is forbidden: User .* cannot patch resource "gpuvms\/status"/,
    );
    await user.delete(gpuVmType, ref);
    await victim.delete();
  });

  test("reaches no account, no Secret, and nobody else's resource", async () => {
    const elsewhere = { namespace: team.namespace, name: 'anything' };
    const account = { apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuAccount', metadata: { name: 'mine' }, spec: {} };
    await expect(user.create(gpuAccountType, account)).rejects.toThrow(/is forbidden/);
    await expect(user.get(secretType, { namespace: others.namespace, name: 'x' })).rejects.toThrow(/is forbidden/);
    await expect(user.get(gpuVmType, elsewhere)).rejects.toThrow(/is forbidden/);
  });
});

describe("a status that names another resource's VM", () => {
  type Forgery = (victim: GpuVmStatus, uid: string) => object;

  test.each<[string, Forgery]>([
    ['by its own name', ({ vm }, uid) => ({ vm: recordOf(vm?.id ?? '', vm?.name ?? '', uid) })],
    ["under a name with the forger's mark", ({ vm }, uid) => ({ vm: recordOf(vm?.id ?? '', ownName(uid), uid) })],
    [
      'as one that was adopted',
      ({ vm }, uid) => ({ vm: { ...recordOf(vm?.id ?? '', ownName(uid), uid), adopted: true } }),
    ],
    [
      'as one that is too dear',
      ({ vm }, uid) => ({
        vm: recordOf(vm?.id ?? '', ownName(uid), uid),
        launch: launchOf(uid, 'Overpriced'),
      }),
    ],
    ['in a copy of its whole status', (status) => status],
  ])('%s has no effect on it', async (how, forgery) => {
    const name = how.replaceAll(/[^a-z]/g, '').slice(0, 12);
    const victim = await stage.create(team, `victim-${name}`);
    const id = (await victim.untilReady()).vm?.id ?? '';
    const forger = await stage.create(others, `forger-${name}`, { powerState: 'Stopped' });
    await forger.untilSaid('Stopped');
    await stage.writeStatus(forger, forgery(await victim.status(), await uidOf(forger)));
    expect((await forger.untilEvent('VmNotOurs')).note).toContain(id);
    await forger.until('the record is gone', ({ vm }) => vm === undefined);

    // The same with an operator that finds it when it starts, and with one that finds it in a deletion.
    await stage.operator.kill();
    await stage.writeStatus(forger, forgery(await victim.status(), await uidOf(forger)));
    await stage.restartOperator();
    await forger.until('the record is gone', ({ vm }) => vm === undefined);
    await stage.operator.kill();
    await stage.writeStatus(forger, forgery(await victim.status(), await uidOf(forger)));
    await forger.askDelete();
    await stage.restartOperator();
    await forger.untilGone();

    expect(await changesOf(team, id)).toEqual([]);
    expect(await simVm(team, id)).toMatchObject({ status: 'Running' });
    expect((await victim.untilReady()).vm?.id).toBe(id);
    await victim.delete();
  });

  test('that is in no list yet is not deleted on the word of a status', async () => {
    const victim = await stage.create(team, 'unlisted');
    const id = (await victim.untilReady()).vm?.id ?? '';
    const forger = await stage.create(others, 'unlister', { powerState: 'Stopped' });
    await forger.untilSaid('Stopped');
    await team.fault({ endpoint: 'client/list', kind: 'stale-list', ms: 3_600_000 });
    await stage.operator.kill();
    await stage.writeStatus(forger, { vm: recordOf(id, ownName(await uidOf(forger)), await uidOf(forger)) });
    await forger.askDelete();
    await stage.restartOperator();
    // Asked for by id it is there: a list that lacks it proves nothing, and the resource waits for one that does.
    await until('the provider is asked for it by id', async () =>
      (await team.requests('client/get/single')).some(({ params }) => params['server'] === id),
    );
    await team.untilListed(2);
    await team.endFaults();
    await forger.untilGone();
    expect(await changesOf(team, id)).toEqual([]);
    await victim.untilReady();
    await victim.delete();
  });
});

describe('a status that names a VM which carries no mark', () => {
  test('does not make it the own one; the annotation to adopt does, and its end deletes it', async () => {
    const id = await deployByHand(60_100);
    const forger = await stage.create(others, 'finder', { powerState: 'Stopped' });
    await forger.untilSaid('Stopped');
    await stage.writeStatus(forger, { vm: recordOf(id, 'by-hand-60100', await uidOf(forger)) });
    expect(await forger.untilSaid('VmNotOurs')).toContain('carries no mark of this resource');
    await team.untilListed(2);
    expect(await changesOf(team, id)).toEqual([]);
    await forger.annotate('adopt', id);
    await forger.untilSaid('Stopped');
    expect((await forger.status()).vm).toMatchObject({ id, adopted: true });
    await forger.delete();
    expect(await simVm(team, id)).toBeUndefined();
  });

  test('holds the deletion of its resource until somebody has looked', async () => {
    const id = await deployByHand(60_099);
    const forger = await stage.create(others, 'holder', { powerState: 'Stopped' });
    await forger.untilSaid('Stopped');
    await stage.writeStatus(forger, { vm: recordOf(id, 'by-hand-60099', await uidOf(forger)) });
    await forger.untilSaid('VmNotOurs');
    await forger.askDelete();
    await forger.until('it is being deleted', ({ phase }) => phase === 'Deleting');
    expect(await forger.untilSaid('VmNotOurs')).toContain('gpuvm.dev/abandon');
    await forger.annotate('abandon', 'true');
    await forger.untilGone();
    expect(await changesOf(team, id)).toEqual([]);
    await team.call('client/delete/single', { server: id });
  });

  test('that another resource has adopted does not take it away', async () => {
    const id = await deployByHand(60_098);
    const victim = await stage.create(team, 'adopter', {}, { 'gpuvm.dev/adopt': id });
    await victim.untilReady();
    const forger = await stage.create(others, 'adoption-forger', { powerState: 'Stopped' });
    await forger.untilSaid('Stopped');
    const forged = { vm: { ...recordOf(id, 'by-hand-60098', await uidOf(forger)), adopted: true } };
    await stage.writeStatus(forger, forged);
    expect((await forger.untilEvent('VmNotOurs')).note).toContain('another resource has taken it over');

    // Nobody can tell who was first when both are there at the start: neither does anything, and the last one keeps it.
    await stage.operator.kill();
    await stage.writeStatus(forger, forged);
    await stage.restartOperator();
    await forger.untilSaid('VmNotOurs');
    expect(await victim.untilSaid('VmNotOurs')).toContain('more than one resource');
    await forger.delete();
    await victim.untilReady();
    expect(await changesOf(team, id)).toEqual([]);
    expect(await simVm(team, id)).toMatchObject({ status: 'Running' });
    await victim.delete();
    expect(await simVm(team, id)).toBeUndefined();
  });
});

describe('no VM of another UID is taken or deleted', () => {
  test('by a resource that is made anew under the same name while the VM of the first one lives', async () => {
    const first = await stage.create(team, 'again');
    const id = (await first.untilReady()).vm?.id ?? '';
    // Without its finalizer nobody deletes the VM: whoever may update the resource can do that.
    await stage.operator.kill();
    await first.patch({ metadata: { finalizers: null } });
    await first.askDelete();
    await first.untilGone();
    await stage.restartOperator();
    const second = await stage.create(team, 'again');
    const next = (await second.untilReady()).vm?.id ?? '';
    expect(next).not.toBe(id);
    await until('the first VM is reported', async () =>
      (await team.accountObject())?.status?.unmanagedVms?.some((one) => one.id === id),
    );
    await second.delete();
    expect(await changesOf(team, id)).toEqual([]);
    await team.call('client/delete/single', { server: id });
  });

  test('by a resource that comes back from a backup with its old status and a new UID', async () => {
    const original = await stage.create(team, 'restored', { deletionPolicy: 'Retain' });
    const status = await original.untilReady();
    const id = status.vm?.id ?? '';
    await original.delete();
    await stage.operator.kill();
    const restored = await stage.create(team, 'restored');
    await stage.writeStatus(restored, status);
    await stage.restartOperator();
    const own = await restored.until('it has a VM of its own', ({ vm }) => vm !== undefined && vm.id !== id);
    expect(own.vm?.ownerUid).toBe(await uidOf(restored));
    await restored.delete();
    expect(await changesOf(team, id)).toEqual([]);
    expect(await simVm(team, id)).toMatchObject({ status: 'Running' });
    await team.call('client/delete/single', { server: id });
  });
});
