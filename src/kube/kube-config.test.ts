import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import { connectionFrom } from './kube-config.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kube-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Shape {
  readonly cluster?: object;
  readonly user?: object;
}

let serial = 0;
async function kubeconfig(shape: Shape): Promise<string> {
  const path = join(folder, `config-${String((serial += 1))}`);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'main',
    contexts: [
      { name: 'main', context: { cluster: 'c', user: 'u' } },
      { name: 'other', context: { cluster: 'other', user: 'u' } },
    ],
    clusters: [
      { name: 'c', cluster: { server: 'https://one.example:6443/', ...shape.cluster } },
      { name: 'other', cluster: { server: 'https://two.example/k8s/clusters/x' } },
    ],
    users: [{ name: 'u', user: shape.user ?? { token: 'hunter2' } }],
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('a kubeconfig', () => {
  test.each([
    { with: 'a token', user: { token: 'abc' }, authorization: 'Bearer abc' },
    { with: 'user and password', user: { username: 'me', password: 'pw' }, authorization: `Basic ${base64('me:pw')}` },
    { with: 'a certificate', user: { 'client-certificate-data': base64('CERT') }, authorization: undefined },
  ])('with $with identifies us by it', async ({ user, authorization }) => {
    const cluster = { 'certificate-authority-data': base64('CA'), 'tls-server-name': 'kubernetes' };
    const connection = connectionFrom({ kubeconfigPath: await kubeconfig({ cluster, user }) });
    const { headers, tls } = await connection.identify();
    expect(connection.server).toBe('https://one.example:6443');
    expect(headers['authorization']).toBe(authorization);
    expect(String(tls.ca)).toBe('CA');
    expect(tls.servername).toBe('kubernetes');
    if (authorization === undefined) expect(String(tls.cert)).toBe('CERT');
  });

  test('can be used with another of its contexts', async () => {
    const kubeconfigPath = await kubeconfig({});
    expect(connectionFrom({ kubeconfigPath, context: 'other' }).server).toBe('https://two.example/k8s/clusters/x');
    expect(() => connectionFrom({ kubeconfigPath, context: 'none' })).toThrow(
      'no cluster for context "none". There are: "main", "other"',
    );
  });

  test('that gives up verifying the server is refused', async () => {
    const kubeconfigPath = await kubeconfig({ cluster: { 'insecure-skip-tls-verify': true } });
    expect(() => connectionFrom({ kubeconfigPath })).toThrow('insecure-skip-tls-verify');
  });

  test('with plain HTTP is taken for this machine only, and no credentials go over it', async () => {
    const local = await kubeconfig({ cluster: { server: 'http://127.0.0.1:8001' } });
    expect((await connectionFrom({ kubeconfigPath: local }).identify()).headers).toEqual({});
    const remote = await kubeconfig({ cluster: { server: 'http://one.example' } });
    expect(() => connectionFrom({ kubeconfigPath: remote })).toThrow('plain HTTP');
  });

  test('that is not there is named in the error', () => {
    const kubeconfigPath = join(folder, 'missing');
    expect(() => connectionFrom({ kubeconfigPath })).toThrow(`cannot read the kubeconfig ${kubeconfigPath}: ENOENT`);
  });

  test.each(['users:\n- token: hunter2hunter2\n  : [', 'token: hunter2hunter2', 'hunter2hunter2', ''])(
    'that cannot be read is never quoted: %j',
    async (text) => {
      const kubeconfigPath = join(folder, 'broken');
      await writeFile(kubeconfigPath, text);
      expect(() => connectionFrom({ kubeconfigPath })).toThrow(/kubeconfig/);
      expect(() => connectionFrom({ kubeconfigPath })).not.toThrow(/hunter2/);
    },
  );
});

describe('without a file that is named', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test('the one of KUBECONFIG that cannot be read is named, be it the first or a later one', async () => {
    const good = await kubeconfig({});
    const missing = join(folder, 'missing');
    const broken = join(folder, 'no-yaml');
    await writeFile(broken, 'a: [');
    vi.stubEnv('KUBECONFIG', missing);
    expect(() => connectionFrom()).toThrow(`cannot read the kubeconfig ${missing}: ENOENT`);
    vi.stubEnv('KUBECONFIG', `${good}:${missing}`);
    expect(() => connectionFrom()).toThrow(`cannot read the kubeconfig ${missing}: ENOENT`);
    vi.stubEnv('KUBECONFIG', broken);
    expect(() => connectionFrom()).toThrow(`cannot read the kubeconfig ${broken}: `);
    vi.stubEnv('KUBECONFIG', folder);
    expect(() => connectionFrom()).toThrow(`cannot read the kubeconfig ${folder}: EISDIR`);
  });

  test('nor any other one, all ways to give one are said', () => {
    vi.stubEnv('KUBECONFIG', '');
    vi.stubEnv('HOME', folder);
    expect(() => connectionFrom()).toThrow(/--kubeconfig or KUBECONFIG, put it at ~\/\.kube\/config/);
  });
});
