import { expect } from 'vitest';

import type { GpuPoolStatus } from '../../src/api/gpu-pool.ts';
import { gpuPoolType } from '../../src/api/group.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import { eventType } from '../../src/kube/events.ts';
import type { KubeObject } from '../../src/kube/contract.ts';
import { easySpec, type SimulatedWorld } from './world.ts';

const minute = 60_000;

type Pool = CustomObject & { readonly spec: { readonly replicas: number }; readonly status?: GpuPoolStatus };

export const ref = { namespace: 'research', name: 'inference' };

/** The pool of a world, as its user has it. */
export class PoolOfWorld {
  readonly world: SimulatedWorld;

  constructor(world: SimulatedWorld) {
    this.world = world;
  }

  static async in(world: SimulatedWorld, spec: object = {}, template: object = {}): Promise<PoolOfWorld> {
    await world.api.create(gpuPoolType, {
      apiVersion: 'gpuvm.dev/v1alpha1',
      kind: 'GpuPool',
      metadata: ref,
      spec: { template: { spec: { ...easySpec, ...template } }, ...spec },
    });
    return new PoolOfWorld(world);
  }

  get object(): Pool | undefined {
    return this.world.api.peek(gpuPoolType, `${ref.namespace}/${ref.name}`) as Pool | undefined;
  }

  get status(): GpuPoolStatus {
    return this.object?.status ?? {};
  }

  condition(type: string): string {
    const found = this.status.conditions?.find((condition) => condition.type === type);
    return `${found?.status ?? ''} ${found?.reason ?? ''}`;
  }

  get members(): CustomObject[] {
    return this.world.resources().filter(({ metadata }) => metadata.ownerReferences?.[0]?.name === ref.name);
  }

  get ready(): number {
    return this.members.filter(({ status }) => {
      const { conditions = [] } = (status ?? {}) as GpuPoolStatus;
      return conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
    }).length;
  }

  /** What Events of this reason say. */
  async events(reason: string): Promise<string[]> {
    const { items } = await this.world.api.list<KubeObject & { reason?: string; note?: string }>(eventType);
    return items.flatMap((event) => (event.reason === reason ? [event.note ?? ''] : []));
  }

  async annotate(annotations: Readonly<Record<string, string | null>>): Promise<void> {
    await this.world.api.mergePatch(gpuPoolType, ref, { metadata: { annotations } });
  }

  async patch(spec: object): Promise<void> {
    await this.world.api.mergePatch(gpuPoolType, ref, { spec });
  }

  async until(sentence: string, isSo: () => boolean, limitMs = 30 * minute): Promise<void> {
    const took = await this.world.until(isSo, limitMs);
    expect(took, `${sentence}, but: ${JSON.stringify(this.status, undefined, 1)}`).toBeDefined();
  }

  async untilReady(count: number): Promise<void> {
    await this.until(
      `${String(count)} are Ready`,
      () =>
        this.status.readyReplicas === count &&
        this.status.replicas === count &&
        this.status.deletingReplicas === undefined,
    );
  }
}

export async function expectGone(pool: PoolOfWorld): Promise<void> {
  await pool.world.api.delete(gpuPoolType, ref);
  await pool.until('it is gone', () => pool.object === undefined, 10 * minute);
  expect(pool.members).toEqual([]);
  expect(pool.world.vms()).toEqual([]);
  expect(pool.world.watchdog.breaches).toEqual([]);
}
