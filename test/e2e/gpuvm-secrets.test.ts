import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';

import { gpuAccountType, gpuPoolType, gpuVmType, spotVmType } from '../../src/api/group.ts';
import { secretType } from '../../src/controllers/objects.ts';
import { EchoingProvider } from '../support/echoing-provider.ts';
import { commandLines, leaksIn } from '../support/leaks.ts';
import { OperatorProcess } from '../support/operator-process.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';

/** Secrets are planted everywhere and looked for everywhere but where they belong, which is Secrets. */

const password = 'Planted7PasswordXq';
const cloudInit = 'runcmd:\n  - curl -H "Authorization: planted-cloud-init-token-91" http://127.0.0.1/\n';
const privateKey = '-----BEGIN OPENSSH PRIVATE KEY-----\nplantedprivatekey0123456789\n';
const registryPassword = 'planted-registry-password-8c';
const planted = [
  password,
  registryPassword,
  Buffer.from(`robot:${registryPassword}`).toString('base64'),
  'planted-cloud-init-token-91',
  'plantedprivatekey0123456789',
  'test-api-key-1f7a2b9c',
  'test-api-token-7d1e4f8a2b',
  'planted-proxy-password-3d',
  'planted-environment-token-77',
];

let stage: Stage;

/** What a machine may have in its environment, and nobody may read in what the operator says. */
const proxy = 'http://user:planted-proxy-password-3d@127.0.0.1:9';

beforeAll(async () => {
  // Nobody listens there: who used the proxy would get nowhere.
  const proxies = { HTTP_PROXY: proxy, HTTPS_PROXY: proxy, http_proxy: proxy, https_proxy: proxy, ALL_PROXY: proxy };
  stage = await Stage.set({}, { ...proxies, NODE_USE_ENV_PROXY: '1', API_TOKEN: 'planted-environment-token-77' });
});

afterAll(() => stage.strike());

test('no secret shows in a log line, status, event, metric or the process list, whatever fails', async () => {
  // Hosts enough that each VM finds another one than those that failed before it.
  const team = await stage.organization({ hosts: 60 });
  const { namespace } = team;
  await stage.cluster.createSecret(namespace, 'planted', { password, cloudInit, privateKey });
  const spec = {
    gpu: { models: ['geforcertx4090-pcie-24gb', 'rtxa4000-pcie-16gb', 'rtxa6000-pcie-48gb', 'v100-pcie-16gb'] },
    access: { passwordSecretRef: { name: 'planted', key: 'password' } },
    cloudInit: { secretRef: { name: 'planted', key: 'cloudInit' } },
  };
  for (const kind of ['error-500', 'success-false', 'malformed', 'html-502', 'lost-answer']) {
    await team.fault({ endpoint: 'client/deploy/single', kind, count: 1 });
    await team.fault({ endpoint: 'client/list', kind, count: 1 });
    await (await stage.create(team, `under-${kind}`, spec)).untilReady();
  }
  const pasted = await stage.create(team, 'pasted', {
    access: { sshKeySecretRef: { name: 'planted', key: 'privateKey' } },
  });
  await pasted.untilSaid('InvalidInput');

  await expectNoLeaks();
  // The search finds what is there: the generated Secret does hold the password.
  expect((await stage.cluster.secretData(namespace, 'under-lost-answer-connection'))?.['password']).toBe(password);
});

test('nor when the provider quotes in its errors what it was sent', async () => {
  const provider = new EchoingProvider();
  stage.atEnd(provider);
  const team = await stage.organization({ hosts: 150, endpoint: (url) => provider.standBefore(url) });
  const { namespace } = team;
  await stage.cluster.createSecret(namespace, 'planted', { password, cloudInit });
  const spec = {
    gpu: { models: ['v100-pcie-16gb', 'rtxa4000-pcie-16gb', 'geforcertx4090-pcie-24gb'] },
    access: { passwordSecretRef: { name: 'planted', key: 'password' } },
    cloudInit: { secretRef: { name: 'planted', key: 'cloudInit' } },
  };
  for (const endpoint of ['client/deploy/single', 'client/list']) {
    provider.upsetAbout(endpoint);
    // Many at a time: each of them meets only some of the ways to quote.
    const names = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => `${letter}-${endpoint.replaceAll('/', '-')}`);
    const vms = await Promise.all(names.map((name) => stage.create(team, name, spec)));
    await until(
      `${endpoint} has quoted everything`,
      () => provider.hasEchoedAll,
      () => Promise.all(vms.map((vm) => vm.condition('Ready'))),
    );
    provider.upsetAbout(undefined);
    await Promise.all(vms.map((vm) => vm.untilReady()));
  }
  await expectNoLeaks();
});

test('nor what the container of a pool is given, which is found in its guest alone', async () => {
  const team = await stage.organization({ hosts: 60 });
  const { namespace } = team;
  const credentials = { auths: { 'registry.example': { username: 'robot', password: registryPassword } } };
  await stage.cluster.kube.create(secretType, {
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name: 'registry' } },
    ...{ type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': JSON.stringify(credentials) } },
  });
  const container = { image: 'registry.example/team/app:1', registrySecretRef: { name: 'registry' } };
  const models = ['geforcertx4090-pcie-24gb', 'rtxa4000-pcie-16gb', 'v100-pcie-16gb'];
  await team.fault({ endpoint: 'client/deploy/single', kind: 'error-500', count: 1 });
  const pool = await stage.createPool(team, 'served', { replicas: 1, container }, { gpu: { models } });
  await pool.untilReady(1);
  await expectNoLeaks();
  const [vm] = (await team.state()).vms;
  const { cloudInit: given } = await team.vm(vm?.id ?? '');
  const files = [...(given ?? '').matchAll(/content: '([A-Za-z0-9+/=]+)'/g)];
  const decoded = files.map(([, content = '']) => Buffer.from(content, 'base64').toString('utf8'));
  expect(decoded.join('\n')).toContain(registryPassword);
});

test('nor in what the operator says of itself when it starts, fails to start, and ends', async () => {
  const kubeconfig = parse(await readFile(stage.cluster.kubeconfigPath, 'utf8')) as {
    users: { user: Record<string, string> }[];
  };
  const { 'client-key-data': key = '' } = kubeconfig.users[0]?.user ?? {};
  expect(key.length).toBeGreaterThan(100);
  const withToken = path.join(path.dirname(stage.wire.kubeconfigPath), 'token');
  kubeconfig.users = [{ user: { token: 'planted-bearer-token-5566' } }].map((user) => ({ ...user, name: 'any' }));
  await writeFile(
    withToken,
    stringify({ ...kubeconfig, 'current-context': undefined }).replace('token:', 'token: |\n  :'),
  );
  const broken = new OperatorProcess(withToken);
  await expect(broken.started).rejects.toThrow(/kubeconfig/);
  await stage.operator.stop();
  await stage.restartOperator();
  const said = [...stage.output, ...broken.output].join('\n');
  expect(leaksIn(said, [...planted, key, 'planted-bearer-token-5566'])).toEqual([]);
});

async function expectNoLeaks(): Promise<void> {
  expect(leaksIn(stage.output.join('\n'), planted)).toEqual([]);
  const telemetry = await stage.operator.started;
  for (const page of ['metrics', 'healthz', 'readyz', 'debug/pprof', '', 'metrics?api_key=1']) {
    const answer = await fetch(`${telemetry}/${page}`);
    expect(leaksIn((await answer.text()) + JSON.stringify([...answer.headers]), planted), page).toEqual([]);
  }
  const events = { group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event', namespaced: true };
  for (const type of [gpuVmType, spotVmType, gpuPoolType, gpuAccountType, events]) {
    expect(leaksIn(JSON.stringify(await stage.cluster.kube.list(type)), planted)).toEqual([]);
  }
  expect(leaksIn(commandLines(), planted)).toEqual([]);
}
