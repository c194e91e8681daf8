import { gpuVmType } from '../../src/api/group.ts';
import { ListWatch } from '../../src/kube/list-watch.ts';
import { Store } from '../../src/kube/store.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { Cluster } from '../support/cluster.ts';
import { is, type VmObject } from '../support/vm-handle.ts';
import { gpuModel } from './provider.ts';

/** Requests of the users at once. */
const writers = 64;

export const vmSpec = {
  accountName: 'bench',
  gpu: { models: [gpuModel], count: 1 },
  vcpus: 2,
  memoryGB: 4,
  storageGB: 20,
  maxHourlyPrice: '5',
  ports: [{ name: 'ssh', internal: 22 }],
};

/** All GpuVms of one namespace, as a user with a watch sees them. */
export class Crowd {
  readonly #cluster: Cluster;
  readonly #namespace: string;
  readonly #store = new Store<VmObject>({ log: silentLogger });
  readonly #watch: ListWatch<VmObject>;
  readonly #createdAt = new Map<string, number>();
  readonly #readyAt = new Map<string, number>();
  readonly #waiting = new Set<() => void>();

  private constructor(cluster: Cluster, namespace: string) {
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.#store.subscribe(({ new: now }) => {
      if (now !== undefined) this.#see(now);
      for (const look of this.#waiting) look();
    });
    this.#watch = new ListWatch({
      ...{ api: cluster.kube, type: gpuVmType, selector: { namespace }, store: this.#store },
      ...{ clock: systemClock, random: Math.random, log: silentLogger },
    });
  }

  static async watch(cluster: Cluster, namespace: string): Promise<Crowd> {
    const crowd = new Crowd(cluster, namespace);
    crowd.#watch.start();
    await crowd.#watch.synced;
    return crowd;
  }

  get size(): number {
    return this.#store.list().length;
  }

  get objects(): readonly VmObject[] {
    return this.#store.list();
  }

  /** Those that are Ready now. */
  get ready(): VmObject[] {
    return this.#store.list().filter(isReady);
  }

  /** Seconds from the request to create a resource to the event that shows it Ready. */
  get secondsToReady(): number[] {
    return [...this.#readyAt].map(([name, at]) => (at - (this.#createdAt.get(name) ?? at)) / 1000);
  }

  stop(): Promise<void> {
    return this.#watch.stop();
  }

  /** Creates so many GpuVms as fast as they are taken. */
  async create(count: number): Promise<void> {
    const names = Array.from({ length: count }, (_, index) => `vm-${index}`);
    await atOnce(names, async (name) => {
      this.#createdAt.set(name, performance.now());
      await this.#cluster.kube.create(gpuVmType, {
        ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', metadata: { namespace: this.#namespace, name } },
        spec: vmSpec,
      });
    });
  }

  deleteAll(): Promise<void> {
    return this.delete(this.#store.list());
  }

  async delete(objects: readonly VmObject[]): Promise<void> {
    await atOnce(objects, ({ metadata }) => this.#cluster.kube.delete(gpuVmType, metadata));
  }

  untilReady(count: number): Promise<void> {
    return this.until(() => this.#readyAt.size >= count);
  }

  untilGone(): Promise<void> {
    return this.until(() => this.size === 0);
  }

  /** Resolves with the event after which it is so. */
  async until(isSo: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const look = (): void => {
      if (!isSo()) return;
      this.#waiting.delete(look);
      resolve(undefined);
    };
    this.#waiting.add(look);
    look();
    await promise;
  }

  #see(object: VmObject): void {
    if (!this.#readyAt.has(object.metadata.name) && isReady(object))
      this.#readyAt.set(object.metadata.name, performance.now());
  }
}

function isReady({ status }: VmObject): boolean {
  return status !== undefined && is(status, 'Ready', 'True');
}

/** Does it with each, so many at a time. */
export async function atOnce<T>(items: readonly T[], act: (item: T) => Promise<unknown>): Promise<void> {
  const left = items.values();
  const work = async (): Promise<void> => {
    for (const item of left) await act(item);
  };
  await Promise.all(Array.from({ length: writers }, work));
}
