/** One metric as the documentation lists it. */
export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
}

/** Seconds. Reconciles take milliseconds, or as long as the provider's slowest call. */
const reconcileBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Seconds. The provider's calls are known to take up to twelve and more; the client gives up at thirty. */
const providerBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 12, 20, 30];
/** Seconds. At one request a second, a hundred VMs applied at once wait for minutes. */
const waitBuckets = [0.01, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600];
const queueBuckets = [0.001, 0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300];

/**
 * Every metric of the operator. The one place: the registry is made from it, and so is docs/metrics.md. Names that users of
 * controller-runtime know mean here what they mean there.
 */
export const metricTable = {
  reconcileTotal: {
    type: 'counter',
    name: 'controller_runtime_reconcile_total',
    help: 'Reconciles by controller and result: success, error, requeue (a write conflict: again at once) or requeue_after.',
    labels: ['controller', 'result'],
  },
  reconcileErrors: {
    type: 'counter',
    name: 'controller_runtime_reconcile_errors_total',
    help: 'Reconciles that failed, by controller.',
    labels: ['controller'],
  },
  reconcileSeconds: {
    type: 'histogram',
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'How long a reconcile takes.',
    labels: ['controller'],
    buckets: reconcileBuckets,
  },
  activeWorkers: {
    type: 'gauge',
    name: 'controller_runtime_active_workers',
    help: 'Reconciles that run now.',
    labels: ['controller'],
  },
  maxConcurrentReconciles: {
    type: 'gauge',
    name: 'controller_runtime_max_concurrent_reconciles',
    help: 'Most reconciles that may run at once.',
    labels: ['controller'],
  },
  queueDepth: {
    type: 'gauge',
    name: 'workqueue_depth',
    help: 'Keys that are ready and wait for a worker.',
    labels: ['name', 'controller'],
  },
  queueAdds: {
    type: 'counter',
    name: 'workqueue_adds_total',
    help: 'Keys that became ready.',
    labels: ['name', 'controller'],
  },
  queueSeconds: {
    type: 'histogram',
    name: 'workqueue_queue_duration_seconds',
    help: 'How long a ready key waits for a worker.',
    labels: ['name', 'controller'],
    buckets: queueBuckets,
  },
  workSeconds: {
    type: 'histogram',
    name: 'workqueue_work_duration_seconds',
    help: 'How long a key is being worked on.',
    labels: ['name', 'controller'],
    buckets: reconcileBuckets,
  },
  queueRetries: {
    type: 'counter',
    name: 'workqueue_retries_total',
    help: 'Keys that come back because their reconcile failed.',
    labels: ['name', 'controller'],
  },
  unfinishedWorkSeconds: {
    type: 'gauge',
    name: 'workqueue_unfinished_work_seconds',
    help: 'Sum over the reconciles that run now of how long they have been running. Growing: something hangs.',
    labels: ['name', 'controller'],
  },
  longestRunningSeconds: {
    type: 'gauge',
    name: 'workqueue_longest_running_processor_seconds',
    help: 'How long the oldest reconcile that runs now has been running.',
    labels: ['name', 'controller'],
  },
  kubeRequests: {
    type: 'counter',
    name: 'rest_client_requests_total',
    help: 'Requests to the API server by HTTP status (<error>: no answer) and method.',
    labels: ['code', 'method'],
  },
  vms: {
    type: 'gauge',
    name: 'gpuvm_vms',
    help: 'VM resources by kind, namespace, phase and GPU model.',
    labels: ['kind', 'namespace', 'phase', 'gpu_model'],
  },
  poolReplicas: {
    type: 'gauge',
    name: 'gpuvm_pool_replicas',
    help: 'Members of GpuPools by state: desired, current, ready, available, updated (made from the template as it is), deleting.',
    labels: ['namespace', 'pool', 'state'],
  },
  spotOutbid: {
    type: 'counter',
    name: 'gpuvm_spot_outbid_total',
    help: 'How often spot VMs lost their place to a higher bid.',
    labels: ['namespace'],
  },
  stateTransitions: {
    type: 'counter',
    name: 'gpuvm_state_transitions_total',
    help: 'Changes of phase, counted once they are written to the status.',
    labels: ['kind', 'from', 'to'],
  },
  providerRequests: {
    type: 'counter',
    name: 'gpuvm_provider_requests_total',
    help: 'Requests to the provider by account, endpoint and outcome (ok, or the kind of the error).',
    labels: ['account', 'endpoint', 'outcome'],
  },
  providerSeconds: {
    type: 'histogram',
    name: 'gpuvm_provider_request_duration_seconds',
    help: 'How long the provider takes to answer.',
    labels: ['account', 'endpoint'],
    buckets: providerBuckets,
  },
  gateWaitSeconds: {
    type: 'histogram',
    name: 'gpuvm_gate_wait_seconds',
    help: 'How long a call waits for its turn at the provider, by lane.',
    labels: ['account', 'lane'],
    buckets: waitBuckets,
  },
  gateQueueLength: {
    type: 'gauge',
    name: 'gpuvm_gate_queue_length',
    help: 'Calls that wait for their turn at the provider, by lane.',
    labels: ['account', 'lane'],
  },
  pollAgeSeconds: {
    type: 'gauge',
    name: 'gpuvm_poll_age_seconds',
    help: 'Age of the last list of VMs that was read. Growing: the operator is blind.',
    labels: ['account'],
  },
  pollVms: {
    type: 'gauge',
    name: 'gpuvm_poll_vms',
    help: 'VMs in the last list, whoever made them.',
    labels: ['account'],
  },
  hourlyCost: {
    type: 'gauge',
    name: 'gpuvm_hourly_cost_dollars',
    help: 'What the VMs of the resources cost per hour in the state they are in.',
    labels: ['kind', 'namespace', 'gpu_model'],
  },
  cost: {
    type: 'counter',
    name: 'gpuvm_cost_dollars_total',
    help: 'What VMs of the resources have cost since this process began to lead: what they are committed to, over time, as GpuBudgets count it. With the labels that --cost-labels names, as label_NAME.',
    labels: ['kind', 'namespace'],
  },
  launches: {
    type: 'counter',
    name: 'gpuvm_launches_total',
    help: 'Deploy calls by how they ended: launched, refused, uncertain (the answer was lost) or overpriced.',
    labels: ['outcome'],
  },
  duplicatesDeleted: {
    type: 'counter',
    name: 'gpuvm_duplicates_deleted_total',
    help: 'VMs deleted because their resource had another one already.',
    labels: [],
  },
  vmsLost: {
    type: 'counter',
    name: 'gpuvm_vms_lost_total',
    help: 'VMs that are gone from the provider though nobody here deleted them.',
    labels: [],
  },
  priceViolations: {
    type: 'counter',
    name: 'gpuvm_price_violations_total',
    help: 'VMs that turned out dearer than their price cap and were deleted again.',
    labels: [],
  },
  listingsDistrusted: {
    type: 'counter',
    name: 'gpuvm_listings_distrusted_total',
    help: 'Lists of VMs that contradicted other evidence and were not taken as proof that a VM is gone.',
    labels: ['account'],
  },
  unmanagedVms: {
    type: 'gauge',
    name: 'gpuvm_unmanaged_vms',
    help: 'VMs that this installation made, by their names, that no resource owns, and that nobody wanted kept.',
    labels: ['account'],
  },
  keptVms: {
    type: 'gauge',
    name: 'gpuvm_kept_vms',
    help: 'VMs that this installation made, whose resource is gone, and that were to be kept.',
    labels: ['account'],
  },
  unmanagedDeleted: {
    type: 'counter',
    name: 'gpuvm_unmanaged_vms_deleted_total',
    help: 'VMs that were deleted because no resource owned them for the whole grace period.',
    labels: ['account'],
  },
  accountBalance: {
    type: 'gauge',
    name: 'gpuvm_account_balance_dollars',
    help: 'What is left of the balance: the last answer of the provider, less what was spent since. Absent while that is not known.',
    labels: ['account'],
  },
  accountBurnRate: {
    type: 'gauge',
    name: 'gpuvm_account_burn_rate_dollars',
    help: 'What all VMs of the organization cost per hour now, with what the provider bills beside them.',
    labels: ['account'],
  },
  accountRunway: {
    type: 'gauge',
    name: 'gpuvm_account_runway_seconds',
    help: 'How long the balance lasts at this rate; +Inf while nothing is spent.',
    labels: ['account'],
  },
  accountBalanceAge: {
    type: 'gauge',
    name: 'gpuvm_account_balance_age_seconds',
    help: 'Age of the last answer about the balance.',
    labels: ['account'],
  },
  accountStopped: {
    type: 'gauge',
    name: 'gpuvm_account_stopped_vms',
    help: 'Resources whose VMs are kept released for want of balance.',
    labels: ['account'],
  },
  budgetUsedRatio: {
    type: 'gauge',
    name: 'gpuvm_budget_used_ratio',
    help: 'How much of each limit of a GpuBudget is used: 1 is all of it.',
    labels: ['namespace', 'budget', 'limit'],
  },
  reportAgeSeconds: {
    type: 'gauge',
    name: 'gpuvm_report_age_seconds',
    help: 'Age of the last report that was read for an account with spec.reports: Summary or Revenue.',
    labels: ['account', 'report'],
  },
  billingDollars: {
    type: 'gauge',
    name: 'gpuvm_billing_dollars',
    help: 'From the Summary of the account, by the month that the provider says it is of: expenses, payouts, balance_before and balance_after.',
    labels: ['account', 'period', 'of'],
  },
  hostRevenueDollars: {
    type: 'gauge',
    name: 'gpuvm_host_revenue_dollars',
    help: "What the organization's hosts have earned by compute and storage, from its Revenue, over the period that the provider takes by itself.",
    labels: ['account', 'hostnode', 'of'],
  },
  hostGpus: {
    type: 'gauge',
    name: 'gpuvm_host_gpus',
    help: "GPUs of the organization's hosts, used or available, from its Revenue.",
    labels: ['account', 'hostnode', 'state'],
  },
  eventsDropped: {
    type: 'counter',
    name: 'gpuvm_events_dropped_total',
    help: 'Kubernetes Events that were not written: too many at once, or the API server refused them.',
    labels: [],
  },
  buildInfo: {
    type: 'gauge',
    name: 'gpuvm_build_info',
    help: 'Always 1; the labels say what is running.',
    labels: ['version', 'node_version'],
  },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof metricTable;
