import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { Cli } from '../support/cli.ts';
import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';
import type { VmHandle } from '../support/vm-handle.ts';

/** Who would rather have a ready-made VM than wait for one: spec.instant. */

let stage: Stage;
let team: Organization;
let cli: Cli;

beforeAll(async () => {
  stage = await Stage.set();
});

/** One for each test: what was listed for the one before may be a moment old. */
beforeEach(async () => {
  team = await stage.organization();
  await team.control('DELETE', 'instants');
  cli = new Cli(stage.cluster.kubeconfigPath, team.namespace);
  stage.watchRunning(team);
});

afterAll(() => stage.strike());

const take = 'client/deployinstant/single';
const preferring = { instant: 'Prefer', maxHourlyPrice: '2' };

/** A VM that is larger than the small one of these tests, and has the same GPU. */
async function makeReady(changes: object = {}): Promise<string> {
  const size = { gpuModel: 'v100-pcie-16gb', vcpus: 8, ram: 32, storage: 200 };
  const { instantVms } = await team.control<{ instantVms: string[] }>('POST', 'instants', { ...size, ...changes });
  return instantVms[0] ?? '';
}

async function callsOf(vm: VmHandle): Promise<readonly string[]> {
  const { vm: recorded } = await vm.status();
  const made = [...(await team.requests(take)), ...(await team.requests('client/deploy/single'))];
  return made.filter(({ params }) => params['name'] === recorded?.name).map(({ path }) => path);
}

describe('a GpuVm with instant Prefer', () => {
  test('takes the ready-made VM that fits, with its name, password and cloud-config, and leaves it as large as it is', async () => {
    const id = await makeReady();
    const vm = await stage.create(team, 'quick', { ...preferring, cloudInit: { inline: 'runcmd: [echo ready]' } });
    const status = await vm.untilReady();
    expect(status).toMatchObject({
      launch: { instant: id, attempt: 1, outcome: 'Launched' },
      vm: { instant: true, applied: { vcpus: 8, memoryGB: 32, storageGB: 200 } },
      size: { vcpus: 8 },
      ports: [{ name: 'ssh', internal: 22 }],
    });
    expect(await callsOf(vm)).toEqual([take]);
    const guest = await team.vm(status.vm?.id ?? '');
    const secret = await stage.cluster.secretData(team.namespace, status.connectionSecretName ?? '');
    expect(guest).toMatchObject({
      name: status.vm?.name,
      password: secret?.['password'],
      cloudInit: 'runcmd: [echo ready]',
    });
    expect(await team.requests('client/modify/single')).toEqual([]);
  });

  test('is deployed where none is left', async () => {
    const vm = await stage.create(team, 'patient', preferring);
    await vm.untilReady();
    expect(await callsOf(vm)).toEqual(['client/deploy/single']);
  });

  test('is deployed where the one that is there cannot be had', async () => {
    await makeReady();
    await team.fault({ endpoint: take, kind: 'success-false', count: 1 });
    const vm = await stage.create(team, 'late', preferring);
    const { launch } = await vm.untilReady();
    expect(launch).toMatchObject({ attempt: 2, outcome: 'Launched' });
    expect(launch?.instant).toBeUndefined();
  });

  test('has one VM and no second one when the answer is lost', async () => {
    await makeReady({ count: 2 });
    await team.fault({ endpoint: take, kind: 'lost-answer', count: 1 });
    const vm = await stage.create(team, 'lost', preferring);
    const { vm: recorded } = await vm.untilReady();
    await vm.untilEvent('LaunchRecovered');
    expect(recorded?.instant).toBe(true);
    expect(await callsOf(vm)).toEqual([take]);
    expect((await team.state()).vms.filter(({ name }) => name === recorded?.name)).toHaveLength(1);
  });

  test('whose ready-made VM turns out dearer than the cap has it deleted at once', async () => {
    await makeReady({ listedPrice: '0.10', gpuCount: 4, vcpus: 32, ram: 120 });
    await makeReady({ listedPrice: '0.10', vcpus: 24, ram: 80 });
    const vm = await stage.create(team, 'capped', { ...preferring, maxHourlyPrice: '0.30' });
    await vm.untilEvent('PriceViolation');
    await until('the dear one is gone', async () =>
      (await team.state()).vms.every(({ computePrice, storagePrice }) => computePrice + storagePrice <= 0.3),
    );
    expect(await team.requests(take)).toHaveLength(1);
  });

  test.each([
    ['without a cap', { instant: 'Prefer' }, /instant Prefer needs maxHourlyPrice/],
    [
      'with ports that nobody can choose',
      {
        ...preferring,
        ports: [
          { name: 'ssh', internal: 22 },
          { name: 'web', internal: 80 },
        ],
      },
      /instant Prefer goes with port 22 alone/,
    ],
    ['by another word', { ...preferring, instant: true }, /spec\.instant/],
  ])('is refused %s', async (_, spec, message) => {
    await expect(stage.create(team, 'refused', spec)).rejects.toThrow(message);
  });
});

test('the command line lists what is ready, and quotes it', async () => {
  const id = await makeReady();
  const args = ['--gpu', 'v100-pcie-16gb', '--account', team.account];
  const { instants } = await cli.json<{ instants: { id: string; vcpus: number }[] }>('offers', '--instant', ...args);
  expect(instants).toEqual([expect.objectContaining({ id, vcpus: 8 })]);
  expect((await cli.run(['offers', '--instant', ...args])).stdout).toMatch(/Ready-made VMs\n {2}GPU .*\n {2}1x v100/);
  const spec = {
    accountName: team.account,
    gpu: { models: ['v100-pcie-16gb'] },
    vcpus: 4,
    memoryGB: 16,
    storageGB: 100,
  };
  const manifest = {
    ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', metadata: { name: 'quoted' } },
    spec: { ...spec, ...preferring },
  };
  const quoted = await cli.run(['quote', '-f', '-'], { input: JSON.stringify(manifest) });
  expect(quoted.stdout).toContain('gpuvm/quoted: a ready-made VM, as it stands');
  const vm = await stage.create(team, 'quoted', preferring);
  const { hourlyPrice, vm: recorded } = await vm.untilReady();
  expect(recorded?.instant).toBe(true);
  expect(quoted.stdout).toContain(`$${hourlyPrice?.running ?? '?'} `);
});
