import { describe, expect, test } from 'vitest';

import { metricTable } from './metric-table.ts';
import { createMetrics } from './metrics.ts';
import { queueHooks, runnerHooks, watchQueue } from './runtime-hooks.ts';

async function textOf(metrics: ReturnType<typeof createMetrics>): Promise<string> {
  return (await metrics.exposition()).text;
}

describe('metrics', () => {
  test('are all in the exposition, with type and help', async () => {
    const text = await textOf(createMetrics({ version: '1.2.3' }));
    for (const { name, help, type } of Object.values(metricTable)) {
      expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}`);
    }
    expect(text).toContain(`gpuvm_build_info{version="1.2.3",node_version="${process.version}"} 1`);
  });

  test('have names and units as Prometheus wants them', () => {
    for (const { name, type } of Object.values(metricTable)) {
      expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
      if (type === 'counter') expect(name).toMatch(/_total$/);
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
    }
  });

  test('share nothing between two registries', async () => {
    const [one, other] = [createMetrics({ version: '1' }), createMetrics({ version: '1' })];
    one.launches.inc({ outcome: 'launched' });
    expect(await textOf(one)).toContain('gpuvm_launches_total{outcome="launched"} 1');
    expect(await textOf(other)).not.toContain('outcome="launched"');
  });

  test('of the process include the delay of the event loop', async () => {
    const text = await textOf(createMetrics({ version: '1', processMetrics: true }));
    expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
    expect(text).toContain('process_resident_memory_bytes');
  });

  test('of a queue and a runner use the names and labels of controller-runtime', async () => {
    const metrics = createMetrics({ version: '1' });
    const queue = queueHooks(metrics, 'gpuvm');
    queue.added();
    queue.taken(2000);
    queue.worked(50);
    queue.retried();
    watchQueue(metrics, 'gpuvm', () => ({ ready: 3, unfinishedMs: 5000, longestMs: 4000 }));
    const runner = runnerHooks(metrics, 'gpuvm', 64);
    runner.activeWorkers(2);
    runner.reconciled('error', 100);
    const text = await textOf(metrics);
    for (const line of [
      'workqueue_adds_total{name="gpuvm",controller="gpuvm"} 1',
      'workqueue_depth{name="gpuvm",controller="gpuvm"} 3',
      'workqueue_queue_duration_seconds_sum{name="gpuvm",controller="gpuvm"} 2',
      'workqueue_work_duration_seconds_sum{name="gpuvm",controller="gpuvm"} 0.05',
      'workqueue_retries_total{name="gpuvm",controller="gpuvm"} 1',
      'workqueue_unfinished_work_seconds{name="gpuvm",controller="gpuvm"} 5',
      'workqueue_longest_running_processor_seconds{name="gpuvm",controller="gpuvm"} 4',
      'controller_runtime_reconcile_total{controller="gpuvm",result="error"} 1',
      'controller_runtime_reconcile_total{controller="gpuvm",result="success"} 0',
      'controller_runtime_reconcile_errors_total{controller="gpuvm"} 1',
      'controller_runtime_active_workers{controller="gpuvm"} 2',
      'controller_runtime_max_concurrent_reconciles{controller="gpuvm"} 64',
    ]) {
      expect(text).toContain(line);
    }
  });
});
