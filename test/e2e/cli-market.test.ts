import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { gpuBudgetType, gpuVmType } from '../../src/api/group.ts';
import { Cli, type CliEnd } from '../support/cli.ts';
import { pair, type Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';
import { kubeconfigWith } from '../support/user.ts';
import { VmHandle } from '../support/vm-handle.ts';

/** What the command line says of prices, the provider and the cluster, and how it takes over a VM that exists. */

let stage: Stage;
let team: Organization;
let cli: Cli;
let directory: string;

beforeAll(async () => {
  stage = await Stage.set({ 'cost-labels': 'team' });
  team = await stage.organization();
  cli = new Cli(stage.cluster.kubeconfigPath, team.namespace);
  directory = await mkdtemp(path.join(tmpdir(), 'gpuvm-cli-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
  await stage.strike();
});

/** Nothing that it says may hold the pair. */
async function run(args: readonly string[], options: Parameters<Cli['run']>[1] = {}): Promise<CliEnd> {
  const end = await cli.run(args, options);
  for (const secret of Object.values(pair)) expect(`${end.stdout}${end.stderr}`).not.toContain(secret);
  return end;
}

interface Offers {
  readonly offers: readonly { readonly host: string; readonly hourly: string }[];
  readonly rest?: { readonly why: string };
}

describe('offers', () => {
  test('have first the host that the operator takes for the same spec, at the price that it then costs', async () => {
    const args = ['--gpu', 'v100-pcie-16gb', '--vcpus', '4', '--memory', '16', '--storage', '100'];
    const { offers } = await cli.json<Offers>('offers', ...args, '--account', team.account);
    const vm = await stage.create(team, 'taker');
    const { vm: recorded, hourlyPrice } = await vm.untilReady();
    expect(offers[0]).toMatchObject({ host: recorded?.hostnode, hourly: hourlyPrice?.running });
    await vm.delete();
  });

  test('for a VM that finds no host say why, and end with 6', async () => {
    const vm = await stage.create(team, 'dreamer', { maxHourlyPrice: '0.01' });
    await vm.untilSaid('OverPriceCap');
    const { code, stdout } = await run(['offers', '--for', 'dreamer']);
    expect(stdout).toMatch(
      /Nothing fits\.\nNot: 7 hosts: .*over price.*\nBut for the price, the cheapest is \$0\.\d+ per hour\./,
    );
    expect(code).toBe(6);
    await vm.delete();
  });

  test('can be asked of an address without any cluster or credentials', async () => {
    const env = { KUBECONFIG: path.join(directory, 'none') };
    const { code, stdout } = await run(['offers', '--endpoint', team.simulator.url, '--gpu', 'v100'], { env });
    expect(stdout).toContain('v100-pcie-16gb');
    expect(code).toBe(0);
  });

  test.each([
    [['--gpu', 'v10o-pcie-16gb'], 3, /no host has a GPU model "v10o-pcie-16gb"\nDid you mean "v100-pcie-16gb"\?/],
    [['--vcpus', '5'], 2, /give an even number/],
    [['--max-price', 'cheap'], 2, /give dollars per hour/],
    [['--storage', '1'], 2, /that cannot be asked for: storageGB/],
    [['--for', 'nobody'], 3, /there is no GpuVm or SpotVm "nobody"/],
  ])('refuse %j with %d', async (args, expected, message) => {
    const { code, stderr } = await run(['offers', '--account', team.account, ...args]);
    expect(stderr).toMatch(message);
    expect(code).toBe(expected);
  });

  test('of a provider that does not answer name its address', async () => {
    const { code, stderr } = await run(['offers', '--endpoint', 'http://127.0.0.1:9/api/v0']);
    expect(stderr).toContain('cannot reach the provider at http://127.0.0.1:9/api/v0');
    expect(code).toBe(5);
  });
});

test('a quote is what the VM then costs, running and released', async () => {
  const manifest = {
    ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', metadata: { name: 'quoted' } },
    spec: { accountName: team.account, gpu: { models: ['v100-pcie-16gb'] }, vcpus: 4, memoryGB: 16, storageGB: 100 },
  };
  const { stdout, code } = await run(['quote', '-f', '-', '-o', 'json'], { input: JSON.stringify(manifest) });
  expect(code).toBe(0);
  const { total } = JSON.parse(stdout) as { total: { running: string; released: string } };
  const vm = await stage.create(team, 'quoted');
  const { hourlyPrice } = await vm.untilReady();
  expect(total).toMatchObject({ running: hourlyPrice?.running, released: hourlyPrice?.storage });

  const cost = await cli.json<{ total: { now: string; vms: number } }>('cost');
  expect(cost.total).toMatchObject({ now: hourlyPrice?.billedNow, vms: 1 });
  await vm.delete();
});

test('what was spent is counted for the budget that is there, and for the label that was asked for', async () => {
  const { namespace } = team;
  const { kube } = stage.cluster;
  const vm = await stage.create(team, 'spender');
  await kube.mergePatch(gpuVmType, { namespace, name: 'spender' }, { metadata: { labels: { team: 'vision' } } });
  await vm.untilReady();
  const { stdout } = await run(['cost', '--by', 'namespace']);
  expect(stdout).toContain(`Not counted in ${namespace}: no GpuBudget there records what is spent.`);

  await kube.create(gpuBudgetType, {
    ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuBudget', metadata: { namespace, name: 'purse' } },
    spec: { hard: { vms: 50 } },
  });
  const spent = await until('the budget has counted something', async () => {
    const [there] = (await cli.json<{ spent: { today: string; thisMonth: string }[] }>('cost')).spent;
    return there !== undefined && Number(there.today) > 0 && there;
  });
  expect(spent).toMatchObject({ namespace, budget: 'purse', thisMonth: spent.today });
  expect((await run(['cost', '-A'])).stdout).toMatch(new RegExp(`^${namespace} .* \\$0\\.\\d\\d +\\$0\\.\\d\\d$`, 'm'));
  const charged = { kind: 'GpuVm', namespace, label_team: 'vision' };
  await until('the counter goes', async () => (await stage.operator.metric('gpuvm_cost_dollars_total', charged)) > 0);

  const kubeconfig = await kubeconfigWith(stage.cluster, { namespace, name: 'no-purse' }, [
    { apiGroups: ['gpuvm.dev'], resources: ['gpuvms', 'spotvms'], verbs: ['list'] },
  ]);
  expect(await new Cli(kubeconfig, namespace).run(['cost'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /gpuvm\/spender +1 [^]*you may not read: the verb list on gpubudgets is missing/,
    ) as string,
  });
  await kube.delete(gpuBudgetType, { namespace, name: 'purse' });
  await vm.delete();
});

/** One of the simulator's hosts, which it always has. */
const v100Host = '8db2ec46-c094-4262-bc7e-6c76617f4237';

/** A VM that somebody deployed in the provider's dashboard. Gives its id. */
async function deployByHand(name: string, port: number): Promise<string> {
  const answer = await team.call('client/deploy/single', {
    ...{ name, password: 'superC0mplexPassword', hostnode: v100Host, operating_system: 'Ubuntu 22.04 LTS' },
    ...{ gpu_model: 'v100-pcie-16gb', gpu_count: 1, vcpus: 4, ram: 16, storage: 100 },
    ...{ external_ports: `{${port}}`, internal_ports: '{22}' },
  });
  expect(answer).toMatchObject({ success: true });
  return String(answer['server']);
}

describe('import', () => {
  test('writes a manifest that kubectl can apply, and changes nothing', async () => {
    const id = await deployByHand('My GPU box', 60_100);
    const { stdout, code } = await run(['import', id, '--account', team.account]);
    expect(code).toBe(0);
    expect(parse(stdout)).toMatchObject({
      kind: 'GpuVm',
      metadata: { name: 'my-gpu-box', annotations: { 'gpuvm.dev/adopt': id } },
      spec: { deletionPolicy: 'Retain', powerState: 'Running' },
    });
    expect((await stage.cluster.kube.list(gpuVmType, { namespace: team.namespace })).items).toEqual([]);

    const vms = `/apis/gpuvm.dev/v1alpha1/namespaces/${team.namespace}/gpuvms`;
    await stage.cluster.apply(`${vms}/my-gpu-box`, stdout);
    const box = new VmHandle(stage.cluster, team.namespace, 'my-gpu-box');
    expect((await box.untilReady()).vm).toMatchObject({ id, adopted: true });
    await box.patchSpec({ deletionPolicy: 'Delete' });
    await box.delete();
  });

  test('with --apply takes the VM over, and deploys none', async () => {
    const id = await deployByHand('second', 60_101);
    const before = (await team.requests('client/deploy/single')).length;
    const args = ['import', id, '--account', team.account, '--name', 'taken', '--apply', '--deletion-policy', 'Delete'];
    expect(await run(args)).toMatchObject({ code: 0, stdout: expect.stringContaining('gpuvm/taken: ') as string });
    const taken = new VmHandle(stage.cluster, team.namespace, 'taken');
    expect((await taken.status()).vm).toMatchObject({ id, adopted: true });
    expect((await team.requests('client/deploy/single')).length).toBe(before);

    const again = await run([...args.slice(0, 4), '--apply', '--name', 'second']);
    const owner = `VM ${id} belongs to GpuVm ${team.namespace}/taken`;
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining(owner) as string });
    const names = (await stage.cluster.kube.list(gpuVmType, { namespace: team.namespace })).items.map(
      ({ metadata }) => metadata.name,
    );
    expect(names).not.toContain('second');
    await taken.delete();
  });

  test('of an id that nobody has says which there are', async () => {
    const { code, stderr } = await run(['import', 'no-such-vm', '--account', team.account]);
    expect(stderr).toContain('the organization has no VM "no-such-vm"');
    expect(code).toBe(3);
  });

  test('takes credentials from the environment, and sends them to no address of an account', async () => {
    const env = { TENSORDOCK_API_KEY: pair.api_key, TENSORDOCK_API_TOKEN: pair.api_token };
    const args = ['import', 'no-such-vm', '--endpoint', team.simulator.url];
    expect((await run(args, { env })).code).toBe(3);
    const wrong = { ...env, TENSORDOCK_API_TOKEN: 'wrong-token' };
    expect((await run(args, { env: wrong })).code).toBe(4);
    expect((await run(args)).stderr).toContain('Set TENSORDOCK_API_KEY and TENSORDOCK_API_TOKEN');
    const half = await run(args, { env: { TENSORDOCK_API_KEY: pair.api_key } });
    expect(half).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('TENSORDOCK_API_TOKEN is not set') as string,
    });
    // The Secret of the account is right, and is what counts.
    expect((await run(['import', 'no-such-vm', '--account', team.account], { env: wrong })).code).toBe(3);
  });
});

test('an account is shown with its VMs and conditions, and nothing of its Secret', async () => {
  const { stdout, code } = await run(['account', team.account]);
  expect(stdout).toMatch(
    /Endpoint: +http:\/\/127[^]*Credentials: +Secret team-\S+\/tensordock[^]*CredentialsValid +True/,
  );
  expect(code).toBe(0);
  expect((await run(['account', `${team.account}x`])).stderr).toContain(`Did you mean "${team.account}"?`);
});

interface Check {
  readonly name: string;
  readonly state: string;
  readonly detail: string;
}

describe('doctor', () => {
  test('finds all well where it is', async () => {
    const checks = await cli.json<Check[]>('doctor');
    expect(checks.filter(({ name, state }) => state !== 'ok' && !name.startsWith('ssh'))).toEqual([]);
    expect(checks.map(({ name }) => name)).toContain(`provider, for account ${team.account}`);
  });

  test('names verb and resource of what a user may not do', async () => {
    const kubeconfig = await kubeconfigWith(stage.cluster, { namespace: team.namespace, name: 'viewer' }, [
      { apiGroups: ['gpuvm.dev'], resources: ['gpuvms', 'spotvms'], verbs: ['get', 'list'] },
    ]);
    const { code, stdout } = await new Cli(kubeconfig, team.namespace).run(['doctor']);
    expect(stdout).toMatch(
      /FAILED +may see VMs and pools +in namespace "team-\S+" you lack the verbs get, list on gpupools\.gpuvm\.dev/,
    );
    expect(stdout).toMatch(
      /warning +may start, stop, release .*the verb patch on gpuvms\.gpuvm\.dev, spotvms\.gpuvm\.dev/,
    );
    expect(stdout).toMatch(/skipped +accounts/);
    expect(code).toBe(6);
  });

  test('does not call all well for a namespace that is not there, nor for who is not logged in', async () => {
    const elsewhere = await cli.run(['doctor', '-n', 'no-such-team']);
    expect(elsewhere.stdout).toMatch(/FAILED +namespace +there is no namespace "no-such-team"/);
    expect(elsewhere.code).toBe(6);

    const nobody = path.join(directory, 'nobody');
    const text = await readFile(stage.cluster.kubeconfigPath, 'utf8');
    await writeFile(nobody, text.replaceAll(/^ +client-(certificate|key)-data: .*\n/gm, ''));
    const { code, stdout } = await run(['doctor'], { env: { KUBECONFIG: nobody } });
    expect(stdout).toMatch(/FAILED +login +you are not logged in: the API server takes you for system:anonymous/);
    expect(code).toBe(6);
  });

  test('says where it looked for a cluster that does not answer', async () => {
    const dead = path.join(directory, 'dead');
    const text = await readFile(stage.cluster.kubeconfigPath, 'utf8');
    await writeFile(dead, text.replace(/server: .*/, 'server: https://127.0.0.1:9'));
    const { code, stdout } = await run(['doctor'], { env: { KUBECONFIG: dead } });
    expect(stdout).toMatch(/FAILED +cluster +cannot reach the API server https:\/\/127\.0\.0\.1:9 \(context/);
    expect(code).toBe(6);
    expect(await run(['status'], { env: { KUBECONFIG: dead } })).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('cannot reach the API server https://127.0.0.1:9') as string,
    });
  });
});

test('completion knows the names in the cluster', async () => {
  const vm = await stage.create(team, 'completed', { powerState: 'Released' });
  const { stdout } = await cli.run(['__complete', 'status', '-n', team.namespace, 'comp']);
  expect(stdout).toBe('completed\n:4\n');
  await vm.delete();
});
