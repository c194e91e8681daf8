import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { gpuAccountType } from '../../src/api/group.ts';
import { Cli } from '../support/cli.ts';
import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';
import { kubeconfigWith } from '../support/user.ts';

/** The command line in front of a real API server, the operator and a simulated provider, as its user sees it in a pipe. */

let stage: Stage;
let team: Organization;
let cli: Cli;

beforeAll(async () => {
  stage = await Stage.set();
  team = await stage.organization();
  cli = new Cli(stage.cluster.kubeconfigPath, team.namespace);
});

afterAll(() => stage.strike());

interface Report {
  readonly phase: string;
  readonly problems: readonly { readonly what: string }[];
  readonly nextStep: string;
}

describe('status', () => {
  test('of one VM has its address and price, no problem, and what to do next; no password in any form of it', async () => {
    const vm = await stage.create(team, 'trainer');
    const { address = '', connectionSecretName = '' } = await vm.untilReady();
    const { code, stdout } = await cli.run(['status', 'trainer']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^GpuVm team-\S+\/trainer\n/);
    for (const text of [address, 'Conditions', 'Problems\n  none', 'Next step\n  gpuvm ssh trainer']) {
      expect(stdout).toContain(text);
    }
    expect(stdout).not.toContain('\u001b');

    const report = await cli.json<Report>('status', 'gpuvm/trainer');
    expect(report).toMatchObject({ kind: 'GpuVm', name: 'trainer', address, phase: 'Running', problems: [] });
    const { password = '' } = (await stage.cluster.secretData(team.namespace, connectionSecretName)) ?? {};
    for (const format of ['table', 'json', 'yaml']) {
      const { stdout: text } = await cli.run(['status', 'trainer', '-o', format]);
      expect(password === '' || text.includes(password)).toBe(false);
    }
  });

  test('of a VM that finds no host says why and what to do, and --check tells a script', async () => {
    const vm = await stage.create(team, 'dreamer', { maxHourlyPrice: '0.01' });
    await vm.untilSaid('OverPriceCap');
    const { code, stdout } = await cli.run(['status', 'dreamer', '--check']);
    expect(stdout).toMatch(/Problems\n {2}- OverPriceCap: [^]*Next step\n {2}gpuvm offers --for gpuvm\/dreamer/);
    expect(code).toBe(6);
    await vm.delete();
  });

  test('shows what is the matter with the account of a VM that runs all the same, and leads there', async () => {
    const limit = (limits: object | null): Promise<unknown> =>
      stage.cluster.kube.mergePatch(gpuAccountType, { name: team.account }, { spec: { limits } });
    const untilSaid = async (reason: string): Promise<void> => {
      await until(
        `the account says ${reason}`,
        async () => (await team.accountCondition('BalanceHealthy'))?.reason === reason,
      );
    };
    await limit({ minRunway: '100000h' });
    await untilSaid('BalanceLow');
    for (const args of [['status', 'trainer'], ['status']]) {
      const { stdout } = await cli.run(args);
      expect(stdout).toContain('BalanceLow: The balance lasts for less than 100000h');
      expect(stdout).toMatch(new RegExp(`Next step\\n {2}gpuvm account ${team.account}\\n`));
    }
    await limit(null);
    await untilSaid('BalanceSufficient');
  });

  test('of all lists them, with the sum of what they cost', async () => {
    const { stdout } = await cli.run(['status']);
    expect(stdout).toMatch(/^GPU VMs in namespace team-\S+\n1 VM, 1 ready; \$0\.\d+ per hour, \$\d+\.\d\d per month\n/);
    const all = await cli.json<{ vms: { name: string; namespace: string }[] }>('status', '-A');
    expect(all.vms).toContainEqual(expect.objectContaining({ name: 'trainer', namespace: team.namespace }));
  });
});

describe('a name that is not there', () => {
  test.each([
    [
      ['status', 'trianer'],
      3,
      /there is no GpuVm or SpotVm or GpuPool "trianer" in namespace .*\nDid you mean "trainer"\?/,
    ],
    [['ssh', 'gpuvm/trainr'], 3, /Did you mean "trainer"\?/],
    [['status', 'spotvm/trainer'], 3, /there is no SpotVm "trainer"/],
    [
      ['status', 'spotwm/trainer'],
      2,
      /is no kind that can be named here: gpuvm, spotvm, gpupool\. Did you mean spotvm\/trainer\?/,
    ],
    [['status', '../secrets'], 2, /is no kind/],
    [['status', 'Trainer'], 2, /"Trainer" is no name of a resource/],
    [['statsu'], 2, /unknown command 'statsu'\n\(Did you mean status\?\)/],
    [['status', '-o', 'xml'], 2, /Allowed choices are table, json, yaml/],
  ])('%j ends with %d', async (args, expected, message) => {
    const { code, stdout, stderr } = await cli.run(args);
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
    expect(code).toBe(expected);
  });

  test('is pointed out in the namespace where it is', async () => {
    const { code, stderr } = await cli.run(['status', 'trainer', '-n', 'default']);
    expect(stderr).toContain(`add -n ${team.namespace}`);
    expect(code).toBe(3);
  });
});

test('a user who lacks a permission is told which verb on which resource', async () => {
  const kubeconfig = await kubeconfigWith(stage.cluster, { namespace: team.namespace, name: 'guest' }, [
    { apiGroups: ['gpuvm.dev'], resources: ['gpuvms'], verbs: ['get'] },
  ]);
  const guest = new Cli(kubeconfig, team.namespace);
  const { code, stderr } = await guest.run(['stop', 'gpuvm/trainer']);
  expect(stderr).toContain(`may not patch gpuvms in namespace "${team.namespace}"`);
  expect(stderr).toContain('Missing: the verb patch on the resource gpuvms of the API group gpuvm.dev');
  expect(code).toBe(4);
  expect((await guest.run(['status', 'gpuvm/trainer'])).code).toBe(0);
});

test('a context that the kubeconfig lacks is named', async () => {
  const { code, stderr } = await cli.run(['status', '--context', 'none']);
  expect(stderr).toContain('no cluster for context "none"');
  expect(code).toBe(2);
});

describe('power', () => {
  test('release gives the GPU back, start takes it again, each with its steps on standard error and the end on standard output', async () => {
    const released = await cli.run(['release', 'trainer']);
    const billed = /^gpuvm\/trainer: VM \S+ is stopped and its GPU given back: only its storage is billed\.\n$/;
    expect(released).toMatchObject({ code: 0, stdout: expect.stringMatching(billed) as string });
    // Which of them is the first is up to the operator: it may have looked at the resource already.
    expect(released.stderr).toMatch(/^ +\d+\.\ds {2}(waiting for the operator|Stopping: )/m);
    expect((await team.state()).vms.map(({ status }) => status)).toEqual(['StoppedDisassociated']);
    const started = await cli.run(['start', 'gpuvm/trainer']);
    expect(started).toMatchObject({ code: 0, stdout: expect.stringContaining('runs at') as string });
  });

  test('restart stops and starts, with everything kept in between', async () => {
    const restarted = await cli.run(['restart', 'trainer']);
    const both = /is stopped with everything kept[^]*runs at/;
    expect(restarted).toMatchObject({ code: 0, stdout: expect.stringMatching(both) as string });
    const stops = await team.requests('client/stop/single');
    expect(stops.at(-1)?.params['disassociate_resources'] ?? 'false').toBe('false');
  });

  test('that cannot be had in time says what it waits for, and that it goes on', async () => {
    await team.fault({ endpoint: 'client/start/single', kind: 'error-500' });
    await cli.run(['release', 'trainer']);
    const { code, stderr } = await cli.run(['start', 'trainer', '--timeout', '3s']);
    expect(stderr).toMatch(/not so after 3s: [^]*the operator goes on with it/);
    expect(code).toBe(7);
    await team.endFaults();
    expect((await cli.run(['start', 'trainer'])).code).toBe(0);
  });
});

describe('a pool', () => {
  test('is shown with its members, and switched as a whole', async () => {
    const pool = await stage.createPool(team, 'workers', { replicas: 2 });
    await pool.untilReady(2);
    const { stdout } = await cli.run(['status', 'pool/workers']);
    expect(stdout).toMatch(
      /Members: +2 ready of 2[^]*workers-0 +GpuVm +True[^]*workers-1 +GpuVm +True[^]*Problems\n {2}none/,
    );

    const released = await cli.run(['release', 'pool/workers']);
    expect(released.stdout).toBe('gpupool/workers: 2 of 2 members are Released.\n');
    const alone = await cli.run(['start', 'workers-0']);
    expect(alone).toMatchObject({ code: 1, stderr: expect.stringContaining('Name gpupool/workers instead') as string });
    await pool.askDelete();
    await pool.untilGone();
  });
});

test('the ports of a VM are listed as URLs', async () => {
  const ports = [
    { name: 'ssh', internal: 22 },
    { name: 'notebook', internal: 8888 },
  ];
  const vm = await stage.create(team, 'notebook', { ports });
  const { address = '', ports: forwards = [] } = await vm.untilReady();
  const [ssh, notebook] = forwards.map(({ external }) => external);
  const urls = await cli.json<{ url: string }[]>('urls', 'notebook');
  expect(urls.map(({ url }) => url)).toEqual([
    `ssh://user@${address}:${ssh ?? ''}`,
    `http://${address}:${notebook ?? ''}`,
  ]);
});
