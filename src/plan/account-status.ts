import { mergeConditions, type ConditionDraft } from '../api/conditions.ts';
import { fitted } from '../api/fitted.ts';
import { gpuAccountStatusSchema, type GpuAccountStatus } from '../api/gpu-account.ts';
import type { PollFailure } from '../fleet/contract.ts';

export type CredentialsState =
  { readonly kind: 'accepted' } | { readonly kind: 'missing' | 'invalid'; readonly message: string };

/** Everything that an account's status depends on. */
export interface AccountObservation {
  readonly now: number;
  readonly generation: number | undefined;
  readonly status: GpuAccountStatus;
  readonly credentials: CredentialsState;
  readonly pollFailure: PollFailure | undefined;
  readonly listed:
    { readonly total: number; readonly managed: number; readonly unmanaged: readonly string[] } | undefined;
  readonly distrusted: string | undefined;
  /** Resources that keep an account from being deleted. */
  readonly users: readonly string[];
}

const mostIdsShown = 50;
const mostUsersShown = 10;

/** The status of an account: what the last list had, and whether the next ones can be had. Pure. */
export function statusOfAccount(observation: AccountObservation): GpuAccountStatus {
  const { now, generation, status, listed } = observation;
  const drafts = [readyDraft(observation), credentialsDraft(observation), ...listDraft(observation)];
  const unmanaged = listed?.unmanaged.slice(0, mostIdsShown) ?? status.unmanagedVms;
  const made: GpuAccountStatus = {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    conditions: mergeConditions(status.conditions ?? [], drafts, { now, generation }),
    ...(listed === undefined
      ? status.vms === undefined
        ? {}
        : { vms: status.vms }
      : { vms: { total: listed.total, managed: listed.managed, unmanaged: listed.unmanaged.length } }),
    ...(unmanaged === undefined || unmanaged.length === 0 ? {} : { unmanagedVms: [...unmanaged] }),
  };
  return fitted(gpuAccountStatusSchema, made);
}

function readyDraft({ credentials, pollFailure, listed, users }: AccountObservation): ConditionDraft {
  const not = (reason: ConditionDraft['reason'], message: string): ConditionDraft => ({
    type: 'Ready',
    status: 'False',
    reason,
    message,
  });
  if (users.length > 0) {
    const more = users.length > mostUsersShown ? ` and ${users.length - mostUsersShown} more` : '';
    return not(
      'AccountInUse',
      `The account is being deleted, but is still used by ${users.slice(0, mostUsersShown).join(', ')}${more}: delete them first.`,
    );
  }
  if (credentials.kind === 'missing') return not('CredentialsSecretNotFound', credentials.message);
  if (credentials.kind === 'invalid') return not('CredentialsSecretInvalid', credentials.message);
  if (pollFailure?.kind === 'unauthorized') {
    return not(
      'InvalidCredentials',
      `The provider refuses the credentials: correct api_key and api_token in the Secret. It says: ${pollFailure.message}`,
    );
  }
  if (pollFailure !== undefined)
    return not('ProviderUnavailable', `The list of VMs cannot be read, tried again by itself: ${pollFailure.message}`);
  if (listed === undefined) {
    return {
      type: 'Ready',
      status: 'Unknown',
      reason: 'WaitingForProvider',
      message: 'Waiting for the first list of VMs.',
    };
  }
  return { type: 'Ready', status: 'True', reason: 'Polling', message: 'The list of VMs is read at regular intervals.' };
}

function credentialsDraft({ credentials, pollFailure, listed }: AccountObservation): ConditionDraft {
  const type = 'CredentialsValid';
  if (credentials.kind === 'missing')
    return { type, status: 'False', reason: 'CredentialsSecretNotFound', message: credentials.message };
  if (credentials.kind === 'invalid')
    return { type, status: 'False', reason: 'CredentialsSecretInvalid', message: credentials.message };
  if (pollFailure?.kind === 'unauthorized') {
    return {
      type,
      status: 'False',
      reason: 'InvalidCredentials',
      message: 'The provider refuses key or token: correct the credentials Secret.',
    };
  }
  if (listed === undefined) {
    return { type, status: 'Unknown', reason: 'CredentialsUnknown', message: 'The provider has not answered yet.' };
  }
  return { type, status: 'True', reason: 'CredentialsAccepted', message: 'The provider accepts key and token.' };
}

/** Only present while true, as an abnormal condition should be. */
function listDraft({ distrusted }: AccountObservation): ConditionDraft[] {
  return distrusted === undefined
    ? []
    : [
        {
          type: 'ListDistrusted',
          status: 'True',
          reason: 'ListDistrusted',
          message: `No VM is taken for gone on the word of this list: ${distrusted}`,
        },
      ];
}
