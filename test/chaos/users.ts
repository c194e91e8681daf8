import { annotations, gpuPoolType, gpuVmType, spotVmType } from '../../src/api/group.ts';
import { isKubeError, KubeError, type ObjectRef, type ResourceType } from '../../src/kube/contract.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import { Random } from '../../src/sim/random.ts';
import type { GpuVm } from '../support/vm-handle.ts';
import { poolUidOf, vmsOf } from './pool-watch.ts';
import { anyPoolChange, anyPoolSpec, mostReplicas } from './pool-wishes.ts';
import { keepOn, rest } from './rest.ts';
import type { Scene } from './scene.ts';
import { anySpotChange, anySpotSpec } from './spot-wishes.ts';
import { anyAnnotation, anyVmChange, anyVmSpec, rowSpec } from './vm-wishes.ts';

/** A namespace as one team uses it, with one account. */
interface Place {
  readonly namespace: string;
  readonly account: string;
  /** Names of single VMs. */
  readonly names: readonly string[];
  /** A row of VMs with one spec, "web-0" and so on, whose length is changed. */
  readonly row: string;
  /** Names of SpotVms. */
  readonly spots: readonly string[];
}

interface PoolPlace {
  readonly namespace: string;
  readonly account: string;
  readonly name: string;
  readonly isSpot: boolean;
}

const longestRow = 4;
const rowLengths = [0, 2, 3, 4, 4, 4];

/** People who create, edit, scale and delete VMs and pools all the time, and do not wait for anything. */
export class Users {
  readonly #scene: Scene;
  readonly #random: Random;
  readonly #places: readonly Place[];
  readonly #pools: readonly PoolPlace[];

  constructor(scene: Scene, seed: number) {
    this.#scene = scene;
    this.#random = new Random(seed, 'users');
    const { accounts, sharedNamespace } = scene;
    const shared = { namespace: sharedNamespace };
    this.#places = accounts.flatMap(({ organization: { namespace, account } }, index) => [
      { namespace, account, names: ['trainer', 'notebook'], row: 'web', spots: ['sweep', 'crawler'] },
      { ...shared, account, names: [`single-${index}`], row: `batch-${index}`, spots: [`bidder-${index}`] },
    ]);
    this.#pools = accounts.map(({ organization: { namespace, account } }, index) =>
      index === 0
        ? { namespace, account, name: 'inference', isSpot: false }
        : { ...shared, account, name: 'render', isSpot: true },
    );
  }

  async run(signal: AbortSignal): Promise<void> {
    await keepOn(signal, async () => {
      await this.#try(() => this.#doSomething());
      await rest(this.#random.integer(20, 500), signal);
    });
  }

  /** The end of all their wishes. Members go with their pools. */
  async deleteAll(): Promise<void> {
    const { cluster } = this.#scene;
    const pools = (await cluster.kube.list(gpuPoolType)).items;
    for (const { metadata } of pools) await cluster.kube.delete(gpuPoolType, metadata);
    const vms = (await vmsOf(cluster.kube)).filter((object) => poolUidOf(object) === undefined);
    for (const { kind, metadata } of vms) await this.#unlessGone(cluster.kube.delete(typeOf(kind), metadata));
  }

  /** Nothing is left paused. */
  async resumeAll(): Promise<void> {
    const { cluster } = this.#scene;
    const pools = (await cluster.kube.list(gpuPoolType)).items;
    const vms = await vmsOf(cluster.kube);
    for (const [type, { metadata }] of [
      ...pools.map((pool) => [gpuPoolType, pool] as const),
      ...vms.map((vm) => [typeOf(vm.kind), vm] as const),
    ]) {
      if (metadata.annotations?.[annotations.paused] === undefined) continue;
      const resumed = { metadata: { annotations: { [annotations.paused]: null } } };
      await this.#unlessGone(cluster.kube.mergePatch(type, metadata, resumed));
    }
  }

  /** The operator goes on meanwhile, and deletes members. */
  async #unlessGone(change: Promise<unknown>): Promise<void> {
    try {
      await change;
    } catch (error) {
      if (!isKubeError(error, 'notFound')) throw error;
    }
  }

  /** The API server is away now and then, and what is wanted has happened already or cannot happen any more: users see that. */
  async #try(deed: () => Promise<void>): Promise<void> {
    try {
      await deed();
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      this.#scene.diary.count(`user refused: ${error.kind}`, error.message);
      if (error.kind === 'invalid' || error.kind === 'forbidden') this.#scene.diary.problem(`a user: ${error.message}`);
    }
  }

  #doSomething(): Promise<void> {
    const random = this.#random;
    const dice = random.integer(1, 20);
    if (dice <= 5) return this.#tendSpot(random.pick(this.#places));
    if (dice <= 8) return this.#tendPool(random.pick(this.#pools));
    return this.#tendVm(random.pick(this.#places));
  }

  #tendVm(place: Place): Promise<void> {
    const random = this.#random;
    const dice = random.integer(1, 20);
    const ref = { namespace: place.namespace, name: random.pick(place.names) };
    const create = (): Promise<void> =>
      this.#create(gpuVmType, ref, { accountName: place.account, ...anyVmSpec(random) });
    if (dice <= 8) return create();
    if (dice <= 9) return this.#delete(gpuVmType, ref);
    if (dice <= 10) return this.#replace(gpuVmType, ref, create);
    if (dice <= 12) return this.#scaleRow(place, random.pick(rowLengths));
    const name = random.pick([ref.name, `${place.row}-${random.integer(0, longestRow - 1)}`]);
    return this.#edit(gpuVmType, { ...ref, name }, anyVmChange(random));
  }

  #tendSpot({ namespace, account, spots }: Place): Promise<void> {
    const random = this.#random;
    const dice = random.integer(1, 20);
    const ref = { namespace, name: random.pick(spots) };
    const create = (): Promise<void> => this.#create(spotVmType, ref, { accountName: account, ...anySpotSpec(random) });
    if (dice <= 10) return create();
    if (dice <= 11) return this.#delete(spotVmType, ref);
    if (dice <= 12) return this.#replace(spotVmType, ref, create);
    return this.#edit(spotVmType, ref, anySpotChange(random));
  }

  #tendPool(place: PoolPlace): Promise<void> {
    const random = this.#random;
    const dice = random.integer(1, 20);
    const ref = { namespace: place.namespace, name: place.name };
    const create = (): Promise<void> => this.#create(gpuPoolType, ref, anyPoolSpec(random, place.account, place));
    if (dice <= 5) return create();
    if (dice <= 10) return this.#edit(gpuPoolType, ref, { spec: { replicas: random.integer(0, mostReplicas) } });
    if (dice <= 14) return this.#edit(gpuPoolType, ref, anyPoolChange(random, place));
    if (dice <= 15) return this.#edit(gpuPoolType, ref, anyAnnotation(random));
    if (dice <= 16) return this.#delete(gpuPoolType, ref);
    if (dice <= 17) return this.#replace(gpuPoolType, ref, create);
    return this.#meddle(place);
  }

  /** What a pool has is looked after by hand, or its place is taken. */
  #meddle({ namespace, account, name, isSpot }: PoolPlace): Promise<void> {
    const random = this.#random;
    const member = { namespace, name: `${name}-${random.integer(0, mostReplicas)}` };
    const type = isSpot && random.next() < 0.7 ? spotVmType : gpuVmType;
    return random.pick<() => Promise<void>>([
      () => this.#delete(type, member),
      () => this.#delete(type, member),
      () => this.#edit(type, member, { metadata: { annotations: { [annotations.deleteFirst]: 'true' } } }),
      () => this.#edit(type, member, anyAnnotation(random)),
      () => this.#takePlace(member, account),
    ])();
  }

  /** Beside a SpotVm of that name it would wait for its Secret for ever: names are free of both kinds, or taken. */
  async #takePlace(member: ObjectRef & { readonly namespace: string }, accountName: string): Promise<void> {
    const { items } = await this.#scene.cluster.kube.list<CustomObject>(spotVmType, { namespace: member.namespace });
    if (items.some(({ metadata }) => metadata.name === member.name)) return;
    await this.#create(gpuVmType, member, { accountName, ...rowSpec });
  }

  async #create(type: ResourceType, ref: ObjectRef, spec: object): Promise<void> {
    const { kind } = type;
    await this.#scene.cluster.kube.create(type, { apiVersion: 'gpuvm.dev/v1alpha1', kind, metadata: ref, spec });
    this.#count('creates', type, ref, spec);
  }

  async #delete(type: ResourceType, ref: ObjectRef): Promise<void> {
    await this.#scene.cluster.kube.delete(type, ref);
    this.#count('deletes', type, ref);
  }

  /** Deletes it and makes it anew at once, as soon as the name is free: maybe this time, maybe another. */
  async #replace(type: ResourceType, ref: ObjectRef, create: () => Promise<void>): Promise<void> {
    await this.#delete(type, ref);
    await create();
  }

  async #scaleRow({ namespace, account, row }: Place, length: number): Promise<void> {
    const { items } = await this.#scene.cluster.kube.list<GpuVm>(gpuVmType, { namespace });
    const there = new Set(items.map(({ metadata }) => metadata.name));
    this.#scene.diary.count('user scales a row', `${namespace}/${row} to ${length}`);
    for (let index = 0; index < longestRow; index++) {
      const ref = { namespace, name: `${row}-${index}` };
      if (index < length && !there.has(ref.name))
        await this.#create(gpuVmType, ref, { accountName: account, ...rowSpec });
      if (index >= length && there.has(ref.name)) await this.#delete(gpuVmType, ref);
    }
  }

  async #edit(type: ResourceType, ref: ObjectRef, change: object): Promise<void> {
    try {
      await this.#scene.cluster.kube.mergePatch(type, ref, change);
    } catch (error) {
      if (isKubeError(error, 'notFound')) return;
      throw error;
    }
    this.#count('edits', type, ref, change);
  }

  #count(deed: string, { kind }: ResourceType, { namespace, name }: ObjectRef, what?: object): void {
    const detail = what === undefined ? '' : ` ${JSON.stringify(what)}`;
    this.#scene.diary.count(`user ${deed} ${kind}`, `${namespace ?? ''}/${name}${detail}`);
  }
}

function typeOf(kind: string | undefined): ResourceType {
  return kind === spotVmType.kind ? spotVmType : gpuVmType;
}
