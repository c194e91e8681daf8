import type { Cluster } from '../support/cluster.ts';

/** What the API server needs of the machine, since its start. */
export interface ApiServerUsage {
  readonly cpuSeconds: number;
  /** Rounds of its garbage collection, and all that it has allocated, in kilobytes. */
  readonly collections: number;
  readonly allocatedKB: number;
}

/** As it says itself. */
export async function apiServerUsage(cluster: Cluster): Promise<ApiServerUsage> {
  const metrics = await cluster.raw('/metrics');
  const valueOf = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1]);
  return {
    cpuSeconds: valueOf('process_cpu_seconds_total'),
    collections: valueOf('go_gc_duration_seconds_count'),
    allocatedKB: valueOf('go_memstats_alloc_bytes_total') / 1024,
  };
}
