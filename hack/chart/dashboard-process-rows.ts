import { ours, quantileBy, rateBy, rateOf, type Query, type Row } from './dashboard-queries.ts';

/** By pod, as each has its own. */
function byPod(expr: string): Query {
  return { expr, legend: '{{pod}}' };
}

const queues: Row = {
  title: 'Queues and reconciles',
  panels: [
    {
      ...{ title: 'Keys that wait', unit: 'short' },
      description: 'Of the pod with the shortest queue: those that do not lead have keys that wait, and work on none.',
      queries: [{ expr: `min by (controller) ${ours('workqueue_depth')}`, legend: '{{controller}}' }],
    },
    {
      ...{ title: 'How long a key waits (90 %)', unit: 's' },
      description: 'For a worker, once it is ready.',
      queries: [quantileBy('controller', 'workqueue_queue_duration_seconds')],
    },
    {
      ...{ title: 'Longest reconcile that runs', unit: 's' },
      description: 'Growing: something hangs.',
      queries: [
        {
          expr: `max by (controller) ${ours('workqueue_longest_running_processor_seconds')}`,
          legend: '{{controller}}',
        },
      ],
    },
    {
      ...{ title: 'Reconciles by controller', unit: 'ops' },
      description: 'How often resources are looked at.',
      queries: [rateBy('controller', 'controller_runtime_reconcile_total')],
    },
    {
      ...{ title: 'Reconciles by result', unit: 'ops', stacked: true },
      description: 'requeue: a write conflict. requeue_after: there is something to come back for.',
      queries: [rateBy('result', 'controller_runtime_reconcile_total')],
    },
    {
      ...{ title: 'Failed reconciles', unit: 'ops' },
      description: 'The condition Synced of the resource says why.',
      queries: [rateBy('controller', 'controller_runtime_reconcile_errors_total')],
    },
    {
      ...{ title: 'How long a reconcile takes (90 %)', unit: 's' },
      description: 'Calls to the provider are part of it.',
      queries: [quantileBy('controller', 'controller_runtime_reconcile_time_seconds')],
    },
    {
      ...{ title: 'Workers', unit: 'percentunit' },
      description: 'How many of those that there may be are at work.',
      queries: [
        {
          expr: `max by (controller) ${ours('(controller_runtime_active_workers / controller_runtime_max_concurrent_reconciles)')}`,
          legend: '{{controller}}',
        },
      ],
    },
    {
      ...{ title: 'Keys added', unit: 'ops' },
      description: 'What wakes controllers: changes of objects and lists, and the time.',
      queries: [rateBy('controller', 'workqueue_adds_total')],
    },
  ],
};

const apiServer: Row = {
  title: 'API server',
  panels: [
    {
      ...{ title: 'Requests by status', unit: 'reqps', stacked: true },
      description: '409 is a write that lost against another; <error> had no answer.',
      queries: [rateBy('code', 'rest_client_requests_total')],
    },
    {
      ...{ title: 'Requests by method', unit: 'reqps', stacked: true },
      description: 'GET: lists and watches. PATCH and PUT: statuses, finalizers, leases.',
      queries: [rateBy('method', 'rest_client_requests_total')],
    },
    {
      ...{ title: 'Events that were dropped', unit: 'short' },
      description: 'Too many at once, or refused by the API server.',
      queries: [byPod('sum by (pod) (increase(gpuvm_events_dropped_total[$__rate_interval]))')],
    },
  ],
};

const process: Row = {
  title: 'Process',
  panels: [
    {
      ...{ title: 'Memory', unit: 'bytes' },
      description: 'Resident, and the part of it that JavaScript uses.',
      queries: [
        { expr: `max by (pod) ${ours('process_resident_memory_bytes')}`, legend: '{{pod}} resident' },
        { expr: `max by (pod) ${ours('nodejs_heap_size_used_bytes')}`, legend: '{{pod}} heap' },
      ],
    },
    {
      ...{ title: 'CPU', unit: 'short' },
      description: 'In cores. JavaScript runs on one of them.',
      queries: [byPod(`sum by (pod) ${rateOf('process_cpu_seconds_total')}`)],
    },
    {
      ...{ title: 'Delay of the event loop (99 %)', unit: 's' },
      description: 'How late timers are. Seconds put the lease at risk.',
      queries: [byPod(`max by (pod) ${ours('nodejs_eventloop_lag_p99_seconds')}`)],
    },
    {
      ...{ title: 'Garbage collection', unit: 'percentunit' },
      description: 'Share of the time that it takes.',
      queries: [byPod(`sum by (pod) ${rateOf('nodejs_gc_duration_seconds_sum')}`)],
    },
    {
      ...{ title: 'Time since the start', unit: 's' },
      description: 'A pod that loses the lease ends, and starts again.',
      queries: [byPod(`time() - max by (pod) ${ours('process_start_time_seconds')}`)],
    },
    {
      ...{ title: 'Versions', unit: 'short', stacked: true },
      description: 'How many pods run which.',
      queries: [
        {
          expr: 'count by (version, node_version) (gpuvm_build_info)',
          legend: '{{version}} on Node.js {{node_version}}',
        },
      ],
    },
  ],
};

/** What those ask who run the operator. */
export const processRows: readonly Row[] = [queues, apiServer, process];
