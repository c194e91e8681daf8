import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';
import type { VmHandle } from '../support/vm-handle.ts';

/** What people do by hand: adopt, pause, retain, abandon; and what a guest is given at its birth. */

const v100Host = '8db2ec46-c094-4262-bc7e-6c76617f4237';

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.set({ 'allow-private-probes': '' });
});

afterAll(() => stage.strike());

/** A VM that somebody deployed in the provider's dashboard. Gives its id. */
async function deployByHand(team: Organization, port: number): Promise<string> {
  const answer = await team.call('client/deploy/single', {
    ...{
      name: `by-hand-${String(port)}`,
      password: 'superC0mplexPassword',
      hostnode: v100Host,
      operating_system: 'Ubuntu 22.04 LTS',
    },
    ...{ gpu_model: 'v100-pcie-16gb', gpu_count: 1, vcpus: 4, ram: 16, storage: 100 },
    ...{ external_ports: `{${String(port)}}`, internal_ports: '{22}' },
  });
  expect(answer).toMatchObject({ success: true });
  return String(answer['server']);
}

const freePort = 60_100;

describe('adoption', () => {
  let team: Organization;

  beforeAll(async () => {
    team = await stage.organization();
  });

  async function deployments(): Promise<number> {
    return (await team.state()).requests['client/deploy/single'] ?? 0;
  }

  test('takes over a VM that exists, once the spec matches it, and deploys nothing', async () => {
    const id = await deployByHand(team, freePort);
    const before = await deployments();
    const vm = await stage.create(team, 'adopter', { vcpus: 8 }, { 'gpuvm.dev/adopt': id });
    expect(await vm.untilSaid('AdoptionMismatch')).toContain('vCPUs 4 instead of 8');
    await vm.patchSpec({ vcpus: 4 });
    expect((await vm.untilReady()).vm).toMatchObject({ id, name: `by-hand-${String(freePort)}`, adopted: true });
    await vm.untilEvent('Adopted');
    expect(await deployments()).toBe(before);
  });

  test('is refused for an id that the organization does not have, and deploys nothing instead', async () => {
    const before = await deployments();
    const id = '00000000-0000-4000-8000-000000000000';
    const vm = await stage.create(team, 'misled', {}, { 'gpuvm.dev/adopt': id });
    expect(await vm.untilSaid('AdoptionVmNotFound')).toContain(id);
    expect(await deployments()).toBe(before);
    await vm.annotate('adopt', null);
    await vm.untilReady();
  });

  test('is refused for a VM that another resource owns', async () => {
    const owner = await stage.create(team, 'owner');
    const { vm: owned } = await owner.untilReady();
    const thief = await stage.create(team, 'thief', {}, { 'gpuvm.dev/adopt': owned?.id ?? '' });
    expect(await thief.untilSaid('AdoptionRefused')).toContain('belongs to another resource');
    await thief.delete();
    expect(await team.vm(owned?.id ?? '')).toMatchObject({ status: 'Running' });
  });

  test('of one VM by two resources at once is granted to one of them', async () => {
    const id = await deployByHand(team, freePort - 1);
    const rivals = await Promise.all(
      ['rival-a', 'rival-b', 'rival-c'].map((name) => stage.create(team, name, {}, { 'gpuvm.dev/adopt': id })),
    );
    const said = async (vm: VmHandle): Promise<string> => (await vm.condition('Ready'))?.reason ?? '';
    const answers = await until('all have their answer', async () => {
      const reasons = (await Promise.all(rivals.map(said))).sort();
      return reasons.every((reason) => ['Running', 'AdoptionRefused'].includes(reason)) && reasons;
    });
    expect(answers).toEqual(['AdoptionRefused', 'AdoptionRefused', 'Running']);
  });
});

describe('by annotation and policy', () => {
  let team: Organization;

  beforeAll(async () => {
    team = await stage.organization();
  });

  test('a paused resource is told apart, and nothing is changed at the provider until it goes on', async () => {
    const vm = await stage.create(team, 'paused');
    const id = (await vm.untilReady()).vm?.id ?? '';
    await vm.annotate('paused', 'true');
    await vm.untilSaid('Paused', 'Synced');
    await vm.patchSpec({ powerState: 'Stopped' });
    await vm.until('the new spec is seen', () => true);
    await team.untilListed(2);
    expect(await team.vm(id)).toMatchObject({ status: 'Running' });
    await vm.annotate('paused', null);
    await vm.untilSaid('Stopped');
  });

  test('a request to look again is answered with its own value', async () => {
    const vm = await stage.create(team, 'nudged');
    await vm.untilReady();
    await vm.annotate('reconcile-requested-at', '2026-01-02T03:04:05Z');
    await vm.until('it is handled', ({ lastHandledReconcileAt }) => lastHandledReconcileAt === '2026-01-02T03:04:05Z');
  });

  test('Retain leaves the VM at the provider, and says that it goes on billing', async () => {
    const vm = await stage.create(team, 'kept', { deletionPolicy: 'Retain' });
    const id = (await vm.untilReady()).vm?.id ?? '';
    await vm.delete();
    expect(await team.vm(id)).toMatchObject({ status: 'Running' });
    expect((await vm.untilEvent('Retained')).note).toContain('goes on billing');
    const why = `Retained: GpuVm ${team.namespace}/kept`;
    await until(
      'the account reports it as kept',
      async () => (await team.accountObject())?.status?.unmanagedVms?.some((vm) => vm.id === id && vm.kept === why),
      async () => (await team.accountObject())?.status,
    );
    await team.call('client/delete/single', { server: id });
  });

  test('a VM that cannot be deleted holds its resource until somebody lets it go by annotation', async () => {
    const vm = await stage.create(team, 'stuck');
    const id = (await vm.untilReady()).vm?.id ?? '';
    await team.fault({ endpoint: 'client/delete/single', kind: 'error-500' });
    await vm.askDelete();
    expect(await vm.untilSaid('DeleteFailed')).toContain('may still be billed');
    await vm.annotate('abandon', 'true');
    await vm.untilGone();
    expect((await vm.untilEvent('Abandoned')).type).toBe('Warning');
    await team.endFaults();
    await team.call('client/delete/single', { server: id });
  });
});

describe('a guest', () => {
  let team: Organization;
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGpuvmTestKeyTestKeyTestKeyTestKeyTest me@home';
  const script = '#cloud-config\nruncmd:\n  - echo "100% \\ done" > /tmp/x\n  - [ls, -l]\n';
  const guestsScript = script.replace('#cloud-config\n', '');

  beforeAll(async () => {
    team = await stage.organization();
    const { cluster } = stage;
    await cluster.createSecret(team.namespace, 'login', { key, password: 'correct-horse-battery', script });
    await cluster.createConfigMap(team.namespace, 'setup', { script });
  });

  test.each([
    ['inline', { inline: script }],
    ['a ConfigMap', { configMapRef: { name: 'setup', key: 'script' } }],
    ['a Secret', { secretRef: { name: 'login', key: 'script' } }],
  ])('gets its cloud-init from %s as it was written, without the first line', async (from, cloudInit) => {
    const name = `guest-${from.slice(-6).toLowerCase()}`;
    const vm = await stage.create(team, name, { cloudInit });
    const { cloudInit: arrived } = await team.vm((await vm.untilReady()).vm?.id ?? '');
    expect(arrived?.trimEnd()).toBe(guestsScript.trimEnd());
  });

  test('gets the SSH key and the password of its Secrets', async () => {
    const access = {
      sshKeySecretRef: { name: 'login', key: 'key' },
      passwordSecretRef: { name: 'login', key: 'password' },
    };
    const vm = await stage.create(team, 'guest', { access });
    const guest = await team.vm((await vm.untilReady()).vm?.id ?? '');
    expect(guest).toMatchObject({ password: 'correct-horse-battery', sshKeys: [key] });
    const data = await stage.cluster.secretData(team.namespace, 'guest-connection');
    expect(data).toMatchObject({ password: 'correct-horse-battery' });
  });

  test('makes its VM Ready once it answers', async () => {
    // Hosts that no other simulator on this machine is likely to have guests on.
    const place = await stage.organization({ guests: true, hosts: 12, seed: 4711, bootDelayMs: 500 });
    const readinessProbe = { tcpSocket: { port: 'ssh' }, periodSeconds: 1, timeoutSeconds: 1 };
    const vm = await stage.create(place, 'answering', { readinessProbe });
    const { address } = await vm.untilReady();
    expect(address).toMatch(/^127\./);
    expect(await vm.condition('Reachable')).toMatchObject({ status: 'True', reason: 'ProbeSucceeded' });

    await vm.patchSpec({ powerState: 'Stopped' });
    await vm.untilSaid('Stopped');
    await vm.patchSpec({ powerState: 'Running' });
    await vm.untilReady();
  });
});
