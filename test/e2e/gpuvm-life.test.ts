import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { secretType } from '../../src/controllers/objects.ts';
import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { kubectlTable } from '../support/table.ts';
import { until } from '../support/until.ts';
import { VmHandle } from '../support/vm-handle.ts';

/** The life of a GpuVm as its user sees it: what is applied, what kubectl shows, what the provider has. */

const sample = readFileSync(fileURLToPath(new URL('../../deploy/samples/gpuvm.yaml', import.meta.url)), 'utf8');

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.set();
});

afterAll(() => stage.strike());

function vmsPath(namespace: string): string {
  return `/apis/gpuvm.dev/v1alpha1/namespaces/${namespace}/gpuvms`;
}

describe('the sample manifest', () => {
  let team: Organization;

  beforeAll(async () => {
    team = await stage.organization({ bootDelayMs: 300, deleteDelayMs: 300 });
  });

  test('becomes a running VM whose address, price and login kubectl shows, and is gone from the provider once deleted', async () => {
    const manifest = sample.replace('\nspec:\n', `\nspec:\n  accountName: ${team.account}\n`);
    await stage.cluster.apply(`${vmsPath(team.namespace)}/trainer`, manifest);
    const trainer = new VmHandle(stage.cluster, team.namespace, 'trainer');
    const status = await trainer.untilReady();

    const [vm] = (await team.state()).vms;
    expect(vm).toMatchObject({ id: status.vm?.id, status: 'Running', vcpus: 4, ram: 16, storage: 100 });
    expect(status).toMatchObject({
      phase: 'Running',
      gpu: '1x geforcertx4090-pcie-24gb',
      address: vm?.ipAddress,
      user: 'user',
      connectionSecretName: 'trainer-connection',
    });
    const [external] = Object.keys(vm?.portForwards ?? {});
    expect(status.ports).toEqual([{ name: 'ssh', internal: 22, external: Number(external) }]);
    expect(await kubectlTable(stage.cluster, 'gpuvms', team.namespace)).toMatchObject([
      {
        ...{ Name: 'trainer', Ready: 'True', Status: 'Running', GPU: '1x geforcertx4090-pcie-24gb' },
        ...{ Location: status.location, '$/h': status.hourlyPrice?.running, Address: vm?.ipAddress },
        ...{ SSH: `ssh -p ${external ?? ''} user@${vm?.ipAddress ?? ''}`, VM: vm?.id, Synced: 'True' },
      },
    ]);

    await trainer.delete();
    expect((await team.state()).vms).toEqual([]);
  });

  test('tells the story of its life in events', async () => {
    const trainer = new VmHandle(stage.cluster, team.namespace, 'trainer');
    const launched = await trainer.untilEvent('Launched');
    expect(launched.note).toMatch(/^Deployed VM \S+ with 1x geforcertx4090-pcie-24gb for \$0\.\d+ per hour\.$/);
    await trainer.untilEvent('Running');
    await trainer.untilEvent('Deleted');
  });
});

test('kubectl explain has a sentence for every field of the spec and the status', async () => {
  const text = await stage.cluster.raw('/openapi/v3/apis/gpuvm.dev/v1alpha1');
  const { components } = JSON.parse(text) as { components: { schemas: Record<string, Schema> } };
  const silent = ['GpuVm', 'SpotVm', 'GpuAccount'].flatMap((kind) => {
    const { spec, status } = components.schemas[`dev.gpuvm.v1alpha1.${kind}`]?.properties ?? {};
    return [...fieldsWithoutWords(`${kind}.spec`, spec), ...fieldsWithoutWords(`${kind}.status`, status)];
  });
  expect(silent).toEqual([]);
});

interface Schema {
  readonly description?: string;
  readonly properties?: Record<string, Schema>;
  readonly items?: Schema;
}

function fieldsWithoutWords(path: string, schema: Schema | undefined): string[] {
  const fields = Object.entries(schema?.properties ?? schema?.items?.properties ?? {});
  const mine = schema?.description === undefined ? [path] : [];
  return [...mine, ...fields.flatMap(([name, field]) => fieldsWithoutWords(`${path}.${name}`, field))];
}

describe('the connection Secret', () => {
  let team: Organization;

  beforeAll(async () => {
    team = await stage.organization();
  });

  test('has what a person and a program need to log in, and the password that the guest was given', async () => {
    const ports = [
      { name: 'ssh', internal: 22 },
      { name: 'notebook', internal: 8888 },
    ];
    const vm = await stage.create(team, 'worker', { ports });
    const { ports: forwards = [], address = '', vm: recorded } = await vm.untilReady();
    const external = Object.fromEntries(forwards.map(({ name, external: port }) => [name, String(port)]));

    const guest = await team.vm(recorded?.id ?? '');
    const data = await stage.cluster.secretData(team.namespace, 'worker-connection');
    expect(data).toEqual({
      ...{ host: address, user: 'user', port: external['ssh'], password: guest.password },
      ...{ 'port-ssh': external['ssh'], 'port-notebook': external['notebook'] },
      ssh_config: `Host worker\n  HostName ${address}\n  Port ${external['ssh'] ?? ''}\n  User user\n`,
    });
    expect(guest.portForwards).toEqual({ [external['ssh'] ?? '']: '22', [external['notebook'] ?? '']: '8888' });
  });

  test('is written again when somebody deletes it, but for the password, which only the guest knows by then', async () => {
    const vm = await stage.create(team, 'forgetful');
    const { address } = await vm.untilReady();
    await stage.cluster.kube.delete(secretType, { namespace: team.namespace, name: 'forgetful-connection' });
    const data = await until('the Secret is back', () =>
      stage.cluster.secretData(team.namespace, 'forgetful-connection'),
    );
    expect(data).toMatchObject({ host: address, user: 'user' });
  });

  test('never takes the place of a Secret that somebody else made: nothing is deployed until that is gone', async () => {
    const name = 'taken-connection';
    await stage.cluster.createSecret(team.namespace, name, { mine: 'all mine' });
    const vm = await stage.create(team, 'taken');
    expect(await vm.untilSaid('SecretConflict')).toContain(`"${name}"`);
    expect(await stage.cluster.secretData(team.namespace, name)).toEqual({ mine: 'all mine' });
    expect((await vm.status()).launch).toBeUndefined();

    await stage.cluster.kube.delete(secretType, { namespace: team.namespace, name });
    await vm.untilReady();
  });
});
