import type { Condition } from '../../src/api/conditions.ts';
import { gpuVmType } from '../../src/api/group.ts';
import type { GpuVmStatus } from '../../src/api/gpu-vm.ts';
import type { VmStatus } from '../../src/api/vm.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import type { KubeObject, ResourceType } from '../../src/kube/contract.ts';
import type { Cluster } from './cluster.ts';
import { until, untilStatus } from './until.ts';

export type GpuVm = CustomObject & { readonly spec: Record<string, unknown>; readonly status?: GpuVmStatus };

/** A resource of any kind that stands for one VM. */
export type VmObject = CustomObject & { readonly spec: Record<string, unknown>; readonly status?: VmStatus };

export interface KubeEvent extends KubeObject {
  readonly regarding: { readonly kind: string; readonly name: string; readonly namespace: string };
  readonly type: string;
  readonly reason: string;
  readonly note: string;
}

export const eventType: ResourceType = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

/** One GpuVm, or SpotVm, of a test, as its user sees it. */
export class VmHandle {
  readonly name: string;
  readonly namespace: string;
  readonly type: ResourceType;
  readonly #cluster: Cluster;

  constructor(cluster: Cluster, namespace: string, name: string, type: ResourceType = gpuVmType) {
    this.#cluster = cluster;
    this.type = type;
    this.namespace = namespace;
    this.name = name;
  }

  object(): Promise<VmObject | undefined> {
    return this.#cluster.kube.get<VmObject>(this.type, this);
  }

  async status(): Promise<VmStatus> {
    return (await this.object())?.status ?? {};
  }

  async condition(type: string): Promise<Condition | undefined> {
    return (await this.status()).conditions?.find((condition) => condition.type === type);
  }

  /** The provider's id of its VM; fails when none is recorded. */
  async vmId(): Promise<string> {
    const id = (await this.status()).vm?.id;
    if (id === undefined) throw new Error(`${this.name} has no VM`);
    return id;
  }

  /** Waits until the status, of the latest spec, is as wanted; gives it back. */
  async until(sentence: string, isSo: (status: VmStatus) => boolean): Promise<VmStatus> {
    return untilStatus(this, sentence, isSo);
  }

  untilReady(): Promise<VmStatus> {
    return this.until('it is Ready', (status) => is(status, 'Ready', 'True'));
  }

  /** Waits until Ready is not True for this reason; gives the condition's message. */
  async untilSaid(reason: string, type = 'Ready'): Promise<string> {
    const said = (status: VmStatus): Condition | undefined =>
      status.conditions?.find((condition) => condition.type === type && condition.reason === reason);
    return said(await this.until(`${type} says ${reason}`, (status) => said(status) !== undefined))?.message ?? '';
  }

  async patch(patch: object): Promise<void> {
    await this.#cluster.kube.mergePatch(this.type, this, patch);
  }

  patchSpec(spec: object): Promise<void> {
    return this.patch({ spec });
  }

  /** null removes the annotation. */
  annotate(name: string, value: string | null): Promise<void> {
    return this.patch({ metadata: { annotations: { [`gpuvm.dev/${name}`]: value } } });
  }

  /** Asks for the deletion and does not wait for it. */
  async askDelete(): Promise<void> {
    await this.#cluster.kube.delete(this.type, this);
  }

  async untilGone(): Promise<void> {
    await until(
      `${this.name} is gone`,
      async () => (await this.object()) === undefined,
      () => this.status(),
    );
  }

  /** `kubectl delete`: returns when the resource is gone. */
  async delete(): Promise<void> {
    await this.askDelete();
    await this.untilGone();
  }

  async events(): Promise<KubeEvent[]> {
    const { items } = await this.#cluster.kube.list<KubeEvent>(eventType, { namespace: this.namespace });
    return items.filter(({ regarding: { kind, name } }) => kind === this.type.kind && name === this.name);
  }

  async untilEvent(reason: string): Promise<KubeEvent> {
    return until(
      `${this.name} has the Event ${reason}`,
      async () => (await this.events()).find((event) => event.reason === reason),
      async () => (await this.events()).map(({ reason: is, note }) => `${is}: ${note}`),
    );
  }
}

export function is(status: VmStatus, type: string, value: Condition['status']): boolean {
  return status.conditions?.some((condition) => condition.type === type && condition.status === value) === true;
}
