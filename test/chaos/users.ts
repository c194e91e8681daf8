import { annotations, gpuVmType } from '../../src/api/group.ts';
import { isKubeError, KubeError } from '../../src/kube/contract.ts';
import { Random } from '../../src/sim/random.ts';
import type { GpuVm } from '../support/vm-handle.ts';
import { inputs } from './planted.ts';
import { keepOn, rest } from './rest.ts';
import type { Scene } from './scene.ts';

/** A namespace as one team uses it, with one account. */
interface Place {
  readonly namespace: string;
  readonly account: string;
  /** Names of single VMs. */
  readonly names: readonly string[];
  /** A row of VMs with one spec, "web-0" and so on, whose length is changed. */
  readonly row: string;
}

const longestRow = 4;
const rowLengths = [0, 2, 3, 4, 4, 4];

const models = [
  ['v100-pcie-16gb', 'rtxa4000-pcie-16gb', 'geforcertx3090-pcie-24gb', 'rtxa5000-pcie-24gb'],
  ['geforcertx4090-pcie-24gb', 'rtxa6000-pcie-48gb', 'rtxa4000-pcie-16gb', 'v100-pcie-16gb'],
] as const;

/** People who create, edit, scale and delete VMs all the time, and do not wait for anything. */
export class Users {
  readonly #scene: Scene;
  readonly #random: Random;
  readonly #places: readonly Place[];

  constructor(scene: Scene, seed: number) {
    this.#scene = scene;
    this.#random = new Random(seed, 'users');
    const { accounts, sharedNamespace } = scene;
    this.#places = accounts.flatMap(({ organization: { namespace, account } }, index) => [
      { namespace, account, names: ['trainer', 'notebook'], row: 'web' },
      { namespace: sharedNamespace, account, names: [`single-${String(index)}`], row: `batch-${String(index)}` },
    ]);
  }

  async run(signal: AbortSignal): Promise<void> {
    await keepOn(signal, async () => {
      await this.#try(() => this.#doSomething(this.#random.pick(this.#places)));
      await rest(this.#random.integer(20, 700), signal);
    });
  }

  /** The end of all their wishes. */
  async deleteAll(): Promise<void> {
    const { cluster } = this.#scene;
    const { items } = await cluster.kube.list(gpuVmType);
    for (const { metadata } of items) await cluster.kube.delete(gpuVmType, metadata);
  }

  /** Nothing is left paused. */
  async resumeAll(): Promise<void> {
    const { cluster } = this.#scene;
    const { items } = await cluster.kube.list(gpuVmType);
    for (const { metadata } of items) {
      if (metadata.annotations?.[annotations.paused] === undefined) continue;
      await cluster.kube.mergePatch(gpuVmType, metadata, { metadata: { annotations: { [annotations.paused]: null } } });
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

  #doSomething(place: Place): Promise<void> {
    const random = this.#random;
    const dice = random.integer(1, 20);
    const name = random.pick(place.names);
    if (dice <= 8) return this.#create(place, name);
    if (dice <= 9) return this.#delete(place, name);
    if (dice <= 10) return this.#replace(place, name);
    if (dice <= 12) return this.#scale(place, random.pick(rowLengths));
    return this.#edit(place, random.pick([name, `${place.row}-${String(random.integer(0, longestRow - 1))}`]));
  }

  async #create(place: Place, name: string): Promise<void> {
    const random = this.#random;
    const withInputs = {
      access: { passwordSecretRef: { name: inputs, key: 'password' } },
      cloudInit: { secretRef: { name: inputs, key: 'cloudInit' } },
    };
    const spec = {
      ...{ gpu: { models: random.pick(models) }, vcpus: random.pick([2, 4]), memoryGB: 4, storageGB: 20 },
      powerState: random.pick(['Running', 'Running', 'Running', 'Stopped']),
      ...(random.next() < 0.3 ? { maxHourlyPrice: '1.50' } : {}),
      ...(random.next() < 0.3 ? withInputs : {}),
    };
    await this.#createWith(place, name, spec);
  }

  async #createWith({ namespace, account }: Place, name: string, spec: object): Promise<void> {
    await this.#scene.cluster.kube.create(gpuVmType, {
      apiVersion: 'gpuvm.dev/v1alpha1',
      kind: 'GpuVm',
      metadata: { namespace, name },
      spec: { accountName: account, ...spec },
    });
    this.#scene.diary.count('user creates', `${namespace}/${name} ${JSON.stringify(spec)}`);
  }

  async #delete({ namespace }: Place, name: string): Promise<void> {
    await this.#scene.cluster.kube.delete(gpuVmType, { namespace, name });
    this.#scene.diary.count('user deletes', `${namespace}/${name}`);
  }

  /** Deletes it and makes it anew at once, as soon as the name is free: maybe this time, maybe another. */
  async #replace(place: Place, name: string): Promise<void> {
    await this.#delete(place, name);
    await this.#create(place, name);
  }

  async #scale(place: Place, length: number): Promise<void> {
    const { items } = await this.#scene.cluster.kube.list<GpuVm>(gpuVmType, { namespace: place.namespace });
    const there = new Set(items.map(({ metadata }) => metadata.name));
    const spec = { gpu: { models: models[0] }, vcpus: 2, memoryGB: 4, storageGB: 20 };
    this.#scene.diary.count('user scales', `${place.namespace}/${place.row} to ${String(length)}`);
    for (let index = 0; index < longestRow; index++) {
      const name = `${place.row}-${String(index)}`;
      if (index < length && !there.has(name)) await this.#createWith(place, name, spec);
      if (index >= length && there.has(name)) await this.#delete(place, name);
    }
  }

  async #edit({ namespace }: Place, name: string): Promise<void> {
    const random = this.#random;
    const annotate = (key: string, value: string | null): object => ({ metadata: { annotations: { [key]: value } } });
    const change = random.pick<() => object>([
      () => ({ spec: { powerState: random.pick(['Running', 'Stopped', 'Released']) } }),
      () => ({ spec: { powerState: random.pick(['Running', 'Running', 'Released']) } }),
      () => ({ spec: { vcpus: random.pick([2, 4, 6]) } }),
      () => ({ spec: { memoryGB: random.pick([4, 8]) } }),
      () => annotate(annotations.paused, random.pick(['true', null, null])),
      () => annotate(annotations.reconcileRequestedAt, String(random.integer(1, 1_000_000))),
    ])();
    try {
      await this.#scene.cluster.kube.mergePatch(gpuVmType, { namespace, name }, change);
    } catch (error) {
      if (isKubeError(error, 'notFound')) return;
      throw error;
    }
    this.#scene.diary.count('user edits', `${namespace}/${name} ${JSON.stringify(change)}`);
  }
}
