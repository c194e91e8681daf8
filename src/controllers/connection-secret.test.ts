import { expect, it } from 'vitest';

import { gpuVmType, spotVmType } from '../api/group.ts';
import { MemoryApi } from '../kube/testing/memory-api.ts';
import { Store } from '../kube/store.ts';
import { silentLogger } from '../lib/logger.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { writeConnectionSecret } from './connection-secret.ts';
import { secretType, type CustomObject, type SecretObject } from './objects.ts';

const ref = { namespace: 'research', name: 'trainer-connection' };
const vm = { apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', metadata: { ...ref, name: 'trainer' } };
const absent = { name: ref.name, state: 'absent', uid: undefined, data: {} } as const;

function anApiServer() {
  const kinds = [{ type: secretType }, { type: gpuVmType }, { type: spotVmType }];
  const kube = new MemoryApi({ clock: new VirtualClock(), kinds });
  const secrets = new Store<SecretObject>({ log: silentLogger });
  return { kube, deps: { kube, secrets, newPassword: () => 'generated' } };
}

it('a Secret that somebody has made in the place of ours, since it was read, is left as it is', async () => {
  const { kube, deps } = anApiServer();
  const owner = await kube.create<CustomObject>(gpuVmType, vm);
  const values = { data: { host: '203.0.113.4' }, generatePassword: true };
  expect(await writeConnectionSecret(deps, owner, absent, values)).toBe(true);
  const { uid } = (await kube.get<SecretObject>(secretType, ref))!.metadata;

  await kube.delete(secretType, ref);
  const theirs = { apiVersion: 'v1', kind: 'Secret', metadata: ref, data: { token: 'dGhlaXJz' } };
  await kube.create(secretType, theirs);
  expect(await writeConnectionSecret(deps, owner, { name: ref.name, state: 'ours', uid, data: {} }, values)).toBe(
    false,
  );
  expect((await kube.get<SecretObject>(secretType, ref))?.data).toEqual(theirs.data);
});

it('a Secret of one of our name and kind that has come after us is left as it is: its password cannot be had again', async () => {
  const { kube, deps } = anApiServer();
  const values = { data: {}, generatePassword: true };
  const gone = await kube.create<CustomObject>(gpuVmType, vm);
  await kube.delete(gpuVmType, vm.metadata);
  const next = await kube.create<CustomObject>(gpuVmType, vm);
  await writeConnectionSecret(deps, next, absent, values);
  const kept = await kube.get<SecretObject>(secretType, ref);

  // As a process sees it that has not heard of the next one.
  const leftover = { ...absent, state: 'leftover', uid: kept?.metadata.uid } as const;
  expect(await writeConnectionSecret(deps, gone, leftover, values)).toBe(false);
  expect(await kube.get<SecretObject>(secretType, ref)).toEqual(kept);

  await kube.delete(gpuVmType, vm.metadata);
  const last = await kube.create<CustomObject>(gpuVmType, vm);
  expect(await writeConnectionSecret(deps, last, leftover, values)).toBe(true);
  const owners = (await kube.get<SecretObject>(secretType, ref))?.metadata.ownerReferences;
  expect(owners?.map(({ uid }) => uid)).toEqual([last.metadata.uid]);
});
