import type { Phase } from '../../api/vm-status.ts';
import { resourceHasExpired } from './clockwork.ts';
import type { Rule } from './rule.ts';
import { known } from './rule.ts';
import { lateStartLook } from './late-start.ts';
import { nothingButRelease } from './money-release.ts';
import type { VmObservation } from './observation.ts';
import { liveVm } from './ownership.ts';
import { ready, waiting, type ReadyDraft } from './verdict.ts';

/** What has to be in place before anything can be said about a VM. */

const specIsInvalid: Rule = (observation) => {
  const { specProblem, isStatusDamaged } = observation;
  if (specProblem === undefined) return undefined;
  return {
    // Where the journal cannot be read, nobody knows which VM it is.
    ...(isStatusDamaged ? { step: { kind: 'wait' } } : nothingButRelease(observation)),
    phase: phaseOfHeld(observation),
    ready: waiting('InvalidSpec', specProblem),
    stalled: true,
  };
};

/** That it is down is said, also where it had to start to be released; but not while it may start yet. */
function phaseOfHeld(observation: VmObservation): Phase | 'keep' {
  if (lateStartLook(observation) !== undefined) return 'keep';
  switch (liveVm(observation)?.state) {
    case 'released':
      return 'Released';
    case 'stopped':
      return 'Stopped';
    default:
      return 'keep';
  }
}

/** A new resource gets it with its first intent: until then there is nothing to hold it back for, but a VM that it is to take over. */
const finalizerIsMissing: Rule = (observation) => {
  const { meta, adoption } = observation;
  const isNeeded = mayHaveOwnVm(observation) || adoption !== undefined;
  return meta.hasFinalizer || !isNeeded ? undefined : { step: { kind: 'addFinalizer' }, phase: 'keep', ready: 'keep' };
};

export function mayHaveOwnVm({ journal, marked, isStatusDamaged }: VmObservation): boolean {
  const { vm, launch, retiring = [] } = journal;
  const isRecorded = vm !== undefined || launch !== undefined || retiring.length > 0 || isStatusDamaged;
  return isRecorded || marked.length > 0;
}

const accountIsMissing: Rule = ({ account, spec, journal, timings }) => {
  if (account.kind !== 'missing') return undefined;
  const message = `There is no GpuAccount "${spec.accountName}": create it, or name another in spec.accountName.`;
  return {
    step: { kind: 'wait' },
    phase: journal.vm === undefined ? 'Pending' : 'keep',
    ready: journal.vm === undefined ? waiting('AccountNotFound', message) : 'keep',
    synced: ready('False', 'AccountNotFound', message),
    look: { inMs: timings.retryMs },
  };
};

/** The account's controller has not come to it yet: nothing is wrong, so nothing alarming is said. */
const accountIsJustSeen: Rule = ({ account, journal, timings }) => {
  if (account.kind !== 'notReady' || account.reason !== 'CredentialsUnknown') return undefined;
  const draft = ready('Unknown', 'WaitingForProvider', 'Waiting for the first list of VMs from the provider.');
  return {
    step: { kind: 'wait' },
    phase: journal.vm === undefined && journal.launch === undefined ? 'Pending' : 'keep',
    ready: journal.vm === undefined ? draft : 'keep',
    look: { inMs: timings.retryMs },
  };
};

const accountIsNotReady: Rule = ({ account, spec, journal, timings }) => {
  if (account.kind !== 'notReady') return undefined;
  const message = `GpuAccount "${spec.accountName}" cannot be used: ${account.message}`;
  return {
    step: { kind: 'wait' },
    phase: journal.vm === undefined ? 'Pending' : 'keep',
    ready: journal.vm === undefined ? waiting('AccountNotReady', message) : 'keep',
    synced: ready('False', account.reason, message),
    look: { inMs: timings.retryMs },
  };
};

const nothingIsKnownYet: Rule = (observation) => {
  if (known(observation) !== undefined) return undefined;
  const { journal, now, account } = observation;
  const failure = account.kind === 'ready' ? account.pollFailure : undefined;
  const waits: ReadyDraft =
    failure === undefined
      ? ready('Unknown', 'WaitingForProvider', 'Waiting for the first list of VMs from the provider.')
      : waiting(pollReason(failure.kind), `No list of VMs from the provider yet: ${failure.message}`);
  return {
    step: { kind: 'wait' },
    phase: journal.vm === undefined && journal.launch === undefined ? 'Pending' : 'keep',
    ready: journal.vm === undefined ? waits : 'keep',
    ...(failure === undefined ? {} : { synced: waiting(pollReason(failure.kind), failure.message) }),
    look: { snapshotAfter: now },
  };
};

/** The reason that stands for a poll that failed in this way. */
export function pollReason(kind: string): 'InvalidCredentials' | 'RateLimited' | 'ProviderUnavailable' {
  if (kind === 'unauthorized') return 'InvalidCredentials';
  return kind === 'rateLimited' ? 'RateLimited' : 'ProviderUnavailable';
}

const storageIsTooSmall: Rule = (observation) => {
  const { account, spec, journal } = observation;
  if (account.kind !== 'ready' || journal.vm !== undefined || journal.launch?.outcome === 'Pending') return undefined;
  const least = account.capabilities.minStorageGB(spec.operatingSystem);
  if (spec.storageGB >= least) return undefined;
  return {
    step: { kind: 'wait' },
    phase: 'Pending',
    ready: waiting(
      'InvalidSpec',
      `${spec.operatingSystem} needs at least ${least} GB: raise spec.storageGB from ${spec.storageGB}.`,
    ),
    stalled: true,
  };
};

export const guardRules: readonly Rule[] = [
  // Before anything that can hold it up: without it a VM that there is would be forgotten with its resource.
  finalizerIsMissing,
  // Whatever else is amiss with it.
  resourceHasExpired,
  specIsInvalid,
  accountIsMissing,
  accountIsJustSeen,
  accountIsNotReady,
  nothingIsKnownYet,
  storageIsTooSmall,
];
