import type { GpuPoolSpec, GpuPoolStatus } from '../api/gpu-pool.ts';
import type { CustomObject } from '../controllers/objects.ts';
import type { ReadStore } from '../kube/store.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** Read off the statuses at each scrape, as the gauges of VMs are. */
export function collectPools(metrics: Metrics, pools: ReadStore<CustomObject>): void {
  metrics.onCollect(() => {
    metrics.poolReplicas.reset();
    for (const { metadata, spec, status } of pools.list()) {
      const labels = { namespace: metadata.namespace ?? '', pool: metadata.name };
      for (const [state, count] of Object.entries(countsOf((spec ?? {}) as GpuPoolSpec, status ?? {}))) {
        metrics.poolReplicas.set({ ...labels, state }, count);
      }
    }
  });
}

function countsOf({ replicas }: Partial<GpuPoolSpec>, status: GpuPoolStatus): Record<string, number> {
  return {
    desired: replicas ?? 0,
    current: status.replicas ?? 0,
    ready: status.readyReplicas ?? 0,
    available: status.availableReplicas ?? 0,
    updated: status.updatedReplicas ?? 0,
    deleting: status.deletingReplicas ?? 0,
  };
}
