import { gpuPoolSpecSchema, type GpuPoolStatus } from '../../src/api/gpu-pool.ts';
import { annotations, gpuPoolType } from '../../src/api/group.ts';
import type { PoolDeed, PoolSpecChange } from './pool-deeds.ts';
import { spotModels } from './spot-perform.ts';
import { easySpec, type SimulatedWorld } from './world.ts';

/** Does one thing to a pool. */
export async function tendPool(world: SimulatedWorld, one: PoolDeed, cap: string | undefined): Promise<void> {
  switch (one.do) {
    case 'pool':
      return applyPool(world, one, cap);
    case 'scale':
      return patch(world, one.pool, { spec: { replicas: one.replicas } });
    case 'template':
      return patch(world, one.pool, {
        spec: { template: { metadata: { labels: { version: one.label } }, spec: { vcpus: one.vcpus } } },
      });
    case 'rollout':
      return rollOut(world, one, cap);
    case 'deleteFirst':
      return world.annotate(one.vm, { [annotations.deleteFirst]: 'true' });
    case 'deletePool':
      return world.deletePool(one.pool);
  }
}

async function applyPool(
  world: SimulatedWorld,
  { pool, spec }: { readonly pool: string; readonly spec: PoolSpecChange },
  cap: string | undefined,
): Promise<void> {
  if (world.pool(pool) !== undefined) return patch(world, pool, { spec });
  world.note(`make ${pool} ${JSON.stringify(spec)}`);
  const { spread, maxHourlyCost, ...rest } = spec;
  await world.api.create(gpuPoolType, {
    apiVersion: 'gpuvm.dev/v1alpha1',
    kind: 'GpuPool',
    metadata: { namespace: 'research', name: pool },
    spec: {
      ...rest,
      ...(spread === null ? {} : { spread }),
      ...(maxHourlyCost === null ? {} : { maxHourlyCost }),
      ...(pool === 'pool-b' ? { capacity: spotCapacity } : {}),
      template: { metadata: {}, spec: { ...templateSpec, maxHourlyPrice: cap ?? '0.60' } },
    },
  });
}

/** Chance alone hardly ever waits for that long; where trouble keeps the members from becoming available, nothing changes. */
async function rollOut(
  world: SimulatedWorld,
  { pool, maxSurge, maxUnavailable }: Extract<PoolDeed, { do: 'rollout' }>,
  cap: string | undefined,
): Promise<void> {
  // Both zero would allow no change at all.
  const updateStrategy = { type: 'RollingUpdate', maxSurge: maxUnavailable === 0 ? 1 : maxSurge, maxUnavailable };
  const quick = { minReadySeconds: 0, spread: null, maxHourlyCost: null };
  await applyPool(world, { pool, spec: { ...quick, replicas: 2, updateStrategy, scaleIn: { policy: 'Newest' } } }, cap);
  const isThere = (): boolean => (world.pool(pool)?.status as GpuPoolStatus | undefined)?.availableReplicas === 2;
  if ((await world.until(() => isThere() && world.isCalm, 10 * 60_000)) === undefined) return;
  const { template } = gpuPoolSpecSchema.parse(world.pool(pool)?.spec);
  await patch(world, pool, { spec: { template: { spec: { vcpus: template.spec.vcpus === 2 ? 4 : 2 } } } });
}

const templateSpec = { ...easySpec, gpu: { models: spotModels, count: 1 } };

/** One member is on demand, the others bid, and go on demand when no bid wins for two minutes. */
const spotCapacity = {
  type: 'Spot',
  onDemandBase: 1,
  fallbackToOnDemandAfter: '2m',
  returnToSpotAfter: '1m',
  bid: { price: '0.08', maxPrice: '0.20' },
};

/** They may cost what they cost. */
export async function liftCosts(world: SimulatedWorld): Promise<void> {
  for (const { metadata } of world.pools()) await patch(world, metadata.name, { spec: { maxHourlyCost: null } });
}

async function patch(world: SimulatedWorld, name: string, change: object): Promise<void> {
  world.note(`change ${name} ${JSON.stringify(change)}`);
  await world.api.mergePatch(gpuPoolType, { namespace: 'research', name }, change);
}
