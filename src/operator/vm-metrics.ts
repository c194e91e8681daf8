import type { GpuAccountStatus } from '../api/gpu-account.ts';
import { spotVmType } from '../api/group.ts';
import type { VmStatus } from '../api/vm.ts';
import type { AccountRegistry } from '../controllers/accounts.ts';
import { vmKindOf, type VmKind } from '../controllers/vm/kinds.ts';
import type { VmMetrics } from '../controllers/vm/pass.ts';
import type { CustomObject } from '../controllers/objects.ts';
import type { Indexed, ReadStore } from '../kube/store.ts';
import type { Clock } from '../lib/clock.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/**
 * What the controller of VMs counts. Counters are there from the first scrape on, here and below: one that begins with its
 * first event has no increase by it, and an alert on the increase would miss a burst.
 */
export function vmMetrics(metrics: Metrics, { type: { kind } }: VmKind): VmMetrics {
  for (const outcome of ['launched', 'refused', 'uncertain', 'overpriced']) metrics.launches.inc({ outcome }, 0);
  return {
    outbid: (namespace) => {
      metrics.spotOutbid.inc({ namespace });
    },
    launched: (outcome) => {
      metrics.launches.inc({ outcome });
    },
    duplicateDeleted: () => {
      metrics.duplicatesDeleted.inc();
    },
    vmLost: () => {
      metrics.vmsLost.inc();
    },
    priceViolated: () => {
      metrics.priceViolations.inc();
    },
    transitioned: (from, to) => {
      metrics.stateTransitions.inc({ kind, from, to });
    },
  };
}

/** Gauges that are read off the stores at each scrape: they cannot drift from what the resources say. */
export function collectVms(
  metrics: Metrics,
  deps: {
    readonly vms: Indexed<CustomObject>;
    readonly accounts: ReadStore<CustomObject>;
    readonly registry: AccountRegistry;
    readonly clock: Clock;
  },
): void {
  metrics.onCollect(() => {
    collectResources(metrics, deps.vms);
    metrics.pollAgeSeconds.reset();
    metrics.unmanagedVms.reset();
    metrics.keptVms.reset();
    for (const object of deps.accounts.list()) {
      const account = object.metadata.name;
      const snapshot = deps.registry.runtime(account)?.fleet.snapshot;
      if (snapshot !== undefined)
        metrics.pollAgeSeconds.set({ account }, (deps.clock.now() - snapshot.requestedAt) / 1000);
      const { vms } = (object.status ?? {}) as GpuAccountStatus;
      metrics.unmanagedVms.set({ account }, vms?.unmanaged ?? 0);
      metrics.keptVms.set({ account }, vms?.kept ?? 0);
      metrics.listingsDistrusted.inc({ account }, 0);
      metrics.unmanagedDeleted.inc({ account }, 0);
    }
  });
}

/** Added up first: of thousands of VMs most have the same labels, and each look at a gauge takes a while. */
function collectResources(metrics: Metrics, vms: Indexed<CustomObject>): void {
  const counts = new Map<string, Counted>();
  for (const object of vms.list()) {
    const status = (object.status ?? {}) as VmStatus;
    const { kind } = vmKindOf(object).type;
    const { phase = 'Pending' } = status;
    const labels = { kind, namespace: object.metadata.namespace ?? '', gpu_model: modelOf(status) };
    const key = JSON.stringify([labels, phase]);
    const counted = counts.get(key) ?? { labels, phase, vms: 0, cost: 0 };
    counts.set(key, counted);
    counted.vms += 1;
    counted.cost += costOf(status);
  }
  metrics.vms.reset();
  metrics.hourlyCost.reset();
  for (const { labels, phase, vms: count, cost } of counts.values()) {
    metrics.vms.set({ ...labels, phase }, count);
    if (labels.kind === spotVmType.kind) metrics.spotOutbid.inc({ namespace: labels.namespace }, 0);
    if (cost > 0) metrics.hourlyCost.inc(labels, cost);
  }
}

interface Counted {
  readonly labels: { readonly kind: string; readonly namespace: string; readonly gpu_model: string };
  readonly phase: string;
  vms: number;
  cost: number;
}

/** What was replaced is billed for as long as its disk is kept. */
function costOf({ hourlyPrice, retiring = [] }: VmStatus): number {
  const billed = [hourlyPrice?.billedNow, ...retiring.map(({ billedNow }) => billedNow)];
  return billed.reduce((sum, price) => sum + Number(price ?? 0), 0);
}

function modelOf({ size, launch }: Pick<VmStatus, 'size' | 'launch'>): string {
  return size?.gpuModel ?? launch?.gpuModel ?? 'none';
}
