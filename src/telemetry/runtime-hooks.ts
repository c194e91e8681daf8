import type { Metrics } from './metrics.ts';

/**
 * What the runtime in src/kube tells of itself, turned into metrics. The shapes fit its QueueHooks, RunnerHooks and
 * client hook without importing them: telemetry knows lib only.
 */

/** For the queue of one controller. */
export function queueHooks(
  metrics: Metrics,
  controller: string,
): {
  added(): void;
  retried(): void;
  taken(waitedMs: number): void;
  worked(durationMs: number): void;
} {
  const labels = { name: controller, controller };
  return {
    added: () => {
      metrics.queueAdds.inc(labels);
    },
    retried: () => {
      metrics.queueRetries.inc(labels);
    },
    taken: (waitedMs) => {
      metrics.queueSeconds.observe(labels, waitedMs / 1000);
    },
    worked: (durationMs) => {
      metrics.workSeconds.observe(labels, durationMs / 1000);
    },
  };
}

/** Reads the sizes and ages of a queue at each scrape. */
export function watchQueue(
  metrics: Metrics,
  controller: string,
  stats: () => { readonly ready: number; readonly unfinishedMs: number; readonly longestMs: number },
): void {
  const labels = { name: controller, controller };
  metrics.onCollect(() => {
    const { ready, unfinishedMs, longestMs } = stats();
    metrics.queueDepth.set(labels, ready);
    metrics.unfinishedWorkSeconds.set(labels, unfinishedMs / 1000);
    metrics.longestRunningSeconds.set(labels, longestMs / 1000);
  });
}

/** For the runner of one controller. */
export function runnerHooks(
  metrics: Metrics,
  controller: string,
  concurrency: number,
): {
  reconciled(result: 'success' | 'error' | 'requeue' | 'requeue_after', durationMs: number): void;
  activeWorkers(count: number): void;
} {
  metrics.maxConcurrentReconciles.set({ controller }, concurrency);
  metrics.activeWorkers.set({ controller }, 0);
  // So that a rate over them is there from the first scrape on, not from the first error on.
  metrics.reconcileErrors.inc({ controller }, 0);
  for (const result of ['success', 'error', 'requeue', 'requeue_after']) {
    metrics.reconcileTotal.inc({ controller, result }, 0);
  }
  return {
    reconciled: (result, durationMs) => {
      metrics.reconcileTotal.inc({ controller, result });
      metrics.reconcileSeconds.observe({ controller }, durationMs / 1000);
      if (result === 'error') metrics.reconcileErrors.inc({ controller });
    },
    activeWorkers: (count) => {
      metrics.activeWorkers.set({ controller }, count);
    },
  };
}

/** For the client of the API server. */
export function kubeRequestHook(metrics: Metrics): (code: string, method: string) => void {
  return (code, method) => {
    metrics.kubeRequests.inc({ code, method });
  };
}
