import { conditionOf } from '../../api/conditions.ts';
import type { Launch, Phase, RecordedVm } from '../../api/vm-status.ts';
import type { Snapshot } from '../../fleet/contract.ts';
import { provesAbsence } from '../../fleet/snapshot.ts';
import { toPreciseTimestamp } from '../../lib/clock.ts';
import type { CloudVm } from '../../provider/contract.ts';
import type { VmObservation } from './observation.ts';
import { liveVm } from './ownership.ts';
import { isToRunNow } from './power-hold.ts';
import { known, millis, type Rule } from './rule.ts';
import { ready, waiting, type ReadyDraft } from './verdict.ts';

/** An error is not absence: what has to come together before a recorded VM is believed to be gone. */

const vmEntryIsUnreadable: Rule = (observation) => {
  const id = observation.journal.vm?.id;
  const snapshot = known(observation)?.snapshot;
  if (id === undefined || snapshot?.unreadable.has(id) !== true) return undefined;
  return {
    step: { kind: 'wait' },
    phase: 'Unknown',
    ready: ready(
      'Unknown',
      'Unreadable',
      `The provider lists VM ${id}, but its entry could not be understood. Nothing is changed.`,
    ),
  };
};

/** The list was requested before the VM was known to be recorded, so it may have been before the VM was made. */
const listIsOlderThanVm: Rule = (observation) => {
  const missing = missingVm(observation);
  if (missing === undefined) return undefined;
  const seenAt = observation.facts.vmSeenAt ?? observation.now;
  if (missing.snapshot.requestedAt >= seenAt) return undefined;
  return {
    step: { kind: 'wait' },
    phase: 'Building',
    ready: waiting('Building', `The provider has made VM ${missing.vm.id}; waiting for the list to show it.`),
    look: { snapshotAfter: seenAt },
  };
};

/** The recorded VM, when the list does not have it. */
function missingVm(observation: VmObservation): { vm: RecordedVm; snapshot: Snapshot } | undefined {
  const { vm } = observation.journal;
  const snapshot = known(observation)?.snapshot;
  if (vm === undefined || snapshot === undefined || snapshot.byId.has(vm.id)) return undefined;
  return { vm, snapshot };
}

/** Still listed, but as terminated: the provider itself says that the VM has ended. */
const vmHasEnded: Rule = (observation) => {
  const { journal } = observation;
  const snapshot = known(observation)?.snapshot;
  const listed = journal.vm === undefined ? undefined : snapshot?.byId.get(journal.vm.id);
  if (listed?.state !== 'terminated') return undefined;
  return recordLost(observation, `the provider lists it as "${listed.providerStatus}"`);
};

const vmIsMissing: Rule = (observation) => {
  const missing = missingVm(observation);
  if (missing === undefined) return undefined;
  const { timings, facts } = observation;
  const { id } = missing.vm;
  const confirmation = facts.confirmations.get(id);
  const isRecent = confirmation !== undefined && confirmation.askedAt >= missing.snapshot.requestedAt - timings.retryMs;
  if (!isRecent) return { step: { kind: 'confirmGone', vmId: id }, phase: 'keep', ready: 'keep' };
  switch (confirmation.answer) {
    case 'exists':
      return {
        step: { kind: 'wait' },
        phase: 'keep',
        ready: 'keep',
        synced: waiting(
          'ListDistrusted',
          `The list lacks VM ${id}, but the provider knows it when asked. Nothing is changed.`,
        ),
        look: { inMs: timings.retryMs },
      };
    case 'noAnswer':
      return { step: { kind: 'wait' }, phase: 'keep', ready: vmIsNotListed(id), look: { inMs: timings.retryMs } };
    case 'gone':
      return vmIsConfirmedGone(observation, missing, confirmation.askedAt);
  }
};

/** Two witnesses: the provider's word about this VM, and a list requested after it that nothing contradicts. */
function vmIsConfirmedGone(
  observation: VmObservation,
  { vm, snapshot }: { vm: RecordedVm; snapshot: Snapshot },
  askedAt: number,
): ReturnType<Rule> {
  if (snapshot.requestedAt > askedAt && provesAbsence(snapshot)) {
    return recordLost(observation, 'the list no longer has it, and the provider does not know it when asked');
  }
  return {
    step: { kind: 'wait' },
    phase: 'Unknown',
    ready: vmIsNotListed(vm.id),
    look: { snapshotAfter: Math.max(askedAt, snapshot.requestedAt) + 1 },
  };
}

function vmIsNotListed(id: string): ReadyDraft {
  return ready('Unknown', 'VmMissing', `The list no longer has VM ${id}; asking the provider about it.`);
}

/** A VM that lived this long was no failed launch: the next one need not wait. */
const longLifeMs = 10 * 60_000;

function recordLost(observation: VmObservation, why: string): ReturnType<Rule> {
  const { journal, now, facts } = observation;
  const { vm, launch } = journal;
  if (vm === undefined) return undefined;
  const isNewOneComing = isToRunNow(observation) && vm.adopted !== true;
  const message = `VM ${vm.id} is gone: ${why}.${isNewOneComing ? ' Another one is deployed.' : ''}`;
  // Whoever recorded it may have had a clock that is ahead of ours.
  const livedMs = now - Math.min(millis(vm.recordedAt), facts.vmSeenAt ?? now);
  return {
    step: {
      kind: 'record',
      journal: launch === undefined ? {} : { launch: lostLaunch(launch, livedMs, now) },
      announcement: { type: 'Warning', reason: 'VmLost', message },
      ...(launch === undefined || livedMs > longLifeMs
        ? {}
        : { hostFailure: { hostnode: launch.hostnode, reason: 'a VM vanished soon after its deployment' } }),
    },
    phase: 'Lost',
    ready: waiting('VmLost', message),
  };
}

function lostLaunch(launch: Launch, livedMs: number, now: number): Launch {
  return {
    ...launch,
    outcome: 'Lost',
    endedAt: toPreciseTimestamp(now),
    failures: livedMs > longLifeMs ? 0 : launch.failures + 1,
  };
}

/**
 * The provider reports a state that we do not know. Soon after a call of ours it is taken for a step on the way to what was
 * asked for. In any case nothing is changed.
 */
const statusIsUnknown: Rule = (observation) => {
  const vm = liveVm(observation);
  const recorded = observation.journal.vm;
  if (vm?.state !== 'unknown' || recorded === undefined) return undefined;
  const change = changeUnderWay(observation, recorded);
  if (change === undefined) return { step: { kind: 'wait' }, phase: 'Unknown', ready: unknownStatus(vm) };
  return {
    step: { kind: 'wait' },
    phase: change,
    ready: waiting(change, `VM ${vm.id} is on its way; the provider says "${vm.providerStatus}".`),
    look: { snapshotAfter: (known(observation)?.snapshot.requestedAt ?? observation.now) + 1 },
  };
};

type Change = 'Building' | 'Starting' | 'Stopping' | 'Resizing';
const changes: ReadonlySet<string> = new Set<Change>(['Building', 'Starting', 'Stopping', 'Resizing']);

/** What the VM is on its way to, if we asked for it not too long ago: a young VM is being built, an old one starts. */
function changeUnderWay(observation: VmObservation, recorded: RecordedVm): Change | undefined {
  const { status, now, timings } = observation;
  if (recorded.adopted !== true && recorded.providerStatus === undefined) return 'Building';
  const isRecent = now - askedAt(observation, recorded) < timings.transitionMs;
  return isRecent && isChange(status.phase) ? status.phase : undefined;
}

function askedAt({ status, facts }: VmObservation, { recordedAt }: RecordedVm): number {
  const transition = conditionOf(status.conditions, 'Ready')?.lastTransitionTime;
  return Math.max(millis(transition), millis(recordedAt), facts.lastCall?.endedAt ?? 0);
}

function isChange(phase: Phase | undefined): phase is Change {
  return phase !== undefined && changes.has(phase);
}

function unknownStatus(vm: CloudVm): ReadyDraft {
  return ready(
    'Unknown',
    'UnknownStatus',
    `The provider reports the status "${vm.providerStatus}", which this release does not know. Nothing is changed until it passes; look at the VM at the provider if it does not.`,
  );
}

export const existenceRules: readonly Rule[] = [
  vmEntryIsUnreadable,
  listIsOlderThanVm,
  vmHasEnded,
  vmIsMissing,
  statusIsUnknown,
];
