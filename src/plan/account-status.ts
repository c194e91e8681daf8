import { mergeConditions, type ConditionDraft } from '../api/conditions.ts';
import { fitted } from '../api/fitted.ts';
import { annotations } from '../api/group.ts';
import { compact } from '../lib/compact.ts';
import { gpuAccountStatusSchema, type GpuAccountStatus } from '../api/gpu-account.ts';
import { unmanagedIn, type KeptVms, type UnmanagedHold, type UnmanagedVm } from '../api/unmanaged-vms.ts';
import type { CredentialsCheck, PollFailure } from '../fleet/contract.ts';
import { balanceDraft, shownBalance, type BalanceObservation } from './balance/status.ts';
import type { OrganizationVerdict } from './organization.ts';
import { reportStatuses, type ReportObservation } from './reports.ts';
import type { SweepFacts } from './unmanaged/entries.ts';
import { unmanagedDraft } from './unmanaged/words.ts';

export type CredentialsState =
  { readonly kind: 'accepted' } | { readonly kind: CredentialsProblem; readonly message: string };
type CredentialsProblem = 'missing' | 'invalid' | 'forbidden';

/** Everything that an account's status depends on. */
export interface AccountObservation {
  readonly now: number;
  readonly generation: number | undefined;
  readonly status: GpuAccountStatus;
  readonly credentials: CredentialsState;
  /** Undefined while there are no credentials to ask with. */
  readonly organization: OrganizationVerdict | undefined;
  readonly pollFailure: PollFailure | undefined;
  /** Undefined as well while it is not the organization of the VMs here that was listed. */
  readonly listed:
    | {
        readonly counts: VmCounts;
        readonly entries: readonly UnmanagedVm[];
        readonly hold: UnmanagedHold | undefined;
      }
    | undefined;
  readonly sweep: Pick<SweepFacts, 'policy' | 'graceMs'>;
  readonly installation: string;
  /** What is to be written down of VMs that are to be kept. */
  readonly keptVms: readonly KeptVms[];
  readonly distrusted: string | undefined;
  /** Those that the account asks for. */
  readonly reports: readonly ReportObservation[];
  /** What the provider says of key and token by themselves. */
  readonly check: CredentialsCheck['verdict'];
  readonly balance: BalanceObservation;
  /** Of an account that is being deleted: what keeps it. */
  readonly remains: Remains | undefined;
}

export type Remains =
  /** Resources that use it. */
  | { readonly kind: 'users'; readonly names: readonly string[] }
  /** VMs that this installation made, that no resource owns, and that nobody wanted kept. */
  | { readonly kind: 'vms'; readonly ids: readonly string[] }
  /** Whether there are any has to be seen. */
  | { readonly kind: 'unknown' };

export type VmCounts = Required<NonNullable<GpuAccountStatus['vms']>>;

const mostRemainsShown = 10;

/** The status of an account: what the last list had, and whether the next ones can be had. Pure. */
export function statusOfAccount(observation: AccountObservation): GpuAccountStatus {
  const { now, generation, status } = observation;
  const { balance, installation, keptVms } = observation;
  const drafts = [
    readyDraft(observation),
    credentialsDraft(observation),
    balanceDraft(balance, status.conditions ?? []),
    ...abnormalDrafts(observation),
  ];
  const made: GpuAccountStatus = compact({
    observedGeneration: generation,
    conditions: mergeConditions(status.conditions ?? [], drafts, { now, generation }),
    installation,
    ...counted(observation),
    keptVms: keptVms.length === 0 ? undefined : [...keptVms],
    ...reported(observation),
    ...shownBalance(balance, status),
    stopped: balance.stopped.length === 0 ? undefined : [...balance.stopped],
    organization: observation.organization?.organization ?? status.organization,
  });
  return fitted(gpuAccountStatusSchema, made);
}

function reported({ reports, status }: AccountObservation): Pick<GpuAccountStatus, 'reports'> {
  return reports.length === 0 ? {} : { reports: reportStatuses(reports, status.reports) };
}

/** What was counted last stands while there is no list. */
function counted({
  listed,
  status,
}: AccountObservation): Pick<GpuAccountStatus, 'vms' | 'unmanagedVms' | 'unmanagedHold'> {
  const { counts, entries, hold } = listed ?? {
    ...{ counts: status.vms, entries: unmanagedIn(status), hold: status.unmanagedHold },
  };
  const unmanagedVms = entries.length === 0 ? undefined : [...entries];
  return compact({ vms: counts, unmanagedVms, unmanagedHold: hold });
}

function readyDraft(observation: AccountObservation): ConditionDraft {
  const problem = problemOf(observation);
  if (problem !== undefined) return { type: 'Ready', status: 'False', ...problem };
  if (observation.listed === undefined) {
    return {
      type: 'Ready',
      status: 'Unknown',
      reason: 'WaitingForProvider',
      message: 'Waiting for the first list of VMs.',
    };
  }
  return { type: 'Ready', status: 'True', reason: 'Polling', message: 'The list of VMs is read at regular intervals.' };
}

type Problem = Pick<ConditionDraft, 'reason' | 'message'>;

/** What keeps the account from being used, the first thing that somebody has to see to. */
function problemOf({
  credentials,
  organization,
  pollFailure,
  remains,
  check,
}: AccountObservation): Problem | undefined {
  if (remains !== undefined) return { reason: 'AccountInUse', message: remainsSentence(remains) };
  if (credentials.kind !== 'accepted')
    return { reason: credentialsReasons[credentials.kind], message: credentials.message };
  if (pollFailure?.kind === 'unauthorized') {
    return { reason: 'InvalidCredentials', message: refusal(check, pollFailure.message) };
  }
  if (organization?.kind === 'unproven') return { reason: 'OrganizationUnproven', message: organization.message };
  if (pollFailure === undefined) return undefined;
  return {
    reason: 'ProviderUnavailable',
    message: `The list of VMs cannot be read, tried again by itself: ${pollFailure.message}`,
  };
}

function refusal(check: CredentialsCheck['verdict'], words: string): string {
  const what =
    check === 'accepted'
      ? 'The provider accepts key and token (auth/test), but refuses them the list of VMs: give the authorization that permission, or put others into the Secret.'
      : 'The provider refuses the credentials: correct api_key and api_token in the Secret.';
  return `${what} It says: ${words}`;
}

function remainsSentence(remains: Remains): string {
  switch (remains.kind) {
    case 'users':
      return `The account is being deleted, but is still used by ${shortList(remains.names)}: delete them first.`;
    case 'vms':
      return `The account is being deleted, but VMs of this installation are left that no resource owns, and go on billing: ${shortList(remains.ids)}. gpuvm unmanaged shows and deletes them; to leave them behind, annotate the account with ${annotations.abandon}=true.`;
    case 'unknown':
      return 'The account is being deleted: waiting for a list that shows whether VMs of this installation are left.';
  }
}

function shortList(names: readonly string[]): string {
  const more = names.length > mostRemainsShown ? ` and ${names.length - mostRemainsShown} more` : '';
  return `${names.slice(0, mostRemainsShown).join(', ')}${more}`;
}

export const credentialsReasons = {
  missing: 'CredentialsSecretNotFound',
  invalid: 'CredentialsSecretInvalid',
  forbidden: 'CredentialsSecretForbidden',
} as const satisfies Record<CredentialsProblem, ConditionDraft['reason']>;

function credentialsDraft(observation: AccountObservation): ConditionDraft {
  const type = 'CredentialsValid';
  const { credentials } = observation;
  if (credentials.kind !== 'accepted') {
    // What nobody may read may be as good as it was.
    const status = credentials.kind === 'forbidden' ? 'Unknown' : 'False';
    return { type, status, reason: credentialsReasons[credentials.kind], message: credentials.message };
  }
  return { type, ...answerAbout(observation) };
}

/** What the provider says of key and token. A list that was got is the best word there is. */
function answerAbout({ organization, pollFailure, listed, check }: AccountObservation): Omit<ConditionDraft, 'type'> {
  const isListed = listed !== undefined || organization?.kind === 'unproven';
  const isListRefused = pollFailure?.kind === 'unauthorized';
  const answer = isListed && !isListRefused ? 'accepted' : check;
  if (answer === 'accepted') {
    const but = isListRefused ? ' (auth/test), but refuses them the list of VMs' : '';
    const message = `The provider accepts key and token${but}.`;
    return { status: 'True', reason: 'CredentialsAccepted', message };
  }
  if (answer === 'refused' || isListRefused) {
    const message = 'The provider refuses key or token: correct the credentials Secret.';
    return { status: 'False', reason: 'InvalidCredentials', message };
  }
  return { status: 'Unknown', reason: 'CredentialsUnknown', message: 'The provider has not answered yet.' };
}

/** Only present while true, as abnormal conditions should be. */
function abnormalDrafts(observation: AccountObservation): ConditionDraft[] {
  const { distrusted, organization, listed, status, sweep } = observation;
  const drafts: ConditionDraft[] = [];
  const { hold } = listed ?? { hold: status.unmanagedHold };
  const unmanaged = unmanagedDraft(listed?.entries ?? unmanagedIn(status), { ...sweep, hold });
  if (unmanaged !== undefined) drafts.push(unmanaged);
  if (distrusted !== undefined) {
    const message = `No VM is taken for gone on the word of this list: ${distrusted}`;
    drafts.push({ type: 'ListDistrusted', status: 'True', reason: 'ListDistrusted', message });
  }
  if (organization?.kind === 'unproven') {
    const { message } = organization;
    drafts.push({ type: 'OrganizationUnproven', status: 'True', reason: 'OrganizationUnproven', message });
  }
  return drafts;
}
