import { expect, it } from 'vitest';

import { gpuVmType } from '../../src/api/group.ts';
import { secretType, serviceType } from '../../src/controllers/objects.ts';
import type { KubeObject, NewObject, ObjectRef, ResourceType } from '../../src/kube/contract.ts';
import { eventType } from '../../src/kube/events.ts';
import { createWorld, easySpec, type SimulatedWorld } from './world.ts';

interface EventObject extends KubeObject {
  readonly reason: string;
}

const ref = { namespace: 'research', name: 'taken' };

/** Whose a Service is comes out while the Secret is read that a deployment needs: the next write is the intent of that one. */
function tellWithTheSecret(world: SimulatedWorld): void {
  const { api } = world;
  const isRead = Promise.withResolvers<undefined>();
  const isTold = Promise.withResolvers<undefined>();
  const create = api.create.bind(api);
  const get = api.get.bind(api);
  api.create = async <T extends KubeObject>(type: ResourceType, object: NewObject): Promise<T> => {
    if (type === serviceType) await isRead.promise;
    return create<T>(type, object);
  };
  api.get = async <T extends KubeObject>(type: ResourceType, of: ObjectRef): Promise<T | undefined> => {
    if (type === secretType && of.name === 'key') {
      isRead.resolve(undefined);
      await isTold.promise;
    }
    const object = await get<T>(type, of);
    if (type === serviceType) isTold.resolve(undefined);
    return object;
  };
}

it('a GpuVm whose Service has a name that is taken says so in an Event, also when the intent of its deployment is the first to know', async () => {
  const world = await createWorld({ seed: 7 });
  // With an inventory that is fresh, nothing is written before the intent.
  await world.apply('before');
  await world.until(() => world.vms().length === 1, 300_000);
  await world.advance(10_000);
  const stringData = { key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJl3dIeudNqd0DPMRD6OIh65tjkxFNOtGcwB+B3cHvb4 a@b' };
  await world.api.create(secretType, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...ref, name: 'key' },
    stringData,
  });
  const ports = [{ port: 80 }];
  await world.api.create(serviceType, { apiVersion: 'v1', kind: 'Service', metadata: ref, spec: { ports } });
  tellWithTheSecret(world);
  const spec = { ...easySpec, service: {}, access: { sshKeySecretRef: { name: 'key', key: 'key' } } };
  await world.api.create(gpuVmType, { apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', metadata: ref, spec });
  await world.advance(600_000);
  const { items } = await world.api.list<EventObject>(eventType);
  expect(items.filter(({ reason }) => reason === 'ServiceConflict')).toHaveLength(1);
});
