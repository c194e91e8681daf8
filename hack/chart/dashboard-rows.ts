import {
  byAccount,
  happened,
  happenedBy,
  ofAccount,
  ofNamespace,
  once,
  quantileBy,
  rateBy,
  vmsBy,
  type Row,
} from './dashboard-queries.ts';

const dollars = 'currencyUSD';

const money: Row = {
  title: 'Account and money',
  panels: [
    {
      ...{ title: 'Balance', unit: dollars, queries: [byAccount('gpuvm_account_balance_dollars')] },
      description: 'What is left: the last answer of the provider, less what was spent since.',
    },
    {
      ...{ title: 'Runway', unit: 's', queries: [byAccount('gpuvm_account_runway_seconds')] },
      description: 'How long the balance lasts at the rate of now. Endless, and not drawn, while nothing is spent.',
    },
    {
      ...{ title: 'Burn rate per hour', unit: dollars, queries: [byAccount('gpuvm_account_burn_rate_dollars')] },
      description: 'What all VMs of the organization cost, also those that others made.',
    },
    {
      ...{ title: 'Cost per hour by namespace', unit: dollars, stacked: true },
      description: 'What the VMs of resources cost in the state they are in.',
      queries: [
        {
          expr: `sum by (namespace) (${once(`gpuvm_hourly_cost_dollars${ofNamespace}`)})`,
          legend: '{{namespace}}',
        },
      ],
    },
    {
      ...{ title: 'Spent in the time that is shown', unit: dollars, stacked: true },
      description: 'As GpuBudgets count it. A counter begins anew with the process.',
      queries: [
        {
          expr: `sum by (namespace) (increase(gpuvm_cost_dollars_total${ofNamespace}[$__range]))`,
          legend: '{{namespace}}',
        },
      ],
    },
    {
      ...{ title: 'Age of what is known', unit: 's' },
      description: 'Of the list of VMs, and of the answer about the balance. Growing: the operator is blind.',
      queries: [
        { expr: `max by (account) (gpuvm_poll_age_seconds${ofAccount})`, legend: '{{account}} VMs' },
        { expr: `max by (account) (gpuvm_account_balance_age_seconds${ofAccount})`, legend: '{{account}} balance' },
      ],
    },
    {
      ...{ title: 'VMs without a resource', unit: 'short' },
      description: 'Made by this installation and owned by nobody: unmanaged ones are a leak, kept ones were wanted.',
      queries: [
        { expr: `max by (account) (gpuvm_unmanaged_vms${ofAccount})`, legend: '{{account}} unmanaged' },
        { expr: `max by (account) (gpuvm_kept_vms${ofAccount})`, legend: '{{account}} kept' },
        {
          expr: `sum by (account) (increase(gpuvm_unmanaged_vms_deleted_total${ofAccount}[$__rate_interval]))`,
          legend: '{{account}} deleted',
        },
      ],
    },
    {
      ...{ title: 'Released for want of balance', unit: 'short', queries: [byAccount('gpuvm_account_stopped_vms')] },
      description: 'Resources whose VMs are kept released until the balance is recharged.',
    },
  ],
};

const vms: Row = {
  title: 'VMs',
  panels: [
    {
      ...{ title: 'By phase', unit: 'short', stacked: true, queries: [vmsBy('phase', ofNamespace)] },
      description: 'Resources of all kinds that stand for a VM.',
    },
    {
      ...{ title: 'By namespace', unit: 'short', stacked: true, queries: [vmsBy('namespace', ofNamespace)] },
      description: 'Whose they are.',
    },
    {
      ...{ title: 'By GPU model', unit: 'short', stacked: true, queries: [vmsBy('gpu_model', ofNamespace)] },
      description: 'Of those that have none yet the model is "none".',
    },
    {
      ...{ title: 'Changes of phase', unit: 'short', queries: [happenedBy('to', 'gpuvm_state_transitions_total')] },
      description: 'By the phase that they led to.',
    },
    {
      ...{ title: 'What should not happen', unit: 'short' },
      description: 'VMs that vanished at the provider, second VMs of a resource, and VMs dearer than their cap.',
      queries: [
        happened('gpuvm_vms_lost_total', 'lost'),
        happened('gpuvm_duplicates_deleted_total', 'duplicates deleted'),
        happened('gpuvm_price_violations_total', 'over the price cap'),
      ],
    },
    {
      ...{ title: 'VMs in the organization', unit: 'short', queries: [byAccount('gpuvm_poll_vms')] },
      description: 'In the last list of the provider, whoever made them.',
    },
  ],
};

const launches: Row = {
  title: 'Launches',
  panels: [
    {
      ...{ title: 'Deploy calls by outcome', unit: 'short', queries: [happenedBy('outcome', 'gpuvm_launches_total')] },
      description: 'uncertain: the answer was lost, and nothing is deployed until lists prove what became of the call.',
    },
    {
      ...{ title: 'Share of deploy calls that made a VM', unit: 'percentunit' },
      description: 'Over the time that is shown. Nothing, while no call was made.',
      queries: [
        {
          expr: 'sum(increase(gpuvm_launches_total{outcome="launched"}[$__range])) / sum(increase(gpuvm_launches_total[$__range]))',
          legend: 'launched',
        },
      ],
    },
    {
      ...{ title: 'Lists that were not believed', unit: 'short' },
      description: 'They contradicted other evidence, and are no proof that a VM is gone.',
      queries: [happenedBy('account', `gpuvm_listings_distrusted_total${ofAccount}`)],
    },
  ],
};

const ofSpot = '{kind="SpotVm", namespace=~"$namespace"}';

const spot: Row = {
  title: 'Spot',
  panels: [
    {
      ...{ title: 'Outbid', unit: 'short', stacked: true },
      description: 'How often spot VMs lost their place to a higher bid, by namespace.',
      queries: [happenedBy('namespace', `gpuvm_spot_outbid_total${ofNamespace}`)],
    },
    {
      ...{ title: 'SpotVms by phase', unit: 'short', stacked: true, queries: [vmsBy('phase', ofSpot)] },
      description: 'Those that wait for a bid to win are not Running.',
    },
    {
      ...{ title: 'Cost of SpotVms per hour', unit: dollars, stacked: true },
      description: 'With the disks that are kept of VMs that were outbid.',
      queries: [
        {
          expr: `sum by (namespace) (${once(`gpuvm_hourly_cost_dollars${ofSpot}`)})`,
          legend: '{{namespace}}',
        },
      ],
    },
  ],
};

const pools: Row = {
  title: 'Pools and budgets',
  panels: [
    {
      ...{ title: 'Members of pools', unit: 'short' },
      description: 'Wanted, and Ready.',
      queries: [
        {
          expr: `max by (namespace, pool, state) (gpuvm_pool_replicas{namespace=~"$namespace", state=~"desired|ready"})`,
          legend: '{{namespace}}/{{pool}} {{state}}',
        },
      ],
    },
    {
      ...{ title: 'Members on their way', unit: 'short' },
      description: 'Of an older template, or being deleted.',
      queries: [
        {
          expr: `max by (namespace, pool) (gpuvm_pool_replicas{namespace=~"$namespace", state="current"}) - max by (namespace, pool) (gpuvm_pool_replicas{namespace=~"$namespace", state="updated"})`,
          legend: '{{namespace}}/{{pool}} outdated',
        },
        {
          expr: `max by (namespace, pool) (gpuvm_pool_replicas{namespace=~"$namespace", state="deleting"})`,
          legend: '{{namespace}}/{{pool}} deleting',
        },
      ],
    },
    {
      ...{ title: 'Budgets: how much is used', unit: 'percentunit' },
      description: 'Of each limit. At 100 % what does not fit waits, the oldest first.',
      queries: [
        {
          expr: `max by (namespace, budget, limit) (gpuvm_budget_used_ratio${ofNamespace})`,
          legend: '{{namespace}}/{{budget}} {{limit}}',
        },
      ],
    },
  ],
};

const provider: Row = {
  title: 'Provider',
  panels: [
    {
      ...{ title: 'Calls by endpoint', unit: 'reqps' },
      description: 'All calls of an account share one limit, spec.requestsPerSecond.',
      queries: [rateBy('endpoint', `gpuvm_provider_requests_total${ofAccount}`)],
    },
    {
      ...{ title: 'Calls by outcome', unit: 'reqps', stacked: true },
      description: 'ok, or the kind of the error: docs/runbook tells what to do about each.',
      queries: [rateBy('outcome', `gpuvm_provider_requests_total${ofAccount}`)],
    },
    {
      ...{ title: 'How long the provider takes (90 %)', unit: 's' },
      description: 'Nine of ten calls were answered by then.',
      queries: [quantileBy('endpoint', 'gpuvm_provider_request_duration_seconds', ofAccount)],
    },
    {
      ...{ title: 'Calls that wait at the gate', unit: 'short' },
      description: 'By lane, in their order: stopMoney, poll, spend, lookup. Never empty: the limit is too low.',
      queries: [
        {
          expr: `max by (account, lane) (gpuvm_gate_queue_length${ofAccount})`,
          legend: '{{account}} {{lane}}',
        },
      ],
    },
    {
      ...{ title: 'How long calls wait at the gate (90 %)', unit: 's' },
      description: 'From asking to the turn, by lane.',
      queries: [quantileBy('lane', 'gpuvm_gate_wait_seconds', ofAccount)],
    },
  ],
};

/** What those ask who rent. */
export const userRows: readonly Row[] = [money, vms, launches, spot, pools, provider];
