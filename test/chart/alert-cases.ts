/**
 * What Prometheus has seen, in the notation of promtool: a sample a minute. `10x5` is 10 and five more of it, `0+2x5` grows by 2.
 * No case may depend on how an increase is reckoned at the edges of its range, which is not the same in all versions.
 */
export type Series = Readonly<Record<string, string>>;

export interface AlertCase {
  readonly alert: string;
  readonly severity: 'info' | 'warning' | 'critical';
  /** What has happened, as the end of a sentence. */
  readonly when: string;
  readonly series: Series;
  /** When it is looked. */
  readonly at: string;
  /** Labels of what fires, beside alert name and severity, and its summary. Absent: nothing may fire. */
  readonly fires?: { readonly labels?: Readonly<Record<string, string>>; readonly summary: string };
}

const lead = 'instance="10.0.0.1:8080", pod="one"';
const idle = 'instance="10.0.0.2:8080", pod="two"';
/** A controller of somebody else, whose metrics have the names that all controllers give them. */
const elsewhere = 'instance="10.0.0.3:8080", pod="three"';
const foreign = `name="x", controller="x", ${elsewhere}`;

const runway = { alert: 'GpuvmBalanceRunwayShort' } as const;
const unknown = { alert: 'GpuvmBalanceUnknown', severity: 'critical' } as const;
const account = 'account="default"';
const ofAccount = { account: 'default' };
const unknownFires = { labels: ofAccount, summary: 'The balance of the account default is not known' };

const money: readonly AlertCase[] = [
  {
    ...{ ...runway, severity: 'warning', when: 'the balance lasts for half a day' },
    series: { [`gpuvm_account_runway_seconds{${account}, ${lead}}`]: '43200x30' },
    at: '15m',
    fires: { labels: ofAccount, summary: 'The balance of the account default lasts for 12h 0m 0s' },
  },
  {
    ...{ ...runway, severity: 'warning', when: 'nothing is spent' },
    series: { [`gpuvm_account_runway_seconds{${account}, ${lead}}`]: Array(20).fill('+Inf').join(' ') },
    at: '15m',
  },
  {
    ...{ ...runway, severity: 'critical', when: 'the balance lasts for an hour' },
    series: { [`gpuvm_account_runway_seconds{${account}, ${lead}}`]: '3600x30' },
    at: '6m',
    fires: { labels: ofAccount, summary: 'The balance of the account default lasts for 1h 0m 0s' },
  },
  {
    ...{ ...runway, severity: 'critical', when: 'the balance was short for three minutes and then recharged' },
    series: { [`gpuvm_account_runway_seconds{${account}, ${lead}}`]: '3600x3 900000x30' },
    at: '8m',
  },
  {
    ...{ ...unknown, when: 'the last answer is half an hour old, and counts no more' },
    series: {
      [`gpuvm_account_balance_age_seconds{${account}, ${lead}}`]: '0+60x30 stale',
      [`gpuvm_account_stopped_vms{${account}, ${lead}}`]: '0x60',
      [`gpuvm_account_stopped_vms{${account}, ${idle}}`]: '0x60',
    },
    // From here on the runway is not known, and its alert is quiet: there is no time between the two.
    at: '31m',
    fires: unknownFires,
  },
  {
    ...{ ...unknown, when: 'no answer has come for an hour' },
    series: {
      [`gpuvm_account_balance_age_seconds{${account}, ${lead}}`]: '0+60x30 stale',
      [`gpuvm_account_stopped_vms{${account}, ${lead}}`]: '0x60',
    },
    at: '60m',
    fires: unknownFires,
  },
  {
    ...{ ...unknown, when: 'the operator has started and gets no answer' },
    series: {
      [`gpuvm_account_stopped_vms{${account}, ${lead}}`]: '0x40',
      [`gpuvm_account_stopped_vms{${account}, ${idle}}`]: '0x40',
    },
    at: '21m',
    fires: unknownFires,
  },
  {
    ...{ ...unknown, when: 'an answer comes every five minutes to the pod that leads, and none to the other one' },
    series: {
      [`gpuvm_account_balance_age_seconds{${account}, ${lead}}`]: Array(12).fill('0 60 120 180 240').join(' '),
      [`gpuvm_account_stopped_vms{${account}, ${lead}}`]: '0x60',
      [`gpuvm_account_stopped_vms{${account}, ${idle}}`]: '0x60',
    },
    at: '50m',
  },
  {
    ...{ ...unknown, when: 'there was no answer for twenty minutes, and then there was one' },
    series: {
      [`gpuvm_account_balance_age_seconds{${account}, ${lead}}`]: '0+60x20 0+60x9',
      [`gpuvm_account_stopped_vms{${account}, ${lead}}`]: '0x60',
    },
    at: '30m',
  },
  {
    ...{ ...unknown, when: 'the account is gone' },
    series: {
      [`gpuvm_account_balance_age_seconds{${account}, ${lead}}`]: '0+60x5 stale',
      [`gpuvm_account_stopped_vms{${account}, ${lead}}`]: '0x5 stale',
    },
    at: '40m',
  },
  {
    ...{ alert: 'GpuvmBudgetNear', severity: 'info', when: 'both pods tell of 19 VMs of 20' },
    series: {
      [`gpuvm_budget_used_ratio{namespace="research", budget="team", limit="vms", ${lead}}`]: '0.95x30',
      [`gpuvm_budget_used_ratio{namespace="research", budget="team", limit="vms", ${idle}}`]: '0.95x30',
      [`gpuvm_budget_used_ratio{namespace="research", budget="team", limit="gpus", ${lead}}`]: '0.5x30',
    },
    at: '20m',
    fires: {
      labels: { namespace: 'research', budget: 'team', limit: 'vms' },
      summary: 'The GpuBudget research/team has used 95% of vms',
    },
  },
  {
    ...{ alert: 'GpuvmBudgetNear', severity: 'info', when: 'a limit was used up for a moment' },
    series: { [`gpuvm_budget_used_ratio{namespace="research", budget="team", limit="vms", ${lead}}`]: '0 1x5 0x30' },
    at: '20m',
  },
  {
    ...{ alert: 'GpuvmDuplicatesDeleted', severity: 'warning', when: 'one was deleted half an hour ago' },
    series: {
      [`gpuvm_duplicates_deleted_total{${lead}}`]: '0x9 1x60',
      [`gpuvm_duplicates_deleted_total{${idle}}`]: '0x69',
    },
    at: '40m',
    fires: { summary: 'A resource had two VMs, and one of them was deleted' },
  },
  {
    ...{ alert: 'GpuvmDuplicatesDeleted', severity: 'warning', when: 'one was deleted two hours ago' },
    series: { [`gpuvm_duplicates_deleted_total{${lead}}`]: '0x9 1x200' },
    at: '130m',
  },
  {
    ...{ alert: 'GpuvmUnmanagedVms', severity: 'warning', when: 'both pods tell of three' },
    series: {
      [`gpuvm_unmanaged_vms{${account}, ${lead}}`]: '3x60',
      [`gpuvm_unmanaged_vms{${account}, ${idle}}`]: '3x60',
    },
    at: '35m',
    fires: { labels: ofAccount, summary: '3 VMs of the account default have no resource, and are billed' },
  },
  {
    ...{ alert: 'GpuvmUnmanagedVms', severity: 'warning', when: 'one was found and deleted after a while' },
    series: { [`gpuvm_unmanaged_vms{${account}, ${lead}}`]: '0 1x20 0x30' },
    at: '35m',
  },
  {
    ...{ alert: 'GpuvmOutbidStorm', severity: 'warning', when: 'ten VMs lost their places between two scrapes' },
    series: {
      [`gpuvm_spot_outbid_total{namespace="research", ${lead}}`]: '0x9 10x20',
      [`gpuvm_spot_outbid_total{namespace="research", ${idle}}`]: '0x30',
    },
    at: '16m',
    fires: {
      labels: { namespace: 'research' },
      summary: 'Spot VMs of the namespace research were outbid five times or more within 15 minutes',
    },
  },
  {
    ...{ alert: 'GpuvmOutbidStorm', severity: 'warning', when: 'one VM is outbid every five minutes' },
    series: { [`gpuvm_spot_outbid_total{namespace="research", ${lead}}`]: '0x4 1x4 2x4 3x4 4x4' },
    at: '20m',
  },
];

const provider: readonly AlertCase[] = [
  {
    ...{ alert: 'GpuvmPollStale', severity: 'critical', when: 'the last list gets older and older' },
    series: {
      [`gpuvm_poll_age_seconds{${account}, ${lead}}`]: '30+60x20',
      [`gpuvm_unmanaged_vms{${account}, ${lead}}`]: '0x20',
    },
    at: '12m',
    fires: {
      labels: ofAccount,
      summary: 'The VMs of the account default have not been listed for more than five minutes',
    },
  },
  {
    ...{ alert: 'GpuvmPollStale', severity: 'critical', when: 'the operator has started and never reads a list' },
    series: {
      [`gpuvm_unmanaged_vms{${account}, ${lead}}`]: '0x20',
      [`gpuvm_unmanaged_vms{${account}, ${idle}}`]: '0x20',
    },
    at: '6m',
    fires: {
      labels: ofAccount,
      summary: 'The VMs of the account default have not been listed for more than five minutes',
    },
  },
  {
    ...{
      alert: 'GpuvmPollStale',
      severity: 'critical',
      when: 'the pod that leads reads lists, and the other one does not',
    },
    series: {
      [`gpuvm_poll_age_seconds{${account}, ${lead}}`]: '20x20',
      [`gpuvm_unmanaged_vms{${account}, ${lead}}`]: '0x20',
      [`gpuvm_unmanaged_vms{${account}, ${idle}}`]: '0x20',
    },
    at: '20m',
  },
  {
    ...{ alert: 'GpuvmCredentialsInvalid', severity: 'critical', when: 'every list and check is refused' },
    series: {
      [`gpuvm_provider_requests_total{${account}, endpoint="client/list", outcome="unauthorized", ${lead}}`]: '0+1x20',
      [`gpuvm_provider_requests_total{${account}, endpoint="auth/test", outcome="unauthorized", ${lead}}`]: '0+1x20',
    },
    at: '10m',
    fires: {
      labels: { ...ofAccount, outcome: 'unauthorized' },
      summary: 'The provider refuses the credentials of the account default',
    },
  },
  {
    ...{
      alert: 'GpuvmCredentialsInvalid',
      severity: 'critical',
      when: 'one call was refused, and hosts are not there',
    },
    series: {
      [`gpuvm_provider_requests_total{${account}, endpoint="client/list", outcome="unauthorized", ${lead}}`]:
        '0x4 1x20',
      [`gpuvm_provider_requests_total{${account}, endpoint="client/list", outcome="notFound", ${lead}}`]: '0+1x20',
    },
    at: '10m',
  },
  {
    ...{ alert: 'GpuvmGateSaturated', severity: 'warning', when: 'calls that spend are always waiting' },
    series: {
      [`gpuvm_gate_queue_length{${account}, lane="spend", ${lead}}`]: '0 5 7 3 1x30',
      [`gpuvm_gate_queue_length{${account}, lane="poll", ${lead}}`]: '0x40',
    },
    at: '20m',
    fires: {
      labels: { ...ofAccount, lane: 'spend' },
      summary: 'Calls of the lane spend to the provider of the account default are always waiting',
    },
  },
  {
    ...{ alert: 'GpuvmGateSaturated', severity: 'warning', when: 'the queue empties now and then' },
    series: { [`gpuvm_gate_queue_length{${account}, lane="spend", ${lead}}`]: '40x7 0 40x7 0 40x7 0' },
    at: '20m',
  },
];

const ofQueue = 'name="gpuvm", controller="gpuvm"';
const stuck = {
  labels: { name: 'gpuvm', controller: 'gpuvm' },
  summary: 'The controller gpuvm does not get on',
};

/** Both pods of the operator, by what tells them from those of others. */
const ours: Series = {
  [`gpuvm_build_info{version="1", ${lead}}`]: '1x30',
  [`gpuvm_build_info{version="1", ${idle}}`]: '1x30',
};

const runtime: readonly AlertCase[] = [
  {
    ...{ alert: 'GpuvmOperatorDown', severity: 'critical', when: 'the last pod went away' },
    series: { [`gpuvm_build_info{version="1", ${lead}}`]: '1x5 stale' },
    at: '15m',
    fires: { summary: 'No operator is scraped' },
  },
  {
    ...{ alert: 'GpuvmOperatorDown', severity: 'critical', when: 'one pod of two went away' },
    series: {
      [`gpuvm_build_info{version="1", ${lead}}`]: '1x5 stale',
      [`gpuvm_build_info{version="1", ${idle}}`]: '1x20',
    },
    at: '15m',
  },
  {
    ...{ alert: 'GpuvmQueueStuck', severity: 'critical', when: 'a reconcile hangs while others go on' },
    series: {
      ...ours,
      [`workqueue_longest_running_processor_seconds{${ofQueue}, ${lead}}`]: '0+60x30',
      [`workqueue_depth{${ofQueue}, ${lead}}`]: '0x30',
      [`workqueue_work_duration_seconds_count{${ofQueue}, ${lead}}`]: '0+9x30',
    },
    at: '20m',
    fires: stuck,
  },
  {
    ...{ alert: 'GpuvmQueueStuck', severity: 'critical', when: 'keys wait in both pods, and nobody takes any' },
    series: {
      ...ours,
      [`workqueue_depth{${ofQueue}, ${lead}}`]: '3x30',
      [`workqueue_depth{${ofQueue}, ${idle}}`]: '9x30',
      [`workqueue_work_duration_seconds_count{${ofQueue}, ${lead}}`]: '7x30',
    },
    at: '20m',
    fires: stuck,
  },
  {
    ...{ alert: 'GpuvmQueueStuck', severity: 'critical', when: 'keys wait where nobody leads, and are done elsewhere' },
    series: {
      ...ours,
      [`workqueue_depth{${ofQueue}, ${lead}}`]: '0x30',
      [`workqueue_depth{${ofQueue}, ${idle}}`]: '9x30',
      [`workqueue_work_duration_seconds_count{${ofQueue}, ${lead}}`]: '7x30',
    },
    at: '20m',
  },
  {
    ...{ alert: 'GpuvmQueueStuck', severity: 'critical', when: 'the queue is long, and gets on' },
    series: {
      ...ours,
      [`workqueue_depth{${ofQueue}, ${lead}}`]: '300x30',
      [`workqueue_longest_running_processor_seconds{${ofQueue}, ${lead}}`]: '29x30',
      [`workqueue_work_duration_seconds_count{${ofQueue}, ${lead}}`]: '0+60x30',
    },
    at: '20m',
  },
  {
    ...{ alert: 'GpuvmQueueStuck', severity: 'critical', when: 'the controller of somebody else hangs' },
    series: {
      ...ours,
      [`workqueue_depth{${ofQueue}, ${lead}}`]: '0x30',
      [`workqueue_longest_running_processor_seconds{${foreign}}`]: '0+60x30',
      [`workqueue_depth{${foreign}}`]: '3x30',
      [`workqueue_work_duration_seconds_count{${foreign}}`]: '7x30',
    },
    at: '20m',
  },
  {
    ...{
      alert: 'GpuvmQueueStuck',
      severity: 'critical',
      when: 'keys wait, while a controller of the same name, of somebody else, gets on',
    },
    series: {
      ...ours,
      [`workqueue_depth{${ofQueue}, ${lead}}`]: '3x30',
      [`workqueue_depth{${ofQueue}, ${idle}}`]: '9x30',
      [`workqueue_work_duration_seconds_count{${ofQueue}, ${lead}}`]: '7x30',
      [`workqueue_depth{${ofQueue}, ${elsewhere}}`]: '0x30',
      [`workqueue_work_duration_seconds_count{${ofQueue}, ${elsewhere}}`]: '0+9x30',
    },
    at: '20m',
    fires: stuck,
  },
  {
    ...{
      alert: 'GpuvmQueueStuck',
      severity: 'critical',
      when: 'the pod that led has just ended, and the other one has yet to show that it gets on',
    },
    series: {
      [`gpuvm_build_info{version="1", ${lead}}`]: '1x18 stale',
      [`gpuvm_build_info{version="1", ${idle}}`]: '1x30',
      [`workqueue_depth{${ofQueue}, ${lead}}`]: '0x18 stale',
      [`workqueue_depth{${ofQueue}, ${idle}}`]: '9x30',
      [`workqueue_work_duration_seconds_count{${ofQueue}, ${lead}}`]: '0+9x18 stale',
    },
    at: '25m',
  },
];

export const alertCases: readonly AlertCase[] = [...money, ...provider, ...runtime];
