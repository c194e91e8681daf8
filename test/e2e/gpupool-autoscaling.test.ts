import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { useExistingCluster } from '../../hack/control-plane/start.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import type { ResourceType } from '../../src/kube/contract.ts';
import { ControllerManager, obtainingMs } from '../support/controller-manager.ts';
import { MetricsApi } from '../support/metrics-api.ts';
import type { Organization } from '../support/organization.ts';
import type { PoolHandle } from '../support/pool-handle.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';

/** Pools that are scaled by machines: by Kubernetes' own autoscaler, and by whoever makes the same calls. */

/** There is not always enough of one model for a pool. */
const manyModels = { gpu: { models: ['v100-pcie-16gb', 'rtxa4000-pcie-16gb', 'rtxa5000-pcie-24gb'] } };

let stage: Stage;
let team: Organization;

beforeAll(async () => {
  stage = await Stage.set();
  team = await stage.organization({ hosts: 20 });
});

afterAll(() => stage.strike());

const hpaType: ResourceType = {
  group: 'autoscaling',
  version: 'v2',
  plural: 'horizontalpodautoscalers',
  kind: 'HorizontalPodAutoscaler',
  namespaced: true,
};

type Hpa = CustomObject & {
  readonly status?: {
    readonly currentReplicas?: number;
    readonly desiredReplicas?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
  };
};

/** One VM for ten requests that wait, and no pause between two decisions. */
function autoscalerOf(
  pool: PoolHandle,
  bounds: { readonly minReplicas: number; readonly maxReplicas: number },
): object {
  const atOnce = { stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: 100, periodSeconds: 1 }] };
  const metric = { name: 'waiting_requests' };
  return {
    ...bounds,
    scaleTargetRef: { apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuPool', name: pool.name },
    metrics: [{ type: 'External', external: { metric, target: { type: 'AverageValue', averageValue: '10' } } }],
    behavior: { scaleUp: atOnce, scaleDown: atOnce },
  };
}

// The API server of another cluster does not find its way to a server of this process.
describe.skipIf(useExistingCluster(process.env))('a HorizontalPodAutoscaler with an external metric', () => {
  let manager: ControllerManager;
  let metrics: MetricsApi;

  beforeAll(async () => {
    metrics = await MetricsApi.serve(stage.cluster, team.namespace);
    manager = await ControllerManager.start(stage.cluster.kubeconfigPath);
  }, obtainingMs);

  afterEach(({ task }) => {
    if (task.result?.state === 'fail') process.stderr.write(manager.output);
  });

  afterAll(async () => {
    await manager.stop();
    await metrics.close();
  });

  test('makes a pool larger and smaller as the metric rises and falls, within its bounds', async () => {
    const pool = await stage.createPool(team, 'inference', { replicas: 2 }, manyModels);
    await pool.untilReady(2);
    metrics.value = 40;
    const ref = { namespace: team.namespace, name: pool.name };
    await stage.cluster.kube.create(hpaType, {
      apiVersion: 'autoscaling/v2',
      kind: hpaType.kind,
      metadata: ref,
      spec: autoscalerOf(pool, { minReplicas: 1, maxReplicas: 5 }),
    });
    const hpa = async (): Promise<Hpa['status']> => (await stage.cluster.kube.get<Hpa>(hpaType, ref))?.status;
    const says = async (type: string): Promise<string> => {
      const condition = (await hpa())?.conditions?.find((one) => one.type === type);
      return `${condition?.status ?? ''} ${condition?.reason ?? ''}`;
    };

    await pool.untilReady(4);
    expect((await team.state()).vms).toHaveLength(4);
    await until('it finds as many as it wants', async () => (await hpa())?.currentReplicas === 4, hpa);
    expect(await says('AbleToScale')).toMatch(/^True/);
    expect(await says('ScalingActive')).toBe('True ValidMetricFound');

    metrics.value = 1000;
    await pool.untilReady(5);
    await until('it is limited', async () => (await says('ScalingLimited')) === 'True TooManyReplicas', hpa);

    metrics.value = 15;
    await pool.untilReady(2);
    expect((await team.state()).vms).toHaveLength(2);
    await stage.cluster.kube.delete(hpaType, ref);
  });
});

describe('the scale subresource', () => {
  interface Scale {
    readonly metadata: { readonly resourceVersion: string };
    readonly spec: { readonly replicas: number };
    readonly status: { readonly replicas: number; readonly selector: string };
  }

  function pathOf({ namespace, name }: PoolHandle): string {
    return `/apis/gpuvm.dev/v1alpha1/namespaces/${namespace}/gpupools/${name}/scale`;
  }

  async function get(pool: PoolHandle): Promise<Scale> {
    return JSON.parse(await stage.cluster.raw(pathOf(pool))) as Scale;
  }

  async function put(pool: PoolHandle, scale: Scale, replicas: number): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ ...scale, spec: { replicas } });
    await stage.cluster.raw(pathOf(pool), { method: 'PUT', headers, body });
  }

  test('says how many members there are, and by which labels they are found', async () => {
    const pool = await stage.createPool(team, 'counted', { replicas: 2 }, manyModels);
    await pool.untilReady(2);
    const { spec, status } = await get(pool);
    expect({ spec, status }).toEqual({
      spec: { replicas: 2 },
      status: { replicas: 2, selector: 'gpuvm.dev/pool=counted' },
    });
    const selected = await stage.cluster.raw(
      `/apis/gpuvm.dev/v1alpha1/namespaces/${team.namespace}/gpuvms?labelSelector=${encodeURIComponent(status.selector)}`,
    );
    const { items } = JSON.parse(selected) as { items: CustomObject[] };
    expect(items.map(({ metadata }) => metadata.name).sort()).toEqual(['counted-0', 'counted-1']);
  });

  test('is refused to who read it before somebody else changed it', async () => {
    const pool = await stage.createPool(team, 'contended', { replicas: 0 });
    await pool.untilReady(0);
    const read = await get(pool);
    await put(pool, read, 1);
    await expect(put(pool, read, 3)).rejects.toThrow('the object has been modified');
    await pool.untilReady(1);
    await put(pool, await get(pool), 0);
    await pool.untilReady(0);
  });

  test.each([
    [-1, 'should be greater than or equal to 0'],
    [1001, 'should be less than or equal to 1000'],
  ])('takes no %s members', async (replicas, why) => {
    const pool = await stage.createPool(team, `of-${Math.abs(replicas)}`, { replicas: 0 });
    await expect(pool.scale(replicas)).rejects.toThrow(why);
  });
});
