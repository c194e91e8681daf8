import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { secretType } from '../../src/controllers/objects.ts';
import type { Organization } from '../support/organization.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';

/** Bad input gets a refusal or a condition that says what to do, and the resource recovers when the cause goes. */

let stage: Stage;
let team: Organization;

beforeAll(async () => {
  stage = await Stage.set();
  team = await stage.organization();
});

afterAll(() => stage.strike());

const publicKey = `ssh-ed25519 ${'A'.repeat(68)} me@example.com`;

describe('the API server refuses', () => {
  test.each<[string, object, RegExp]>([
    ['odd vCPUs', { vcpus: 3 }, /vcpus must be even/],
    ['odd memory', { memoryGB: 5 }, /memoryGB must be even/],
    ['a price that is no decimal', { maxHourlyPrice: 'cheap' }, /spec\.maxHourlyPrice/],
    ['a price of nothing', { maxHourlyPrice: '0.00' }, /must be more than zero/],
    ['a model named twice', { gpu: { models: ['a', 'a'] } }, /each GPU model may be named once/],
    [
      'an internal port twice',
      {
        ports: [
          { name: 'a', internal: 22 },
          { name: 'b', internal: 22 },
        ],
      },
      /forwarded once/,
    ],
    ['a probe of no port of the VM', { readinessProbe: { tcpSocket: { port: 'web' } } }, /one of spec\.ports/],
    ['two cloud-inits', { cloudInit: { inline: 'a', secretRef: { name: 'a', key: 'b' } } }, /exactly one of inline/],
    ['an empty location', { placement: { locations: [{}] } }, /at least one of country/],
    ['a ready-made VM at any price', { instant: 'Prefer' }, /instant Prefer needs maxHourlyPrice/],
  ])('%s', async (name, spec, message) => {
    await expect(stage.create(team, `refused-${name.replaceAll(/[^a-z]/g, '').slice(0, 20)}`, spec)).rejects.toThrow(
      message,
    );
  });

  test('another operating system, a smaller disk and other ports of a VM that exists', async () => {
    const vm = await stage.create(team, 'fixed', { powerState: 'Stopped' });
    await expect(vm.patchSpec({ operatingSystem: 'Windows 10' })).rejects.toThrow(/operatingSystem cannot be changed/);
    await expect(vm.patchSpec({ storageGB: 50 })).rejects.toThrow(/cannot be made smaller/);
    await expect(vm.patchSpec({ ports: [{ name: 'web', internal: 80 }] })).rejects.toThrow(/ports cannot be changed/);
  });
});

describe('the status says what is missing, and the VM comes once it is there:', () => {
  test('a Secret', async () => {
    const vm = await stage.create(team, 'no-secret', { access: { sshKeySecretRef: { name: 'my-key', key: 'pub' } } });
    expect(await vm.untilSaid('SecretNotFound')).toContain('create it with the key "pub"');
    await stage.cluster.createSecret(team.namespace, 'my-key', { pub: publicKey });
    await vm.untilReady();
    expect((await team.vm(await vm.vmId())).sshKeys.join()).toContain(publicKey);
  });

  test('a ConfigMap', async () => {
    const vm = await stage.create(team, 'no-map', { cloudInit: { configMapRef: { name: 'setup', key: 'script' } } });
    expect(await vm.untilSaid('ConfigMapNotFound')).toContain('create it with the key "script"');
    await stage.cluster.createConfigMap(team.namespace, 'setup', { script: '#cloud-config\nruncmd:\n  - date\n' });
    await vm.untilReady();
    expect((await team.vm(await vm.vmId())).cloudInit).toContain('runcmd:\n  - date');
  });

  test('a public key where a private one was pasted', async () => {
    await stage.cluster.createSecret(team.namespace, 'pasted', { pub: '-----BEGIN OPENSSH PRIVATE KEY-----\nabc' });
    const vm = await stage.create(team, 'pasted', { access: { sshKeySecretRef: { name: 'pasted', key: 'pub' } } });
    expect(await vm.untilSaid('InvalidInput')).toContain('looks like a private key');
    await stage.cluster.kube.mergePatch(
      secretType,
      { namespace: team.namespace, name: 'pasted' },
      {
        data: { pub: Buffer.from(publicKey).toString('base64') },
      },
    );
    await vm.untilReady();
  });

  test('an account', async () => {
    const vm = await stage.create(team, 'no-account', { accountName: 'nobody' });
    expect(await vm.untilSaid('AccountNotFound')).toContain('There is no GpuAccount "nobody"');
    await vm.delete();
  });

  test('a model that somebody has', async () => {
    const vm = await stage.create(team, 'no-model', { gpu: { models: ['quantum-pcie-1tb'] } });
    expect(await vm.untilSaid('NoOffer')).toMatch(/hosts: \d+ without the GPU model/);
    await vm.patchSpec({ gpu: { models: ['quantum-pcie-1tb', 'v100-pcie-16gb'] } });
    await vm.untilReady();
  });

  test('a price that a host can meet', async () => {
    const vm = await stage.create(team, 'too-cheap', { maxHourlyPrice: '0.01' });
    expect(await vm.untilSaid('OverPriceCap')).toMatch(/the cheapest for \$0\.\d+.*Raise it/);
    await vm.patchSpec({ maxHourlyPrice: '5.00' });
    await vm.untilReady();
  });

  test('enough storage for the operating system', async () => {
    const vm = await stage.create(team, 'small-disk', { operatingSystem: 'Windows 10', storageGB: 20 });
    expect(await vm.untilSaid('InvalidSpec')).toContain('needs at least 90 GB');
    await vm.patchSpec({ storageGB: 90 });
    await vm.untilReady();
  });

  test('a status that is known', async () => {
    const vm = await stage.create(team, 'odd-status');
    await vm.untilReady();
    await team.changeVm(await vm.vmId(), { status: 'Relocating' });
    expect(await vm.untilSaid('UnknownStatus')).toContain('"Relocating"');
    await team.changeVm(await vm.vmId(), { status: 'Running' });
    await vm.untilReady();
  });
});

test('wrong credentials are said at the account and the VM, and corrected ones count without a restart', async () => {
  const bad = await stage.organization({ credentials: { api_key: 'wrong-key-123', api_token: 'wrong-token-456' } });
  const vm = await stage.create(bad, 'waits');
  expect(await vm.untilSaid('InvalidCredentials')).not.toContain('wrong-token-456');
  // The VM and the account are woken by the same failed poll; either may be written first.
  const account = await until('the account says so', async () => {
    const condition = await bad.accountCondition('CredentialsValid');
    return condition?.status === 'False' && condition;
  });
  expect(account.reason).toBe('InvalidCredentials');
  const good = { api_key: 'test-api-key-1f7a2b9c', api_token: 'test-api-token-7d1e4f8a2b' };
  const data = Object.fromEntries(
    Object.entries(good).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  await stage.cluster.kube.mergePatch(secretType, { namespace: bad.namespace, name: 'tensordock' }, { data });
  await vm.untilReady();
});
