import { afterAll, beforeAll, expect, test } from 'vitest';

import { gpuAccountType } from '../../src/api/group.ts';
import type { VmLine } from '../../src/cli/unmanaged/view.ts';
import { Cli, type CliEnd } from '../support/cli.ts';
import { pair, type Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { deployByHand, makeRoom, strayName } from '../support/strays.ts';
import { until } from '../support/until.ts';
import { kubeconfigWith } from '../support/user.ts';

/** `gpuvm unmanaged`: who owns which VM, and the deletion of those that nobody does. */

let stage: Stage;
let team: Organization;
let cli: Cli;
let installation: string;
let foreign: string;
let managed: string;
let strays: string[];

beforeAll(async () => {
  stage = await Stage.set();
  team = await stage.organization();
  cli = new Cli(stage.cluster.kubeconfigPath, team.namespace);
  const vm = await stage.create(team, 'trainer');
  managed = (await vm.untilReady()).vm?.id ?? '';
  installation = await until('the account says so', async () => (await team.accountObject())?.status?.installation);
  await makeRoom(team, 7);
  foreign = await deployByHand(team, 'by-hand');
  strays = [];
  for (let count = 0; count < 3; count++) strays.push(await deployByHand(team, strayName(installation)));
  strays.sort();
});

afterAll(async () => {
  for (const id of strays) await team.call('client/delete/single', { server: id });
  await stage.strike();
});

/** Nothing that it says may hold the pair. */
async function run(args: readonly string[], options: Parameters<Cli['run']>[1] = {}): Promise<CliEnd> {
  const end = await cli.run(['unmanaged', ...args], options);
  for (const secret of Object.values(pair)) expect(`${end.stdout}${end.stderr}`).not.toContain(secret);
  return end;
}

function ofAccount(): string[] {
  return ['--account', team.account];
}

async function idsThere(): Promise<string[]> {
  return (await team.state()).vms.map(({ id }) => id).sort();
}

test('VMs without a resource are listed, with what they cost; all others when they are asked for', async () => {
  const lines = await cli.json<VmLine[]>('unmanaged', ...ofAccount());
  expect(lines.map(({ id }) => id).sort()).toEqual(strays);
  expect(lines[0]).toMatchObject({ standing: 'unmanaged', status: 'Running', gpu: '1x v100-pcie-16gb' });
  const all = await cli.json<VmLine[]>('unmanaged', ...ofAccount(), '--all');
  const standings = Object.fromEntries(all.map(({ id, standing }) => [id, standing]));
  expect(standings).toMatchObject({ [managed]: 'managed', [foreign]: 'foreign' });
  const { stdout, code } = await run(ofAccount());
  expect(stdout).toContain(`3 VMs of this installation (${installation}) have no resource, and cost $`);
  expect(stdout).toContain('1 of resources, 1 of others.');
  expect(code).toBe(0);
});

test('credentials may come from the environment, and go to the address that is given', async () => {
  const env = { TENSORDOCK_API_KEY: pair.api_key, TENSORDOCK_API_TOKEN: pair.api_token };
  const args = ['--endpoint', team.simulator.url, '-o', 'json'];
  const { stdout, code } = await run(args, { env });
  expect(code).toBe(0);
  expect((JSON.parse(stdout) as VmLine[]).map(({ id }) => id).sort()).toEqual(strays);
  expect((await run(args)).stderr).toContain('Set TENSORDOCK_API_KEY and TENSORDOCK_API_TOKEN');
  // By another installation's id none of them is one of its own.
  expect((await run([...args, '--installation', 'ffffffff'], { env })).stdout.trim()).toBe('[]');
});

test('what the command line names beats the environment, wherever it stands', async () => {
  const env = { TENSORDOCK_ENDPOINT: 'http://127.0.0.1:9/api/v0' };
  const lines = await run([...ofAccount(), '-o', 'json'], { env });
  expect((JSON.parse(lines.stdout) as VmLine[]).map(({ id }) => id).sort()).toEqual(strays);
  const own = { ...env, TENSORDOCK_API_KEY: pair.api_key, TENSORDOCK_API_TOKEN: pair.api_token };
  for (const args of [
    ['delete', foreign, '--yes', '--endpoint', team.simulator.url],
    ['--endpoint', team.simulator.url, 'delete', foreign, '--yes'],
  ])
    expect((await run(args, { env: own })).stderr).toContain('is not one that this installation');
});

test.each([
  ['of somebody else', () => foreign, /is not one that this installation \([0-9a-f]{8}\) has made/],
  ['of a resource', () => managed, /belongs to GpuVm team-\S+\/trainer: delete that/],
])('a VM %s is not deleted, nor is any other that is named with it', async (_, idOf, message) => {
  const { code, stderr } = await run(['delete', strays[0]!, idOf(), '--yes', ...ofAccount()]);
  expect(stderr).toMatch(message);
  expect(stderr).toContain('Nothing was deleted.');
  expect(code).toBe(1);
  expect(await idsThere()).toEqual([...strays, foreign, managed].sort());
});

test('with the id of another cluster nothing is deleted: whose its VMs are cannot be seen here', async () => {
  const theirs = await deployByHand(team, strayName('ffffffff'));
  const { code, stderr } = await run(['delete', theirs, '--yes', '--installation', 'ffffffff', ...ofAccount()]);
  expect(stderr).toContain(`this cluster is installation ${installation}`);
  expect(code).toBe(1);
  expect(await idsThere()).toContain(theirs);
  await team.call('client/delete/single', { server: theirs });
  await until('it is gone', async () => !(await idsThere()).includes(theirs));
});

test('what any account says is to be kept no script deletes that does not say so', async () => {
  const kept = strays[0]!;
  const other = `other-${team.namespace}`;
  const spec = { credentialsSecretRef: { namespace: team.namespace, name: 'nobody-has-it' }, keepVms: [kept] };
  const { kube } = stage.cluster;
  await kube.create(gpuAccountType, {
    apiVersion: 'gpuvm.dev/v1alpha1',
    kind: 'GpuAccount',
    metadata: { name: other },
    spec,
  });
  const { code, stderr } = await run(['delete', kept, '--yes', ...ofAccount()]);
  expect(stderr).toContain(`VM ${kept} was to be kept (spec.keepVms)`);
  expect(stderr).toContain('Add --kept');
  expect(code).toBe(1);
  expect(await idsThere()).toContain(kept);
  await kube.delete(gpuAccountType, { name: other });
  await until('the account is gone', async () => (await kube.get(gpuAccountType, { name: other })) === undefined);
});

test('who may not see all accounts does not know what was to be kept: --kept says that it goes all the same', async () => {
  const rule = { apiGroups: ['gpuvm.dev'], resources: ['gpuvms', 'spotvms'], verbs: ['get', 'list'] };
  const kubeconfig = await kubeconfigWith(stage.cluster, { namespace: team.namespace, name: 'no-accounts' }, [rule]);
  const env = { KUBECONFIG: kubeconfig, TENSORDOCK_API_KEY: pair.api_key, TENSORDOCK_API_TOKEN: pair.api_token };
  const stray = await deployByHand(team, strayName(installation));
  const args = ['delete', stray, '--yes', '--endpoint', team.simulator.url, '--installation', installation];
  const { code, stderr } = await run(args, { env });
  expect(stderr).toContain('not all GpuAccounts can be read here');
  expect(code).toBe(1);
  expect((await run([...args, '--kept'], { env })).stdout).toBe(`${stray}: deleted\n`);
  expect(await idsThere()).not.toContain(stray);
});

test('where nobody can be asked, and no flag says so, nothing is deleted', async () => {
  const { code, stderr } = await run(['delete', strays[0]!, ...ofAccount()], { input: 'yes\n' });
  expect(stderr).toContain('Add --yes');
  expect(code).toBe(2);
  expect(await idsThere()).toHaveLength(5);
});

test('an id that nobody has gets the one that was meant', async () => {
  const { code, stderr } = await run(['delete', strays[0]!.slice(0, -1), '--yes', ...ofAccount()]);
  expect(stderr).toContain(`Did you mean ${strays[0]!}?`);
  expect(code).toBe(3);
});

test('who may not see the resources of all namespaces is told so, and deletes nothing', async () => {
  const kubeconfig = await kubeconfigWith(stage.cluster, { namespace: team.namespace, name: 'narrow' }, [
    { apiGroups: ['gpuvm.dev'], resources: ['gpuvms', 'gpuaccounts'], verbs: ['get', 'list'] },
  ]);
  const env = { KUBECONFIG: kubeconfig, TENSORDOCK_API_KEY: pair.api_key, TENSORDOCK_API_TOKEN: pair.api_token };
  const { code, stderr } = await run(['delete', strays[0]!, '--yes', '--endpoint', team.simulator.url], { env });
  expect(stderr).toContain('may not list spotvms in the whole cluster');
  expect(code).toBe(4);
  expect(await idsThere()).toHaveLength(5);
});

test('those that are named are deleted, and are gone when it ends', async () => {
  const [first = '', second = '', third = ''] = strays;
  const { code, stdout } = await run(['delete', first, second, '--yes', ...ofAccount()]);
  expect(stdout.split('\n')).toEqual([`${first}: deleted`, `${second}: deleted`, '']);
  expect(code).toBe(0);
  expect(await idsThere()).toEqual([third, foreign, managed].sort());
});
