import { gpuPoolType, gpuVmType, spotVmType } from '../../src/api/group.ts';
import type { GpuPoolStatus } from '../../src/api/gpu-pool.ts';
import type { Condition } from '../../src/api/conditions.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import type { ResourceType } from '../../src/kube/contract.ts';
import { ListWatch } from '../../src/kube/list-watch.ts';
import { Store } from '../../src/kube/store.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { Cluster } from './cluster.ts';
import { until, untilStatus } from './until.ts';
import { eventType, type KubeEvent, type VmObject } from './vm-handle.ts';

type Pool = CustomObject & { readonly status?: GpuPoolStatus };

/** One GpuPool of a test, as its user sees it. */
export class PoolHandle {
  readonly type: ResourceType = gpuPoolType;
  readonly name: string;
  readonly namespace: string;
  readonly #cluster: Cluster;

  constructor(cluster: Cluster, namespace: string, name: string) {
    this.#cluster = cluster;
    this.namespace = namespace;
    this.name = name;
  }

  object(): Promise<Pool | undefined> {
    return this.#cluster.kube.get<Pool>(gpuPoolType, this);
  }

  async status(): Promise<GpuPoolStatus> {
    return (await this.object())?.status ?? {};
  }

  /** What it owns, on their way out or not. */
  async members(): Promise<VmObject[]> {
    const { namespace } = this;
    const lists = await Promise.all(
      [gpuVmType, spotVmType].map((type) => this.#cluster.kube.list<VmObject>(type, { namespace })),
    );
    return lists
      .flatMap(({ items }) => items)
      .filter(({ metadata }) => metadata.ownerReferences?.some(({ name }) => name === this.name));
  }

  /** Waits until the status, of the latest spec, is as wanted; gives it back. */
  until(sentence: string, isSo: (status: GpuPoolStatus) => boolean): Promise<GpuPoolStatus> {
    return untilStatus(this, sentence, isSo);
  }

  /** So many members, all of them Ready and of the template as it is, and none on its way out. */
  untilReady(count: number): Promise<GpuPoolStatus> {
    return this.until(`${count} members are Ready, and no others are there`, (status) => {
      const { replicas, readyReplicas, updatedReplicas, deletingReplicas } = status;
      return [replicas, readyReplicas, updatedReplicas].every((is) => is === count) && deletingReplicas === undefined;
    });
  }

  /** Waits until the condition has this reason; gives it back. */
  async untilSaid(type: string, reason: string): Promise<Condition> {
    const said = ({ conditions }: GpuPoolStatus): Condition | undefined =>
      conditions?.find((condition) => condition.type === type && condition.reason === reason);
    const found = said(await this.until(`${type} says ${reason}`, (status) => said(status) !== undefined));
    if (found === undefined) throw new Error('it has just been there');
    return found;
  }

  async patchSpec(spec: object): Promise<void> {
    await this.#cluster.kube.mergePatch(gpuPoolType, this, { spec });
  }

  async patchTemplate(spec: object): Promise<void> {
    await this.patchSpec({ template: { spec } });
  }

  /** `kubectl scale`: through the subresource, as autoscalers do. Gives what that says then. */
  async scale(replicas: number): Promise<{ status: { replicas: number; selector: string } }> {
    const path = `/apis/gpuvm.dev/v1alpha1/namespaces/${this.namespace}/gpupools/${this.name}/scale`;
    const headers = { 'content-type': 'application/merge-patch+json' };
    const body = JSON.stringify({ spec: { replicas } });
    const answer = await this.#cluster.raw(path, { method: 'PATCH', headers, body });
    return JSON.parse(answer) as { status: { replicas: number; selector: string } };
  }

  async askDelete(): Promise<void> {
    await this.#cluster.kube.delete(gpuPoolType, this);
  }

  async untilGone(): Promise<void> {
    await until(
      `${this.name} is gone`,
      async () => (await this.object()) === undefined,
      () => this.status(),
    );
  }

  async events(reason: string): Promise<KubeEvent[]> {
    const { items } = await this.#cluster.kube.list<KubeEvent>(eventType, { namespace: this.namespace });
    return items.filter(
      ({ regarding: { kind, name }, reason: is }) => kind === 'GpuPool' && name === this.name && is === reason,
    );
  }

  /** Every status from now on that is ever written, until it is stopped. */
  watchStatuses(): { readonly seen: GpuPoolStatus[]; stop(): Promise<void> } {
    const seen: GpuPoolStatus[] = [];
    const store = new Store<Pool>({ log: silentLogger });
    store.subscribe(({ new: now }) => {
      const isMine = now?.metadata.name === this.name && now.metadata.namespace === this.namespace;
      if (isMine && now.status !== undefined) seen.push(now.status);
    });
    const watch = new ListWatch({
      ...{ api: this.#cluster.kube, type: gpuPoolType, store, clock: systemClock },
      random: Math.random,
      log: silentLogger,
    });
    watch.start();
    return { seen, stop: () => watch.stop() };
  }
}
