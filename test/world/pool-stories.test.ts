import { describe, expect, it } from 'vitest';

import type { GpuPoolStatus } from '../../src/api/gpu-pool.ts';
import { gpuPoolType } from '../../src/api/group.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import { createWorld, easySpec, type SimulatedWorld } from './world.ts';

const second = 1000;
const minute = 60 * second;

type Pool = CustomObject & { readonly spec: { readonly replicas: number }; readonly status?: GpuPoolStatus };

const ref = { namespace: 'research', name: 'inference' };

/** The pool of a world, as its user has it. */
class PoolOfWorld {
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

async function expectGone(pool: PoolOfWorld): Promise<void> {
  await pool.world.api.delete(gpuPoolType, ref);
  await pool.until('it is gone', () => pool.object === undefined, 10 * minute);
  expect(pool.members).toEqual([]);
  expect(pool.world.vms()).toEqual([]);
  expect(pool.world.watchdog.breaches).toEqual([]);
}

describe('the life of a GpuPool', () => {
  it('has as many members as are wanted, and leaves nothing behind', async () => {
    const world = await createWorld({ seed: 1 });
    const pool = await PoolOfWorld.in(world, { replicas: 4 });
    await pool.untilReady(4);
    expect(pool.members.map(({ metadata }) => metadata.name).sort()).toEqual([
      'inference-0',
      'inference-1',
      'inference-2',
      'inference-3',
    ]);
    await pool.patch({ replicas: 1 });
    await pool.untilReady(1);
    expect(world.vms()).toHaveLength(1);
    const { writes } = world;
    await world.advance(30 * minute);
    expect(world.writes).toBe(writes);
    await expectGone(pool);
  });
});
