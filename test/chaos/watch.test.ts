import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';

import { gpuPoolType, gpuVmType, spotVmType } from '../../src/api/group.ts';
import { vmNameOf } from '../../src/api/vm-name.ts';
import { namespaceType, type CustomObject } from '../../src/controllers/objects.ts';
import { KubeError, type ResourceType } from '../../src/kube/contract.ts';
import { MemoryApi } from '../../src/kube/testing/memory-api.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createSimulator, type Simulator } from '../../src/sim/index.ts';
import { until } from '../support/until.ts';
import { Diary } from './diary.ts';
import { Watch } from './watch.ts';

/** That the watch over chaos tells what must not be, and is silent about what may be. */

const namespace = 'team';

let api: MemoryApi;
let provider: Simulator;
let diary: Diary;
let watch: Watch;

beforeEach(async () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gpuvm-chaos-watch-'));
  const watched = [gpuVmType, spotVmType, gpuPoolType];
  const kinds = [...watched, namespaceType].map((type) => ({ type }));
  api = new MemoryApi({ clock: systemClock, kinds, namespaces: [namespace] });
  provider = createSimulator({ hosts: 20 }, systemClock);
  diary = new Diary(directory);
  watch = new Watch(diary);
  watch.add(provider.machine);
  watch.follow(api);
  onTestFinished(async () => {
    await watch.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  await until('all kinds are watched', () => api.openWatches === watched.length);
});

function create(type: ResourceType, name: string, more: object = {}): Promise<CustomObject> {
  const { kind } = type;
  return api.create(type, {
    ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind, metadata: { namespace, name, ...more }, spec: {} },
  });
}

let attempts = 0;

/** A VM with the mark of this resource; gives its id. */
function deployFor({ metadata: { uid } }: CustomObject): string {
  attempts += 1;
  const { hosts } = provider.machine.world;
  const host = [...hosts.values()].find(({ gpus }) => (gpus.get('v100-pcie-16gb')?.free ?? 0) > 0);
  const answer = provider.call('client/deploy/single', {
    ...{ name: vmNameOf({ installation: '1a2b3c4d', uid, attempt: attempts }), hostnode: host?.id ?? '' },
    ...{ gpu_model: 'v100-pcie-16gb', gpu_count: 1, vcpus: 2, ram: 4, storage: 20, password: 'Some-pass0rd' },
    ...{ external_ports: `{${[...(host?.freePorts ?? [])].at(0) ?? 0}}`, internal_ports: '{22}' },
    operating_system: 'Ubuntu 22.04 LTS',
  });
  const { server } = JSON.parse(answer.body) as { readonly server?: string };
  if (server === undefined) throw new Error(answer.body);
  watch.afterRequest();
  return server;
}

async function sayRetiring({ metadata }: CustomObject, ids: readonly string[]): Promise<void> {
  await api.mergePatch(spotVmType, metadata, { status: { retiring: ids.map((id) => ({ id })) } }, 'status');
}

async function problems(): Promise<readonly string[]> {
  await watch.settle();
  return diary.problems;
}

test('two VMs of a GpuVm are a duplicate', async () => {
  const vm = await create(gpuVmType, 'trainer');
  deployFor(vm);
  expect(await problems()).toEqual([]);
  deployFor(vm);
  expect(await problems()).toEqual([expect.stringMatching(/^DUPLICATE: /)]);
});

test('two VMs of a SpotVm are a duplicate unless its status says that one was replaced', async () => {
  const [spot, other] = [await create(spotVmType, 'sweep'), await create(spotVmType, 'crawler')];
  await sayRetiring(spot, [deployFor(spot)]);
  deployFor(spot);
  expect(await problems()).toEqual([]);
  deployFor(other);
  deployFor(other);
  expect(await problems()).toEqual([expect.stringContaining(`DUPLICATE: ${other.metadata.uid} has VM`)]);
});

test('of three VMs of a SpotVm two have to be replaced ones', async () => {
  const spot = await create(spotVmType, 'sweep');
  await sayRetiring(spot, [deployFor(spot)]);
  deployFor(spot);
  deployFor(spot);
  expect(await problems()).toEqual([expect.stringMatching(/^DUPLICATE: /)]);
});

test('what a watch that is behind has not told of yet is asked for, for as long as the API server is away', async () => {
  const spot = await create(spotVmType, 'sweep');
  const old = deployFor(spot);
  api.holdWatches(true);
  await sayRetiring(spot, [old]);
  api.down = new KubeError('away', 'unavailable');
  deployFor(spot);
  const judged = problems();
  api.down = undefined;
  expect(await judged).toEqual([]);
});

test('a resource that goes before its VM leaves a leak behind, a replaced one included', async () => {
  const spot = await create(spotVmType, 'sweep');
  await sayRetiring(spot, [deployFor(spot)]);
  await api.delete(spotVmType, spot.metadata);
  await until('it is told of', () => diary.problems.length > 0);
  expect(diary.problems).toEqual([expect.stringContaining('LEAK: sweep is gone')]);
});

test('a pool that goes before the VM of a member leaves a leak behind', async () => {
  const pool = await create(gpuPoolType, 'inference');
  deployFor(await create(spotVmType, 'inference-0', ownedBy(pool)));
  await until('the member is told of', () => diary.counted('member made') === 1);
  await api.delete(gpuPoolType, pool.metadata);
  await until('it is told of', () => diary.problems.length > 0);
  expect(diary.problems).toEqual([expect.stringContaining('LEAK: pool inference is gone')]);
});

test('more members than any user asks for are told of, those that are on their way out not counted', async () => {
  const pool = await create(gpuPoolType, 'inference');
  for (const index of [0, 1, 2, 3, 4]) await create(gpuVmType, `inference-${index}`, ownedBy(pool));
  await until('they are told of', () => diary.counted('member made') === 5);
  expect(await problems()).toEqual([]);
  await create(spotVmType, 'inference-5', ownedBy(pool));
  await until('it is told of', () => diary.problems.length > 0);
  expect(diary.problems).toEqual([expect.stringMatching(/^DUPLICATE: pool \S+ has 6 members/)]);
});

function ownedBy({ metadata: { name, uid } }: CustomObject): object {
  const owner = { apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuPool', name, uid, controller: true };
  return { ownerReferences: [owner] };
}
