import { expect, it } from 'vitest';

import { gpuVmType } from '../../api/group.ts';
import { Store } from '../../kube/store.ts';
import { MemoryApi } from '../../kube/testing/memory-api.ts';
import { silentLogger } from '../../lib/logger.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import type { CustomObject } from '../objects.ts';
import { CatchUp } from './catch-up.ts';

const ref = { namespace: 'research', name: 'trainer' };
const vm = { apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', metadata: ref };

/** An API server, and what a process knows whose watch has told it nothing since `trainer` was there. */
async function behind(): Promise<{ kube: MemoryApi; store: Store<CustomObject>; catchUp: CatchUp; woken: string[] }> {
  const kube = new MemoryApi({ clock: new VirtualClock(), kinds: [{ type: gpuVmType }] });
  await kube.create<CustomObject>(gpuVmType, vm);
  const store = new Store<CustomObject>({ log: silentLogger });
  const { items, resourceVersion } = await kube.list<CustomObject>(gpuVmType);
  store.replaceAll(items, resourceVersion);
  const woken: string[] = [];
  const catchUp = new CatchUp(kube, [{ type: gpuVmType, store, queue: { add: (key) => woken.push(key) } }]);
  return { kube, store, catchUp, woken };
}

it('what was let go meanwhile is nobody any more, for whom a VM could be deleted or started', async () => {
  const { kube, store, catchUp } = await behind();
  await kube.delete(gpuVmType, ref);
  await catchUp.run();
  expect(store.list()).toEqual([]);
});

it('what has taken its name meanwhile is there instead, and is looked at', async () => {
  const { kube, store, catchUp, woken } = await behind();
  await kube.delete(gpuVmType, ref);
  const { metadata } = await kube.create<CustomObject>(gpuVmType, vm);
  await catchUp.run();
  expect(store.list().map((object) => object.metadata.uid)).toEqual([metadata.uid]);
  expect(woken).toEqual(['research/trainer']);
});

it('what has changed meanwhile is looked at, and what has not is left alone', async () => {
  const { kube, store, catchUp, woken } = await behind();
  await catchUp.run();
  expect(woken).toEqual([]);
  await kube.mergePatch(gpuVmType, ref, { metadata: { annotations: { 'gpuvm.dev/abandon': 'true' } } });
  await catchUp.run();
  expect(store.get('research/trainer')?.metadata.annotations).toEqual({ 'gpuvm.dev/abandon': 'true' });
  expect(woken).toEqual(['research/trainer']);
});
