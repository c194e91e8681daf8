import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';

import { gpuPoolType, gpuVmType, spotVmType } from '../../api/group.ts';
import { KubeError, type KubeObject, type Outcome, type ResourceType } from '../../kube/contract.ts';
import { MemoryApi } from '../../kube/testing/memory-api.ts';
import { Store } from '../../kube/store.ts';
import { silentLogger as log } from '../../lib/logger.ts';
import type { ServiceFact } from '../../plan/service/words.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import {
  endpointSliceType,
  serviceType,
  splitKey,
  type CustomObject,
  type EndpointSliceObject,
  type ServiceObject,
} from '../objects.ts';
import {
  controllerIndex,
  controllerNameIndex,
  controllerNameOf,
  controllerReference,
  controllerUidOf,
} from '../owned.ts';
import { ownerKeyOf } from '../pool-owner.ts';
import { ServicePublisher } from './publisher.ts';

const namespace = 'research';
const managed = 'app.kubernetes.io/managed-by';
const indexes = { [controllerIndex]: controllerUidOf, [controllerNameIndex]: controllerNameOf };

interface Breakage {
  readonly verb: string;
  readonly when: 'before' | 'after';
}

/** The cluster with the stores of one process, which are brought up to date when a test says so. */
class Scene {
  /** The next such write to a Service or a slice fails: it is lost, or its answer is. */
  breakage: Breakage | undefined;
  readonly api = new MemoryApi({
    clock: new VirtualClock(),
    before: (call) => {
      this.#breakAt('before', call);
    },
    after: (call) => {
      this.#breakAt('after', call);
    },
    kinds: [gpuVmType, spotVmType, gpuPoolType, serviceType, endpointSliceType].map((type) => ({ type })),
  });
  readonly told: string[] = [];
  readonly #stores = new Map<string, Store<CustomObject>>(
    [gpuVmType, spotVmType, gpuPoolType].map(({ kind }) => [
      kind,
      new Store<CustomObject>({ log, indexes: { owner: ownerKeyOf } }),
    ]),
  );
  readonly #services = new Store<ServiceObject>({ log, indexes });
  readonly #slices = new Store<EndpointSliceObject>({ log, indexes });
  readonly publisher = new ServicePublisher({
    ...{ kube: this.api, services: this.#services, slices: this.#slices, allowPrivate: false, retryMs: 30_000 },
    storeOf: (kind) => this.#stores.get(kind),
    vms: {
      list: () => [],
      byIndex: (index, value) =>
        ['GpuVm', 'SpotVm'].flatMap((kind) => this.#stores.get(kind)?.byIndex(index, value) ?? []),
    },
    told: (key) => {
      this.told.push(key);
    },
  });

  #breakAt(when: 'before' | 'after', { verb, type }: { readonly verb: string; readonly type: ResourceType }): void {
    const isOurs = type.kind === 'Service' || type.kind === 'EndpointSlice';
    if (!isOurs || this.breakage?.verb !== verb || this.breakage.when !== when) return;
    this.breakage = undefined;
    throw new KubeError('connection reset', 'unavailable');
  }

  async catchUp(): Promise<void> {
    for (const type of [gpuVmType, spotVmType, gpuPoolType]) {
      const { items, resourceVersion } = await this.api.list<CustomObject>(type);
      this.#stores.get(type.kind)?.replaceAll(items, resourceVersion);
    }
    const labelSelector = `${managed}=gpuvm-operator`;
    const services = await this.api.list<ServiceObject>(serviceType, { labelSelector });
    this.#services.replaceAll(services.items, services.resourceVersion);
    const slices = await this.api.list<EndpointSliceObject>(endpointSliceType, { labelSelector });
    this.#slices.replaceAll(slices.items, slices.resourceVersion);
  }

  /** The stores hear of everything, and the resource is looked at. */
  async look(key?: string): Promise<Outcome> {
    await this.catchUp();
    return this.reconcile(key);
  }

  /** Of all GpuVms the process knows this one alone, as it was. */
  isBehind(vm: CustomObject): void {
    this.#stores.get('GpuVm')?.replaceAll([vm], vm.metadata.resourceVersion);
  }

  async reconcile(key = 'GpuVm/research/trainer'): Promise<Outcome> {
    const { signal } = new AbortController();
    return this.publisher.reconcile(key, { reconcileId: '1', stopping: signal, signal });
  }

  async create(
    type: ResourceType,
    name: string,
    spec: object,
    owners: readonly KubeObject[] = [],
  ): Promise<KubeObject> {
    return this.api.create(type, {
      ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: type.kind, spec },
      metadata: { namespace, name, ownerReferences: owners.map((owner) => controllerReference(gpuPoolType, owner)) },
    });
  }

  async becomes(type: ResourceType, name: string, status: object): Promise<void> {
    await this.api.mergePatch(type, { namespace, name }, { status }, 'status');
  }

  service(name = 'trainer'): Promise<(ServiceObject & { spec: object }) | undefined> {
    return this.api.get(serviceType, { namespace, name });
  }

  /** Where the Service of this name leads, as kube-proxy would read it: "ssh 8.8.8.8:20022". */
  async destinations(service = 'trainer'): Promise<string[]> {
    const labelSelector = `kubernetes.io/service-name=${service}`;
    const { items } = await this.api.list<EndpointSliceObject>(endpointSliceType, { labelSelector });
    return items.flatMap(({ endpoints = [], ports = [] }) =>
      (endpoints as { addresses: string[]; conditions: { ready: boolean } }[])
        .filter(({ conditions }) => conditions.ready)
        .flatMap(({ addresses: [address = ''] }) =>
          (ports as { name: string; port: number }[]).map(({ name, port }) => `${name} ${address}:${port}`),
        ),
    );
  }

  /** What has been written to Services and slices. */
  get writes(): string[] {
    const verbs = ['create', 'mergePatch', 'replace', 'delete'];
    return this.api.calls
      .filter(({ verb, type }) => verbs.includes(verb) && ['services', 'endpointslices'].includes(type.plural))
      .map(({ verb, type }) => `${verb} ${type.plural}`);
  }

  /** Of the resource that has this name now. */
  fact(key = 'GpuVm/research/trainer'): ServiceFact | undefined {
    const { kind, key: name } = splitKey(key);
    const uid = this.#stores.get(kind)?.get(name)?.metadata.uid;
    return uid === undefined ? undefined : this.publisher.fact(key, uid);
  }

  said(key?: string): string {
    const { published } = this.fact(key) ?? {};
    return published === undefined ? 'nothing' : `${published.status} ${published.reason}: ${published.message}`;
  }
}

const size = { gpu: { models: ['v100'] }, vcpus: 4, memoryGB: 16, storageGB: 100 };
const vmSpec = { ...size, service: {} };

function ready(address: string, external = 20_022, status: 'True' | 'False' = 'True'): object {
  const condition = {
    type: 'Ready',
    status,
    reason: 'Running',
    message: '.',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  };
  return { conditions: [condition], address, ports: [{ name: 'ssh', internal: 22, external }] };
}

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});

describe('the Service of a VM', () => {
  beforeEach(async () => {
    await scene.create(gpuVmType, 'trainer', vmSpec);
    await scene.becomes(gpuVmType, 'trainer', ready('8.8.8.8'));
  });

  test('leads to its external port while it is Ready, and nowhere when it is not', async () => {
    await scene.look();
    expect((await scene.service())?.spec).toMatchObject({ ports: [{ name: 'ssh', port: 22 }] });
    expect(await scene.destinations()).toEqual(['ssh 8.8.8.8:20022']);
    expect(scene.said()).toBe('True Published: Service "trainer" leads to the VM.');
    await scene.becomes(gpuVmType, 'trainer', ready('8.8.8.8', 20_022, 'False'));
    await scene.look();
    expect(await scene.destinations()).toEqual([]);
    expect(await scene.service()).toBeDefined();
    expect(scene.said()).toMatch(/^False NothingReady/);
    expect(scene.told).toHaveLength(2);
  });

  test('is not written while nothing changes', async () => {
    await scene.look();
    const before = scene.writes;
    for (let times = 0; times < 3; times++) await scene.look();
    expect(scene.writes).toEqual(before);
    expect(scene.told).toHaveLength(1);
  });

  test('follows a VM that is another one', async () => {
    await scene.look();
    await scene.becomes(gpuVmType, 'trainer', ready('8.8.4.4', 30_022));
    await scene.look();
    expect(await scene.destinations()).toEqual(['ssh 8.8.4.4:30022']);
    await scene.becomes(gpuVmType, 'trainer', ready('2001:4860:4860::8888', 30_022));
    await scene.look();
    expect(await scene.destinations()).toEqual(['ssh 2001:4860:4860::8888:30022']);
  });

  test.each<[string, (scene: Scene) => Promise<unknown>]>([
    ['deletes the Service', (the) => the.api.delete(serviceType, { namespace, name: 'trainer' })],
    [
      'changes its ports',
      (the) => the.api.mergePatch(serviceType, { namespace, name: 'trainer' }, { spec: { ports: [{ port: 80 }] } }),
    ],
    [
      'gives it a selector',
      (the) => the.api.mergePatch(serviceType, { namespace, name: 'trainer' }, { spec: { selector: { app: 'mine' } } }),
    ],
    [
      'takes its label off',
      (the) =>
        the.api.mergePatch(serviceType, { namespace, name: 'trainer' }, { metadata: { labels: { [managed]: null } } }),
    ],
    ['deletes the slice', async (the) => the.api.delete(endpointSliceType, (await slicesOf(the))[0]!.metadata)],
    [
      'empties the slice',
      async (the) => the.api.mergePatch(endpointSliceType, (await slicesOf(the))[0]!.metadata, { endpoints: [] }),
    ],
    [
      'leads the slice elsewhere',
      async (the) =>
        the.api.mergePatch(endpointSliceType, (await slicesOf(the))[0]!.metadata, {
          endpoints: [{ addresses: ['9.9.9.9'] }],
          ports: [{ name: 'ssh', port: 1 }],
        }),
    ],
    [
      'takes the slice from its Service',
      async (the) =>
        the.api.mergePatch(endpointSliceType, (await slicesOf(the))[0]!.metadata, {
          metadata: { labels: { 'kubernetes.io/service-name': 'other' } },
        }),
    ],
  ])('is as it was after somebody %s', async (_what, meddle) => {
    await scene.look();
    await meddle(scene);
    await scene.look();
    const { spec, metadata } = (await scene.service())!;
    expect(spec).toMatchObject({ ports: [{ name: 'ssh', protocol: 'TCP', port: 22 }] });
    expect(spec).not.toHaveProperty('selector');
    expect(metadata.labels).toMatchObject({ [managed]: 'gpuvm-operator' });
    expect(await scene.destinations()).toEqual(['ssh 8.8.8.8:20022']);
    const before = scene.writes;
    await scene.look();
    expect(scene.writes).toEqual(before);
  });

  test('goes with its slices when spec.service does', async () => {
    await scene.look();
    await scene.api.mergePatch(gpuVmType, { namespace, name: 'trainer' }, { spec: { service: null } });
    await scene.look();
    expect(await scene.service()).toBeUndefined();
    expect(await slicesOf(scene)).toEqual([]);
    expect(scene.said()).toBe('nothing');
  });

  test('gets another name when spec.service does, and the old one goes', async () => {
    await scene.look();
    await scene.api.mergePatch(gpuVmType, { namespace, name: 'trainer' }, { spec: { service: { name: 'api' } } });
    await scene.look();
    expect(await scene.service()).toBeUndefined();
    expect(await scene.destinations('api')).toEqual(['ssh 8.8.8.8:20022']);
    expect(await slicesOf(scene)).toHaveLength(1);
  });

  test('leads nowhere once the VM is to be deleted, though its status says Ready still', async () => {
    await scene.api.mergePatch(gpuVmType, { namespace, name: 'trainer' }, { metadata: { finalizers: ['test/hold'] } });
    await scene.look();
    await scene.api.delete(gpuVmType, { namespace, name: 'trainer' });
    await scene.look();
    expect(await slicesOf(scene)).toEqual([]);
  });

  test('leads nowhere while the status of the VM cannot be understood', async () => {
    await scene.look();
    await scene.becomes(gpuVmType, 'trainer', { vm: 'somewhere' });
    await scene.look();
    expect(await scene.destinations()).toEqual([]);
    expect(await scene.service()).toBeDefined();
  });

  test('is made, but leads nowhere, where the address is none that may be published', async () => {
    await scene.becomes(gpuVmType, 'trainer', ready('10.96.0.1'));
    await scene.look();
    expect(await scene.destinations()).toEqual([]);
    expect(scene.said()).toMatch(/^False NotPublishable: .* 10\.96\.0\.1 is a private or loopback address\.$/);
  });

  test('that a resource of the same name has left behind is replaced', async () => {
    await scene.look();
    const old = (await scene.service())!.metadata.uid;
    await scene.api.delete(gpuVmType, { namespace, name: 'trainer' });
    await scene.create(gpuVmType, 'trainer', vmSpec);
    await scene.becomes(gpuVmType, 'trainer', ready('8.8.4.4'));
    await scene.catchUp();
    expect(scene.said()).toBe('nothing');
    await scene.reconcile();
    expect((await scene.service())!.metadata.uid).not.toBe(old);
    expect(await scene.destinations()).toEqual(['ssh 8.8.4.4:20022']);
    expect(scene.said()).toMatch(/^True Published/);
  });

  test('is left alone by a process that knows only the resource that had the name before', async () => {
    const old = await scene.api.get<CustomObject>(gpuVmType, { namespace, name: 'trainer' });
    await scene.api.delete(gpuVmType, { namespace, name: 'trainer' });
    await scene.create(gpuVmType, 'trainer', vmSpec);
    await scene.becomes(gpuVmType, 'trainer', ready('8.8.4.4'));
    await scene.look();
    const { uid } = (await scene.service())!.metadata;
    scene.isBehind(old!);
    await expect(scene.reconcile()).rejects.toThrow('the owner of Service research/trainer is not known yet');
    await scene.api.delete(serviceType, { namespace, name: 'trainer' }, { uid });
    await scene.catchUp();
    scene.isBehind(old!);
    await expect(scene.reconcile()).rejects.toThrow(
      /^the owner of EndpointSlice research\/trainer-[0-9a-f]+ is not known yet$/,
    );
    expect(await scene.destinations()).toEqual(['ssh 8.8.4.4:20022']);
  });
});

describe('a name that is taken', () => {
  const mine = { ports: [{ name: 'mine', port: 80 }] };

  test('by somebody else’s Service is left alone, told, tried again, and used once it is free', async () => {
    await scene.api.create(serviceType, {
      ...{ apiVersion: 'v1', kind: 'Service', metadata: { namespace, name: 'trainer' }, spec: mine },
    });
    await scene.create(gpuVmType, 'trainer', vmSpec);
    await scene.becomes(gpuVmType, 'trainer', ready('8.8.8.8'));
    expect(await scene.look()).toEqual({ kind: 'requeueAfter', delayMs: 30_000 });
    expect(scene.said()).toBe(
      'False ServiceConflict: Service "trainer" exists and belongs to somebody else: delete it, or give another spec.service.name.',
    );
    expect(scene.fact()?.serviceName).toBeUndefined();
    expect((await scene.service())?.spec).toMatchObject(mine);
    expect(await slicesOf(scene)).toEqual([]);
    await scene.api.delete(serviceType, { namespace, name: 'trainer' });
    await scene.look();
    expect(await scene.destinations()).toEqual(['ssh 8.8.8.8:20022']);
  });

  test('by another of our resources is told with its name', async () => {
    for (const name of ['first', 'second']) {
      await scene.create(gpuVmType, name, { ...size, service: { name: 'shared' } });
      await scene.becomes(gpuVmType, name, ready('8.8.8.8'));
      await scene.look(`GpuVm/research/${name}`);
    }
    expect(scene.said('GpuVm/research/first')).toMatch(/^True/);
    expect(scene.said('GpuVm/research/second')).toMatch(/Service "shared" exists and belongs to GpuVm "first"/);
    expect(await scene.destinations('shared')).toHaveLength(1);
  });

  test('for a slice: nothing is led there', async () => {
    await scene.create(gpuVmType, 'trainer', vmSpec);
    await scene.becomes(gpuVmType, 'trainer', ready('8.8.8.8'));
    await scene.look();
    const { name } = (await slicesOf(scene))[0]!.metadata;
    await scene.api.delete(endpointSliceType, { namespace, name });
    const theirs = { addressType: 'IPv4', endpoints: [], ports: [] };
    await scene.api.create(endpointSliceType, {
      ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { namespace, name }, ...theirs },
    });
    await scene.look();
    expect(scene.said()).toMatch(
      /^False ServiceConflict: EndpointSlice "trainer-[0-9a-f]+", which Service "trainer" needs, exists/,
    );
    expect(await slicesOf(scene)).toHaveLength(1);
  });
});

test('what the API server refuses is told in its words, and tried again', async () => {
  await scene.create(gpuVmType, 'trainer', vmSpec);
  scene.api.failNext('create', new KubeError('exceeded quota: services=1', 'forbidden', 403));
  expect(await scene.look()).toEqual({ kind: 'requeueAfter', delayMs: 30_000 });
  expect(scene.said()).toMatch(/^False ServiceRefused: .*exceeded quota: services=1$/);
  await scene.look();
  expect(scene.said()).toMatch(/^False NothingReady/);
});

test('an API server that does not answer is no news: nothing is said', async () => {
  await scene.create(gpuVmType, 'trainer', vmSpec);
  scene.api.failNext('create', new KubeError('connection reset', 'unavailable'));
  await expect(scene.look()).rejects.toThrow('connection reset');
  expect(scene.said()).toBe('nothing');
});

describe('the Service of a pool', () => {
  const key = 'GpuPool/research/inference';
  let pool: KubeObject;
  beforeEach(async () => {
    pool = await scene.create(gpuPoolType, 'inference', { replicas: 3, template: { spec: size }, service: {} });
    await scene.create(gpuVmType, 'a', size, [pool]);
    await scene.create(spotVmType, 'b', { ...size, bid: { price: '0.10', maxPrice: '0.30' } }, [pool]);
    await scene.create(gpuVmType, 'c', size, [pool]);
    await scene.create(gpuVmType, 'stranger', size);
    await scene.becomes(gpuVmType, 'stranger', ready('9.9.9.9'));
  });

  test('does not lead to a VM of another namespace that says to be of the pool', async () => {
    const other = { namespace: 'other', name: 'intruder' };
    await scene.api.create(gpuVmType, {
      ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', spec: size },
      metadata: { ...other, ownerReferences: [controllerReference(gpuPoolType, pool)] },
    });
    await scene.api.mergePatch(gpuVmType, other, { status: ready('9.9.9.9') }, 'status');
    await scene.look(key);
    expect((await scene.destinations('inference')).join(' ')).not.toContain('9.9.9.9');
  });

  test('leads to its Ready members of both kinds, each by the port that it has', async () => {
    await scene.becomes(gpuVmType, 'a', ready('8.8.8.8', 20_001));
    await scene.becomes(spotVmType, 'b', ready('8.8.8.8', 20_002));
    await scene.becomes(gpuVmType, 'c', ready('8.8.4.4', 20_003, 'False'));
    await scene.look(key);
    expect((await scene.destinations('inference')).sort()).toEqual(['ssh 8.8.8.8:20001', 'ssh 8.8.8.8:20002']);
    expect(scene.said(key)).toBe('True Published: Service "inference" leads to 2 of 3 members.');
    await scene.api.delete(gpuVmType, { namespace, name: 'a' });
    await scene.look(key);
    expect(await scene.destinations('inference')).toEqual(['ssh 8.8.8.8:20002']);
  });

  test('leads to exactly the Ready members, whatever happened before, and wherever it was broken off', async () => {
    const event = fc.record({
      name: fc.constantFrom('a', 'c'),
      address: fc.constantFrom('8.8.8.8', '8.8.4.4', '2001:4860:4860::8888', '10.0.0.1'),
      isReady: fc.boolean(),
      breakage: fc.option(
        fc.record<Breakage>({
          verb: fc.constantFrom('create', 'delete', 'mergePatch'),
          when: fc.constantFrom('before', 'after'),
        }),
        { nil: undefined },
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 8 }), async (events) => {
        const expected = new Map<string, string>();
        for (const { name, address, isReady, breakage } of events) {
          await scene.becomes(gpuVmType, name, ready(address, 20_000, isReady ? 'True' : 'False'));
          if (isReady && address !== '10.0.0.1') expected.set(name, `ssh ${address}:20000`);
          else expected.delete(name);
          scene.breakage = breakage;
          await scene.look(key).catch(() => undefined);
        }
        scene.breakage = undefined;
        await scene.look(key);
        expect((await scene.destinations('inference')).sort()).toEqual([...expected.values()].sort());
        for (const name of ['a', 'c']) await scene.becomes(gpuVmType, name, ready('8.8.8.8', 1, 'False'));
        await scene.look(key);
        expect(await slicesOf(scene)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});

async function slicesOf({ api }: Scene): Promise<readonly EndpointSliceObject[]> {
  return (await api.list<EndpointSliceObject>(endpointSliceType)).items;
}
