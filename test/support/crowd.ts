import fc from 'fast-check';

import { gpuVmType } from '../../src/api/group.ts';
import { configMapType, secretType } from '../../src/controllers/objects.ts';
import { isKubeError } from '../../src/kube/contract.ts';
import { ListWatch } from '../../src/kube/list-watch.ts';
import { Store } from '../../src/kube/store.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { anyData, anyEdit, anyManifest, type AnyManifest, type Surroundings } from './any-manifest.ts';
import type { Cluster } from './cluster.ts';
import { until } from './until.ts';
import type { GpuVm } from './vm-handle.ts';

/** What the API server refuses as its job is. Anything else is not the user's fault. */
const refusals = ['invalid', 'conflict', 'alreadyExists', 'forbidden', 'notFound'] as const;

/** What became of what was sent. */
export interface Tally {
  sent: number;
  admitted: number;
  edits: number;
  admittedEdits: number;
}

/** A namespace full of people who write manifests by chance, and what the API server shows of them. */
export class Crowd {
  readonly namespace: string;
  readonly tally: Tally = { sent: 0, admitted: 0, edits: 0, admittedEdits: 0 };
  readonly #cluster: Cluster;
  readonly #given: Surroundings;
  readonly #store = new Store<GpuVm>({ log: silentLogger });
  readonly #watch: ListWatch<GpuVm>;
  /** How often each resource was written by anybody, by name. */
  readonly #writes = new Map<string, number>();

  constructor(cluster: Cluster, namespace: string, given: Surroundings) {
    this.#cluster = cluster;
    this.namespace = namespace;
    this.#given = given;
    this.#store.subscribe(({ new: now }) => {
      if (now !== undefined) this.#writes.set(now.metadata.name, (this.#writes.get(now.metadata.name) ?? 0) + 1);
    });
    this.#watch = new ListWatch({
      ...{ api: cluster.kube, type: gpuVmType, selector: { namespace }, store: this.#store },
      ...{ clock: systemClock, random: Math.random, log: silentLogger },
    });
  }

  async gather(seed: number): Promise<void> {
    const data = fc.sample(anyData, { seed, numRuns: 2 * this.#given.secrets.length });
    for (const name of this.#given.secrets) {
      await this.#cluster.createSecret(this.namespace, name, data.pop() ?? {});
      await this.#cluster.createConfigMap(this.namespace, name, data.pop() ?? {});
    }
    this.#watch.start();
    await this.#watch.synced;
  }

  async leave(): Promise<void> {
    await this.#watch.stop();
  }

  /** Sends so many manifests at once. Rejects when the API server answers with anything but yes or no. */
  async write(count: number, seed: number): Promise<void> {
    const manifests = fc.sample(anyManifest(this.#given), { seed, numRuns: count });
    await Promise.all(manifests.map((manifest, index) => this.#create(manifest, index)));
  }

  async #create({ name, spec, ...metadata }: AnyManifest, index: number): Promise<void> {
    this.tally.sent += 1;
    const isAdmitted = await admitted(() =>
      this.#cluster.kube.create(gpuVmType, {
        ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuVm', spec },
        // Chance gives short names again and again.
        metadata: { ...metadata, namespace: this.namespace, name: name.length < 100 ? `${name}${index}` : name },
      }),
    );
    if (isAdmitted) this.tally.admitted += 1;
  }

  /** Changes every third resource in some way, and the Secrets that some of them refer to or have. */
  async edit(seed: number): Promise<void> {
    const resources = await this.resources();
    const edits = fc.sample(anyEdit(this.#given), { seed, numRuns: Math.max(1, resources.length) });
    const data = fc.sample(anyData, { seed, numRuns: Math.max(1, resources.length) });
    await Promise.all(
      resources.map(async ({ metadata }, index) => {
        if (index % 3 !== 0) return;
        this.tally.edits += 1;
        const patch = edits[index] ?? {};
        if (await admitted(() => this.#cluster.kube.mergePatch(gpuVmType, metadata, patch)))
          this.tally.admittedEdits += 1;
        await this.#meddle(metadata.name, data[index] ?? {});
      }),
    );
  }

  /** With the Secret that the operator writes for this resource. */
  async #meddle(name: string, data: Readonly<Record<string, string>>): Promise<void> {
    const ref = { namespace: this.namespace, name: `${name}-connection` };
    const { good = '', odd = '', long = '' } = data;
    if (good.startsWith('ssh')) await admitted(() => this.#cluster.kube.delete(secretType, ref));
    else {
      const values = Object.entries({ password: odd, host: long }).map(([key, value]) => [key, base64(value)]);
      await admitted(() =>
        this.#cluster.kube.mergePatch(secretType, ref, { data: Object.fromEntries(values) as object }),
      );
    }
  }

  async resources(): Promise<readonly GpuVm[]> {
    return (await this.#cluster.kube.list<GpuVm>(gpuVmType, { namespace: this.namespace })).items;
  }

  /** Every resource has a status that speaks of its latest spec, and the finalizer that keeps its VM from being forgotten. */
  async untilSeen(): Promise<void> {
    await until(
      'the operator has said something about every resource',
      async () => (await this.resources()).every(isSeen),
      async () => (await this.resources()).filter((object) => !isSeen(object)),
    );
  }

  writesSince(before: ReadonlyMap<string, number>): Map<string, number> {
    return new Map([...this.#writes].map(([name, count]) => [name, count - (before.get(name) ?? 0)]));
  }

  writes(): ReadonlyMap<string, number> {
    return new Map(this.#writes);
  }

  /** As a user deletes who wants to pay for nothing any more. */
  async deleteAll(): Promise<void> {
    const { kube } = this.#cluster;
    for (const { metadata } of await this.resources()) {
      await kube.mergePatch(gpuVmType, metadata, { spec: { deletionPolicy: 'Delete' } });
      await kube.delete(gpuVmType, metadata);
    }
    await until(
      `all of ${this.namespace} are gone`,
      async () => {
        const left = await this.resources();
        await Promise.all(left.map(({ metadata }) => this.#letGo(metadata)));
        return left.length === 0;
      },
      () => this.resources(),
    );
    for (const type of [secretType, configMapType]) {
      for (const { metadata } of (await kube.list(type, { namespace: this.namespace })).items) {
        // There is no garbage collector here.
        if (metadata.ownerReferences !== undefined) await kube.delete(type, metadata);
      }
    }
  }

  /** Takes off what others hold it by; ours stays. */
  async #letGo(metadata: GpuVm['metadata']): Promise<void> {
    const { finalizers = [], resourceVersion } = metadata;
    const ours = finalizers.filter((name) => name.startsWith('gpuvm.dev/'));
    if (ours.length === finalizers.length) return;
    const patch = { metadata: { finalizers: ours, resourceVersion } };
    await admitted(() => this.#cluster.kube.mergePatch(gpuVmType, metadata, patch));
  }
}

function isSeen({ metadata, status }: GpuVm): boolean {
  return (
    status?.observedGeneration === metadata.generation && metadata.finalizers?.includes('gpuvm.dev/vm-cleanup') === true
  );
}

async function admitted(request: () => Promise<unknown>): Promise<boolean> {
  try {
    await request();
    return true;
  } catch (error) {
    if (isKubeError(error, ...refusals)) return false;
    throw error;
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
