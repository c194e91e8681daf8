import fc from 'fast-check';

import { vmKinds } from '../../src/controllers/vm/kinds.ts';
import { configMapType, secretType } from '../../src/controllers/objects.ts';
import { isKubeError, type ResourceType } from '../../src/kube/contract.ts';
import { ListWatch } from '../../src/kube/list-watch.ts';
import { Store } from '../../src/kube/store.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { anyData, anyEdit, anyManifest, type AnyManifest, type Surroundings } from './any-manifest.ts';
import type { Cluster } from './cluster.ts';
import { until } from './until.ts';
import type { VmObject } from './vm-handle.ts';

/** What the API server refuses as its job is. Anything else is not the user's fault. */
const refusals = ['invalid', 'conflict', 'alreadyExists', 'forbidden', 'notFound'] as const;

/** What became of what was sent. */
export interface Tally {
  sent: number;
  admitted: number;
  /** SpotVms of these. */
  admittedSpot: number;
  edits: number;
  admittedEdits: number;
}

/** A namespace full of people who write manifests by chance, and what the API server shows of them. */
export class Crowd {
  readonly namespace: string;
  readonly tally: Tally = { sent: 0, admitted: 0, admittedSpot: 0, edits: 0, admittedEdits: 0 };
  readonly #cluster: Cluster;
  readonly #given: Surroundings;
  readonly #watches: readonly ListWatch<VmObject>[];
  /** How often each resource was written by anybody, by kind and name. */
  readonly #writes = new Map<string, number>();

  constructor(cluster: Cluster, namespace: string, given: Surroundings) {
    this.#cluster = cluster;
    this.namespace = namespace;
    this.#given = given;
    this.#watches = vmKinds.map(({ type }) => this.#countWrites(type));
  }

  #countWrites(type: ResourceType): ListWatch<VmObject> {
    const store = new Store<VmObject>({ log: silentLogger });
    store.subscribe(({ new: now }) => {
      if (now === undefined) return;
      const key = `${type.kind} ${now.metadata.name}`;
      this.#writes.set(key, (this.#writes.get(key) ?? 0) + 1);
    });
    return new ListWatch({
      ...{ api: this.#cluster.kube, type, selector: { namespace: this.namespace }, store },
      ...{ clock: systemClock, random: Math.random, log: silentLogger },
    });
  }

  async gather(seed: number): Promise<void> {
    const data = fc.sample(anyData, { seed, numRuns: 2 * this.#given.secrets.length });
    for (const name of this.#given.secrets) {
      await this.#cluster.createSecret(this.namespace, name, data.pop() ?? {});
      await this.#cluster.createConfigMap(this.namespace, name, data.pop() ?? {});
    }
    for (const watch of this.#watches) watch.start();
    await Promise.all(this.#watches.map(({ synced }) => synced));
  }

  async leave(): Promise<void> {
    await Promise.all(this.#watches.map((watch) => watch.stop()));
  }

  /** Sends so many manifests at once. Rejects when the API server answers with anything but yes or no. */
  async write(count: number, seed: number): Promise<void> {
    const manifests = fc.sample(anyManifest(this.#given), { seed, numRuns: count });
    await Promise.all(manifests.map((manifest, index) => this.#create(manifest, index)));
  }

  async #create({ kind, name, spec, ...metadata }: AnyManifest, index: number): Promise<void> {
    this.tally.sent += 1;
    const isAdmitted = await admitted(() =>
      this.#cluster.kube.create(typeOf({ kind }), {
        ...{ apiVersion: 'gpuvm.dev/v1alpha1', kind, spec },
        // Chance gives short names again and again.
        metadata: { ...metadata, namespace: this.namespace, name: name.length < 100 ? `${name}${index}` : name },
      }),
    );
    if (!isAdmitted) return;
    this.tally.admitted += 1;
    if (kind === 'SpotVm') this.tally.admittedSpot += 1;
  }

  /** Changes every third resource in some way, and the Secrets that some of them refer to or have. */
  async edit(seed: number): Promise<void> {
    const resources = await this.resources();
    const numRuns = Math.max(1, resources.length);
    const edits = {
      GpuVm: fc.sample(anyEdit(this.#given, 'GpuVm'), { seed, numRuns }),
      SpotVm: fc.sample(anyEdit(this.#given, 'SpotVm'), { seed, numRuns }),
    };
    const data = fc.sample(anyData, { seed, numRuns });
    await Promise.all(
      resources.map(async ({ kind, metadata }, index) => {
        if (index % 3 !== 0) return;
        this.tally.edits += 1;
        const patch = edits[kind === 'SpotVm' ? kind : 'GpuVm'][index] ?? {};
        if (await admitted(() => this.#cluster.kube.mergePatch(typeOf({ kind }), metadata, patch)))
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

  async resources(): Promise<readonly VmObject[]> {
    const { namespace } = this;
    const lists = await Promise.all(vmKinds.map(({ type }) => this.#cluster.kube.list<VmObject>(type, { namespace })));
    // Items of a list need not say what they are.
    return lists.flatMap(({ items }, index) => items.map((object) => ({ ...object, kind: vmKinds[index]?.type.kind })));
  }

  /** Every resource has a status that speaks of its latest spec, and where it may have a VM the finalizer that keeps it from being forgotten. */
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
    for (const { kind, metadata } of await this.resources()) {
      // One that has expired meanwhile is gone.
      await admitted(() => kube.mergePatch(typeOf({ kind }), metadata, { spec: { deletionPolicy: 'Delete' } }));
      await admitted(() => kube.delete(typeOf({ kind }), metadata));
    }
    await until(
      `all of ${this.namespace} are gone`,
      async () => {
        const left = await this.resources();
        await Promise.all(left.map((object) => this.#letGo(object)));
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
  async #letGo({ kind, metadata }: VmObject): Promise<void> {
    const { finalizers = [], resourceVersion } = metadata;
    const ours = finalizers.filter((name) => name.startsWith('gpuvm.dev/'));
    if (ours.length === finalizers.length) return;
    const patch = { metadata: { finalizers: ours, resourceVersion } };
    await admitted(() => this.#cluster.kube.mergePatch(typeOf({ kind }), metadata, patch));
  }
}

function typeOf({ kind }: { readonly kind?: string | undefined }): ResourceType {
  const known = vmKinds.find(({ type }) => type.kind === kind);
  if (known === undefined) throw new Error(`no kind of VM: ${kind ?? ''}`);
  return known.type;
}

function isSeen({ metadata, status }: VmObject): boolean {
  // It has expired, and whoever else holds it may hold it on.
  if (metadata.deletionTimestamp !== undefined) return true;
  const mayHaveVm = status?.vm !== undefined || status?.launch !== undefined || status?.retiring !== undefined;
  const isHeldBack = metadata.finalizers?.includes('gpuvm.dev/vm-cleanup') === true;
  return status?.observedGeneration === metadata.generation && (isHeldBack || !mayHaveVm);
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
