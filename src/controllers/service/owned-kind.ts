import {
  isKubeError,
  KubeError,
  keyOf,
  type KubeApi,
  type KubeObject,
  type OwnerReference,
  type ResourceType,
} from '../../kube/contract.ts';
import { apiVersionOf } from '../../kube/api-paths.ts';
import type { Store } from '../../kube/store.ts';
import { gpuPoolType } from '../../api/group.ts';
import { controllerIndex, controllerNameIndex, controllerOf, controllerUidOf, nameKey } from '../owned.ts';
import type { ServiceOwner } from '../../plan/service/objects.ts';
import { vmKinds } from '../vm/kinds.ts';

/** What is to be there: of one of our resources, named as its controller. */
export interface Desired {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly ownerReferences: readonly OwnerReference[];
  };
}

export interface OwnedKindOptions<T extends KubeObject, D extends Desired> {
  readonly kube: KubeApi;
  readonly type: ResourceType;
  /** Of those with the label that marks them as ours, with the indexes `controller` and `controllerName`. */
  readonly store: Store<T>;
  /** Whether what is there is as wanted, but for its metadata. */
  readonly isAs: (existing: T, desired: D) => boolean;
  /** What makes it so, but for its metadata; undefined where only another object could be it. */
  readonly patch: (desired: D) => object;
}

/** A name is taken. */
export interface Taken {
  readonly by: string;
}

/**
 * Objects of one kind that belong to resources of ours: made when they are not there, corrected when they are otherwise, and
 * deleted when they are not wanted. Nothing is written while nothing is to change, and what is somebody else's is not touched.
 */
export class OwnedKind<T extends KubeObject, D extends Desired> {
  readonly #options: OwnedKindOptions<T, D>;

  constructor(options: OwnedKindOptions<T, D>) {
    this.#options = options;
  }

  /** Of the resource with this UID. */
  of(uid: string): T[] {
    return this.#options.store.byIndex(controllerIndex, uid);
  }

  /** Of resources that had the kind and name of this one before it. */
  before(owner: ServiceOwner): T[] {
    const { store } = this.#options;
    const named = store.byIndex(controllerNameIndex, nameKey(owner.namespace, owner));
    return named.filter((object) => controllerUidOf(object) !== owner.uid);
  }

  /** Returns who has the name, if that is somebody else. */
  async ensure(desired: D): Promise<Taken | undefined> {
    const { store } = this.#options;
    const known = store.get(keyOf(desired.metadata));
    if (known === undefined) return this.#create(desired);
    if (controllerUidOf(known) === ownerOf(desired).uid) return this.#correct(known, desired);
    if (!isLeftover(known, desired)) return { by: ownerInWords(known) };
    await this.deleteLeftover(known);
    return this.#create(desired);
  }

  /**
   * Deletes what belongs to a resource of the name of another one, which took it for gone. By a store that is behind it may have come
   * after that one: then rejects `conflict`, and all is well once the store has caught up.
   */
  async deleteLeftover(object: T): Promise<void> {
    if (await this.#hasOwner(object)) {
      const { namespace = '', name } = object.metadata;
      throw new KubeError(`the owner of ${this.#options.type.kind} ${namespace}/${name} is not known yet`, 'conflict');
    }
    await this.delete(object);
  }

  async #hasOwner(object: T): Promise<boolean> {
    const owner = controllerOf(object);
    const type = ownerTypes.find(({ kind }) => kind === owner?.kind);
    if (owner === undefined || type === undefined) return false;
    const { namespace } = object.metadata;
    return (await this.#options.kube.get(type, { namespace, name: owner.name }))?.metadata.uid === owner.uid;
  }

  async delete({ metadata }: T): Promise<void> {
    const { kube, type } = this.#options;
    try {
      await kube.delete(type, metadata, { uid: metadata.uid });
    } catch (error) {
      // Somebody was faster, or something else has the name now.
      if (!isKubeError(error, 'notFound', 'conflict')) throw error;
    }
  }

  async #create(desired: D): Promise<Taken | undefined> {
    const { kube, type, store } = this.#options;
    try {
      store.applyWrite(
        await kube.create<T>(type, {
          apiVersion: apiVersionOf(type),
          kind: type.kind,
          ...(desired as Desired & Record<string, unknown>),
        }),
      );
      return undefined;
    } catch (error) {
      if (!isKubeError(error, 'alreadyExists')) throw error;
    }
    // It is not in the store as it has not the label: somebody else's, or one of ours that lost it.
    const existing = await kube.get<T>(type, desired.metadata);
    if (existing === undefined) throw new KubeError(`${type.kind} ${desired.metadata.name} comes and goes`, 'conflict');
    if (controllerUidOf(existing) !== ownerOf(desired).uid) return { by: ownerInWords(existing) };
    return this.#correct(existing, desired);
  }

  async #correct(existing: T, desired: D): Promise<undefined> {
    const { kube, type, store, isAs, patch } = this.#options;
    const { labels } = desired.metadata;
    const isLabelled = Object.entries(labels).every(([name, value]) => existing.metadata.labels?.[name] === value);
    if (isLabelled && isAs(existing, desired)) return;
    // Another object may have the name by now: it is corrected only as it was seen.
    const { resourceVersion } = existing.metadata;
    const whole = { metadata: { labels, resourceVersion }, ...patch(desired) };
    store.applyWrite(await kube.mergePatch<T>(type, desired.metadata, whole));
  }
}

const ownerTypes = [...vmKinds.map(({ type }) => type), gpuPoolType];

function ownerOf({
  metadata: {
    ownerReferences: [owner],
  },
}: Desired): OwnerReference {
  if (owner === undefined) throw new Error('what is made belongs to nobody');
  return owner;
}

/** One name stands for one resource of a kind at a time: an owner of the same name and another UID is gone. */
function isLeftover(existing: KubeObject, desired: Desired): boolean {
  const { kind, name } = ownerOf(desired);
  const owners = existing.metadata.ownerReferences ?? [];
  return owners.length > 0 && owners.every((owner) => owner.kind === kind && owner.name === name);
}

function ownerInWords(object: KubeObject): string {
  const owner = controllerOf(object);
  return owner === undefined ? 'somebody else' : `${owner.kind} "${owner.name}"`;
}
