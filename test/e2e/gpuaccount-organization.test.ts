import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { gpuAccountType } from '../../src/api/group.ts';
import { secretType } from '../../src/controllers/objects.ts';
import { GoBetween } from '../support/go-between.ts';
import { pair as ownPair, type Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';

/** The platform team exchanges the credentials of an account: for the right ones, and for another organization's. */

const otherPair = { api_key: 'other-api-key-5c9d0e1f', api_token: 'other-api-token-3a6b9c2d' };

let stage: Stage;
let other: Organization;

beforeAll(async () => {
  stage = await Stage.set();
  other = await stage.organization({
    apiKey: otherPair.api_key,
    apiToken: otherPair.api_token,
    credentials: otherPair,
  });
});

afterAll(() => stage.strike());

let team: Organization;

beforeEach(async () => {
  team = await stage.organization({ endpoint: async (url) => (await providerOf(url)).url });
});

/** One address for both organizations, as the provider has it: whose call it is the key says. */
async function providerOf(url: string): Promise<GoBetween> {
  const goBetween = await GoBetween.before(url, async (request, onward) => {
    if (new URLSearchParams(request.body).get('api_key') !== otherPair.api_key) return onward();
    const endpoint = request.path.slice(request.path.indexOf('/v0/') + 4);
    const headers = { 'content-type': request.contentType };
    const { body } = request;
    const answer = await fetch(`${other.simulator.url}/${endpoint}`, { method: 'POST', headers, body });
    return { status: answer.status, body: await answer.text() };
  });
  stage.atEnd(goBetween);
  return goBetween;
}

async function putIntoSecret(pair: typeof ownPair): Promise<void> {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const data = { api_key: base64(pair.api_key), api_token: base64(pair.api_token) };
  await stage.cluster.kube.mergePatch(secretType, { namespace: team.namespace, name: 'tensordock' }, { data });
}

async function untilAccountSays(reason: string): Promise<string> {
  const condition = await until(
    `the account says ${reason}`,
    async () => {
      const ready = await team.accountCondition('Ready');
      return ready?.reason === reason && ready;
    },
    () => team.accountCondition('Ready'),
  );
  return condition.message;
}

async function deployments(organization: Organization): Promise<number> {
  return (await organization.state()).requests['client/deploy/single'] ?? 0;
}

test("another organization's credentials change nothing, and nothing is lost when they are taken back", async () => {
  const vm = await stage.create(team, 'kept');
  const id = (await vm.untilReady()).vm?.id;
  const before = await deployments(other);
  await putIntoSecret(otherPair);
  expect(await untilAccountSays('OrganizationUnproven')).toContain(`VM ${id ?? ''} of GpuVm ${team.namespace}/kept`);
  expect(await vm.untilSaid('OrganizationUnproven', 'Synced')).toContain('its own conditions say what to do');
  await other.untilListed(3);
  expect(await vm.condition('Ready')).toMatchObject({ status: 'True' });
  await vm.askDelete();
  await other.untilListed(3);
  expect(await vm.object()).toBeDefined();
  expect((await team.state()).vms.map((one) => one.id)).toEqual([id]);
  await putIntoSecret(ownPair);
  await vm.untilGone();
  expect((await team.state()).vms).toEqual([]);
  expect(await deployments(other)).toBe(before);
});

test('a rotated pair of the same organization counts while a VM runs, and nobody has to do anything', async () => {
  const vm = await stage.create(team, 'rotated');
  await vm.untilReady();
  const before = (await team.accountObject())?.status?.organization?.keyFingerprint;
  expect(before).toMatch(/^[0-9a-f]{12}$/);
  const rotated = { api_key: 'rotated-api-key-8e7f6a5b', api_token: 'rotated-api-token-1c2d3e4f' };
  await team.control('POST', 'credentials', { apiKey: rotated.api_key, apiToken: rotated.api_token });
  await untilAccountSays('InvalidCredentials');
  await putIntoSecret(rotated);
  await untilAccountSays('Polling');
  expect((await team.accountObject())?.status?.organization?.keyFingerprint).not.toBe(before);
  await vm.delete();
  expect((await team.state()).vms).toEqual([]);
});

test('another organization that somebody confirms is gone on with', async () => {
  // A host that loses a VM is left alone for a while, so there has to be another one.
  const vm = await stage.create(team, 'moved', { gpu: { models: ['v100-pcie-16gb', 'rtxa4000-pcie-16gb'] } });
  const { vm: left } = await vm.untilReady();
  await putIntoSecret(otherPair);
  const message = await untilAccountSays('OrganizationUnproven');
  const { organization } = (await team.accountObject())?.status ?? {};
  const assignment = `gpuvm.dev/confirm-organization=${organization?.unprovenKeyFingerprint ?? ''}`;
  expect(message).toContain(`kubectl annotate --overwrite gpuaccount ${team.account} ${assignment}`);
  const [name = '', value] = assignment.split('=');
  await stage.cluster.kube.mergePatch(
    gpuAccountType,
    { name: team.account },
    { metadata: { annotations: { [name]: value } } },
  );
  await vm.untilEvent('VmLost');
  const { vm: made } = await vm.until('it has another VM', (status) => ![undefined, left?.id].includes(status.vm?.id));
  expect((await other.state()).vms.map(({ id }) => id)).toContain(made?.id);
  // The one that was given up goes on billing until somebody deletes it there.
  await team.call('client/delete/single', { server: left?.id ?? '' });
});

test('an account that was made anew at the address of another organization does not get the VMs of the one before', async () => {
  const vm = await stage.create(team, 'orphan');
  const id = (await vm.untilReady()).vm?.id;
  const { kube } = stage.cluster;
  const account = await team.accountObject();
  const { spec } = account as unknown as { spec: object };
  await team.deleteAccount();
  await kube.mergePatch(gpuAccountType, { name: team.account }, { metadata: { finalizers: null } });
  const make = async (changes: object): Promise<void> => {
    await kube.create(gpuAccountType, {
      apiVersion: 'gpuvm.dev/v1alpha1',
      kind: 'GpuAccount',
      metadata: { name: team.account },
      spec: { ...spec, ...changes },
    });
  };
  await putIntoSecret(otherPair);
  await make({ endpoint: other.simulator.url });
  await untilAccountSays('OrganizationUnproven');
  await other.untilListed(3);
  expect((await vm.status()).vm?.id).toBe(id);
  await team.deleteAccount();
  await kube.mergePatch(gpuAccountType, { name: team.account }, { metadata: { finalizers: null } });
  await putIntoSecret(ownPair);
  await make({});
  await untilAccountSays('Polling');
  await vm.delete();
  expect((await team.state()).vms).toEqual([]);
});
