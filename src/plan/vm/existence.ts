import type { CloudVm } from '../../provider/contract.ts';
import type { Journal, VmObservation } from './observation.ts';
import { known, liveVm, millis, type Rule } from './rule.ts';
import { ready, waiting } from './verdict.ts';

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

/** The list was requested before the VM was recorded, so it cannot have it yet. */
const listIsOlderThanVm: Rule = (observation) => {
  const { journal } = observation;
  const snapshot = known(observation)?.snapshot;
  if (journal.vm === undefined || snapshot === undefined || snapshot.byId.has(journal.vm.id)) return undefined;
  const recordedAt = millis(journal.vm.recordedAt);
  if (snapshot.requestedAt >= recordedAt) return undefined;
  return {
    step: { kind: 'wait' },
    phase: 'Building',
    ready: waiting('Building', `The provider has made VM ${journal.vm.id}; waiting for the list to show it.`),
    look: { snapshotAfter: recordedAt },
  };
};

/** Listed as over: the provider itself says that the VM has ended. */
const vmHasEnded: Rule = (observation) => {
  const { journal } = observation;
  const snapshot = known(observation)?.snapshot;
  const listed = journal.vm === undefined ? undefined : snapshot?.byId.get(journal.vm.id);
  if (listed?.state !== 'terminated') return undefined;
  return recordLost(observation, `the provider lists it as "${listed.providerStatus}"`);
};

const vmIsMissing: Rule = (observation) => {
  const { journal, facts, timings } = observation;
  const snapshot = known(observation)?.snapshot;
  if (journal.vm === undefined || snapshot === undefined || snapshot.byId.has(journal.vm.id)) return undefined;
  const { id } = journal.vm;
  const { confirmation } = facts;
  const missing = ready('Unknown', 'VmMissing', `The list no longer has VM ${id}; asking the provider about it.`);
  const asked = confirmation?.vmId === id && confirmation.askedAt >= snapshot.requestedAt - timings.retryMs;
  if (!asked) return { step: { kind: 'confirmGone', vmId: id }, phase: 'keep', ready: 'keep' };

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
      return { step: { kind: 'wait' }, phase: 'keep', ready: missing, look: { inMs: timings.retryMs } };
    case 'gone':
      // Two witnesses, the second list requested after the first one's answer, and none of them contradicted.
      if (snapshot.requestedAt <= confirmation.askedAt || snapshot.distrusted !== undefined) {
        return {
          step: { kind: 'wait' },
          phase: 'Unknown',
          ready: missing,
          look: { snapshotAfter: Math.max(confirmation.askedAt, snapshot.requestedAt) + 1 },
        };
      }
      return recordLost(observation, 'the list no longer has it, and the provider does not know it when asked');
  }
};

/** A VM that lived this long was no failed launch: the next one need not wait. */
const longLifeMs = 10 * 60_000;

function recordLost({ journal, now, spec }: VmObservation, why: string): ReturnType<Rule> {
  const { vm, launch } = journal;
  if (vm === undefined) return undefined;
  const lived = now - millis(vm.recordedAt);
  const after: Journal =
    launch === undefined
      ? {}
      : {
          launch: {
            ...launch,
            outcome: 'Lost',
            endedAt: new Date(now).toISOString(),
            failures: lived > longLifeMs ? 0 : launch.failures + 1,
          },
        };
  const next = spec.powerState === 'Running' && vm.adopted !== true ? ' Another one is deployed.' : '';
  const message = `VM ${vm.id} is gone: ${why}.${next}`;
  return {
    step: { kind: 'record', journal: after, announcement: { type: 'Warning', reason: 'VmLost', message } },
    phase: 'Lost',
    ready: waiting('VmLost', message),
  };
}

/** A word for its state that we do not know: pending while the VM is young, hands off in any case. */
const statusIsUnknown: Rule = (observation) => {
  const vm = liveVm(observation);
  if (vm?.state !== 'unknown') return undefined;
  const { journal, now, timings } = observation;
  const age = now - millis(journal.vm?.recordedAt);
  const isYoung = journal.vm?.adopted !== true && age < timings.transitionMs;
  const isBuilding = isYoung && !wasRunning(observation);
  return {
    step: { kind: 'wait' },
    phase: isBuilding ? 'Building' : 'Unknown',
    ready: isBuilding ? building(vm) : unknownStatus(vm),
    look: isBuilding ? { snapshotAfter: (known(observation)?.snapshot.requestedAt ?? now) + 1 } : {},
  };
};

function wasRunning({ status }: VmObservation): boolean {
  return status.phase !== undefined && !['Pending', 'Launching', 'Building', 'Lost', 'Unknown'].includes(status.phase);
}

function building(vm: CloudVm): ReturnType<typeof waiting> {
  return waiting('Building', `The provider is building VM ${vm.id}; it says "${vm.providerStatus}".`);
}

function unknownStatus(vm: CloudVm): ReturnType<typeof ready> {
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
