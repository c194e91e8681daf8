import { beforeEach, describe, expect, test } from 'vitest';

import { containerField } from '../api/container.ts';
import { gpuPoolType } from '../api/group.ts';
import type { KubeObject } from '../kube/contract.ts';
import { MemoryApi } from '../kube/testing/memory-api.ts';
import { Store } from '../kube/store.ts';
import { silentLogger } from '../lib/logger.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { connectionSecretSelector } from './connection-secret.ts';
import {
  cloudConfigKey,
  deleteUnusedContainerSecrets,
  ensureContainerSecret,
  type ContainerSecretDeps,
} from './container-secret.ts';
import { InputReader } from './input-reader.ts';
import { secretType, type SecretObject } from './objects.ts';
import { controllerReference, controllerUidOf } from './owned.ts';

const namespace = 'research';
let clock: VirtualClock;
let api: MemoryApi;
let deps: ContainerSecretDeps;
let pool: KubeObject;

beforeEach(async () => {
  clock = new VirtualClock();
  api = new MemoryApi({ clock, kinds: [{ type: secretType }, { type: gpuPoolType }] });
  deps = { kube: api, secrets: newStore(), inputs: new InputReader(api, clock) };
  pool = await api.create(gpuPoolType, {
    ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuPool', metadata: { namespace, name: 'inference' } },
  });
});

/** As the operator's: it keeps no long values. */
function newStore(): Store<SecretObject> {
  const keeps = (secret: SecretObject): SecretObject => {
    const short = Object.entries(secret.data ?? {}).filter(([key]) => key !== cloudConfigKey);
    return { ...secret, data: Object.fromEntries(short) };
  };
  return new Store<SecretObject>({ log: silentLogger, indexes: { controller: controllerUidOf }, keeps });
}

/** As the watch brings it. */
async function catchUp(): Promise<void> {
  const { items, resourceVersion } = await api.list<SecretObject>(secretType, {
    labelSelector: connectionSecretSelector,
  });
  deps.secrets.replaceAll(items, resourceVersion);
}

async function giveSecret(name: string, stringData: object, metadata: object = {}): Promise<void> {
  await api.create(secretType, {
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name, ...metadata }, stringData },
  });
}

async function ensure(fields: object = {}): ReturnType<typeof ensureContainerSecret> {
  const container = containerField.parse({ image: 'nginx', ...fields });
  return ensureContainerSecret(deps, pool, { container, ports: [{ name: 'ssh', internal: 22 }] });
}

async function ready(fields: object = {}): Promise<Exclude<Awaited<ReturnType<typeof ensure>>, { kind: 'problem' }>> {
  const result = await ensure(fields);
  if (result.kind === 'problem') throw new Error(result.message);
  return result;
}

function writes(): number {
  return api.calls.filter(({ verb, type }) => type.plural === 'secrets' && verb !== 'get' && verb !== 'list').length;
}

async function textOf(name: string): Promise<string> {
  const secret = await api.get<SecretObject>(secretType, { namespace, name });
  return Buffer.from(secret?.data?.[cloudConfigKey] ?? '', 'base64').toString();
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

const registry = { registrySecretRef: { name: 'reg' } };

function registryOf(auth: string): string {
  return JSON.stringify({ auths: { 'registry.example': { auth } } });
}

/** As a refresher does it every few hours; what was read before is read anew. */
async function renewToken(auth: string): Promise<void> {
  await api.mergePatch(
    secretType,
    { namespace, name: 'reg' },
    { stringData: { '.dockerconfigjson': registryOf(auth) } },
  );
  await clock.advance(10_000);
}

const token = { env: [{ name: 'TOKEN', secretKeyRef: { name: 'api', key: 'token' } }] };

describe('the Secret of a container', () => {
  test('belongs to the pool, has the hash in its name, cannot be changed, and is what the members refer to', async () => {
    const { secretName, hash, cloudInit } = await ready();
    expect(secretName).toBe(`inference-container-${hash}`);
    expect(cloudInit).toEqual({ secretRef: { name: secretName, key: cloudConfigKey } });
    const secret = await api.get<SecretObject & { immutable?: boolean }>(secretType, { namespace, name: secretName });
    expect(secret).toMatchObject({ immutable: true, metadata: { labels: { 'gpuvm.dev/pool': 'inference' } } });
    expect(controllerUidOf(secret!)).toBe(pool.metadata.uid);
    expect(Buffer.from(secret?.data?.[cloudConfigKey] ?? '', 'base64').toString()).toMatch(/^#cloud-config\n/);
  });

  test('is written once, however often it is asked for, and again when somebody deletes it', async () => {
    const { secretName } = await ready();
    const before = writes();
    await ready();
    expect(writes()).toBe(before);
    await api.delete(secretType, { namespace, name: secretName });
    await catchUp();
    await ready();
    expect(await api.get(secretType, { namespace, name: secretName })).toBeDefined();
  });

  test('is another one once a value that the spec refers to is another one', async () => {
    await giveSecret('api', { token: 'one' });
    const first = await ready(token);
    await api.mergePatch(secretType, { namespace, name: 'api' }, { stringData: { token: 'two' } });
    await clock.advance(10_000);
    expect((await ready(token)).secretName).not.toBe(first.secretName);
  });

  test('is replaced under its name once the registry has other credentials', async () => {
    await giveSecret('reg', { '.dockerconfigjson': registryOf('one') });
    const first = await ready(registry);
    expect(await textOf(first.secretName)).toContain(base64(registryOf('one')));
    await renewToken('two');
    expect(await ready(registry)).toEqual(first);
    expect(await textOf(first.secretName)).toContain(base64(registryOf('two')));
    const before = writes();
    await ready(registry);
    expect(writes()).toBe(before);
  });

  test('is replaced where an operator with another script has made it', async () => {
    const { secretName } = await ready();
    const { metadata, ...secret } = (await api.get<SecretObject>(secretType, { namespace, name: secretName }))!;
    await api.delete(secretType, metadata);
    const { name, labels, ownerReferences = [] } = metadata;
    await api.create(secretType, {
      ...{
        ...secret,
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { namespace, name, labels: labels!, ownerReferences },
      },
      data: { [cloudConfigKey]: base64('#cloud-config of before\n') },
    });
    await catchUp();
    await ready();
    expect(await textOf(secretName)).toContain('gpuvm-container');
  });

  test('is left alone where another process has replaced it already, and the store is behind', async () => {
    await giveSecret('reg', { '.dockerconfigjson': registryOf('one') });
    const { secretName } = await ready(registry);
    const seen = deps.secrets.list();
    const version = deps.secrets.resourceVersion;
    await renewToken('two');
    await ready(registry);
    const { uid } = (await api.get(secretType, { namespace, name: secretName }))!.metadata;
    deps = { ...deps, secrets: newStore() };
    deps.secrets.replaceAll(seen, version);
    await ready(registry);
    expect((await api.get(secretType, { namespace, name: secretName }))?.metadata.uid).toBe(uid);
  });

  test('comes back at the next look when it could be deleted, but not made anew', async () => {
    await giveSecret('reg', { '.dockerconfigjson': registryOf('one') });
    const { secretName } = await ready(registry);
    await renewToken('two');
    api.failNext('create', new Error('connection reset'));
    await expect(ready(registry)).rejects.toThrow('connection reset');
    await ready(registry);
    expect(await textOf(secretName)).toContain(base64(registryOf('two')));
  });

  test('is not deleted for another text when somebody else has the name by then', async () => {
    await giveSecret('reg', { '.dockerconfigjson': registryOf('one') });
    const { secretName } = await ready(registry);
    await api.delete(secretType, { namespace, name: secretName });
    await giveSecret(secretName, { mine: 'all mine' });
    await renewToken('two');
    expect(await ensure(registry)).toMatchObject({ kind: 'problem', reason: 'SecretConflict' });
    const secret = await api.get<SecretObject>(secretType, { namespace, name: secretName });
    expect(Object.keys(secret?.data ?? {})).toEqual(['mine']);
  });

  test('gets its label back, without which it would not be seen', async () => {
    const { secretName } = await ready();
    const label = 'app.kubernetes.io/managed-by';
    await api.mergePatch(secretType, { namespace, name: secretName }, { metadata: { labels: { [label]: null } } });
    await catchUp();
    expect((await ready()).secretName).toBe(secretName);
    const secret = await api.get(secretType, { namespace, name: secretName });
    expect(secret?.metadata.labels).toMatchObject({ [label]: 'gpuvm-operator' });
  });

  test('never takes the place of one that is somebody else’s', async () => {
    const { secretName } = await ready();
    await api.delete(secretType, { namespace, name: secretName });
    await giveSecret(secretName, { mine: 'all mine' });
    await catchUp();
    expect(await ensure()).toMatchObject({ kind: 'problem', reason: 'SecretConflict' });
    const secret = await api.get<SecretObject>(secretType, { namespace, name: secretName });
    expect(Object.keys(secret?.data ?? {})).toEqual(['mine']);
  });

  test('is deleted once nothing refers to it; other Secrets of the pool and of others are not', async () => {
    const old = await ready();
    const current = await ready({ image: 'nginx:2' });
    const labels = { 'app.kubernetes.io/managed-by': 'gpuvm-operator' };
    const ownerReferences = [controllerReference(gpuPoolType, pool)];
    await giveSecret('inference-other', {}, { labels, ownerReferences });
    await giveSecret('inference-container-00000000', {}, { labels });
    await catchUp();
    await deleteUnusedContainerSecrets(deps, pool, new Set([current.secretName]));
    const left = (await api.list(secretType)).items.map(({ metadata }) => metadata.name);
    expect(left).toEqual(['inference-container-00000000', current.secretName, 'inference-other'].sort());
    expect(left).not.toContain(old.secretName);
    await deleteUnusedContainerSecrets(deps, pool, new Set([current.secretName]));
  });
});

describe('what a container refers to', () => {
  test.each<[string, object, string, string]>([
    [
      'a Secret that is not there',
      token,
      'SecretNotFound',
      'There is no Secret "api" in namespace "research": create it with the key "token".',
    ],
    [
      'a key that is not there',
      { env: [{ name: 'TOKEN', secretKeyRef: { name: 'given', key: 'token' } }] },
      'InvalidInput',
      'Secret "given" has no key "token", or it is empty: add it.',
    ],
    [
      'bytes that are no text',
      { env: [{ name: 'TOKEN', secretKeyRef: { name: 'given', key: 'bytes' } }] },
      'InvalidInput',
      'Key "bytes" of Secret "given" holds no text in UTF-8: encode it.',
    ],
    [
      'credentials of a registry in a Secret of another type',
      { registrySecretRef: { name: 'given' } },
      'InvalidInput',
      'Secret "given" has no key ".dockerconfigjson", or it is empty: add it.',
    ],
  ])('%s is told, and no Secret is made', async (_what, fields, reason, message) => {
    await api.create(secretType, {
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name: 'given' }, data: { bytes: '/w==' } },
    });
    const before = writes();
    expect(await ensure(fields)).toEqual({ kind: 'problem', reason, message });
    expect(writes()).toBe(before);
  });

  test('is not known while the API server does not answer', async () => {
    api.failNext('get', new Error('connection reset'));
    await expect(ensure(token)).rejects.toThrow('connection reset');
  });
});
