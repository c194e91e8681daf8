import { toPreciseTimestamp } from '../../lib/clock.ts';
import { markOf } from '../../api/vm-name.ts';
import type { Launch, RecordedVm } from '../../api/vm-status.ts';
import type { CloudVm } from '../../provider/contract.ts';
import type { VmObservation } from './observation.ts';
import { priceViolation } from './price-check.ts';
import { known, millis, until, type Rule } from './rule.ts';
import { waiting } from './verdict.ts';

/** Exactly one VM: what is done about VMs with this resource's mark that the journal does not know, or knows as uncertain. */

/** Two VMs of one resource: the recorded one stays, else the youngest, whose name the journal holds; the others go. */
const vmIsThereTwice: Rule = ({ marked, journal, facts }) => {
  if (marked.length < 2) return undefined;
  const keep =
    marked.find((vm) => vm.id === journal.vm?.id) ??
    marked.find((vm) => vm.name === journal.launch?.name) ??
    marked.at(-1);
  const extra = marked.find((vm) => vm.id !== keep?.id && !facts.deletedAt.has(vm.id));
  if (extra === undefined) return undefined;
  return {
    step: { kind: 'delete', vmId: extra.id, why: 'duplicate' },
    phase: 'keep',
    ready: 'keep',
  };
};

/** A VM with our mark that nobody recorded: the answer to its deploy call was lost, or the process was killed. */
const markedVmIsNotRecorded: Rule = (observation) => {
  const { marked, journal, facts, now, spec } = observation;
  const found = marked.find((vm) => !facts.deletedAt.has(vm.id));
  if (found === undefined || journal.vm !== undefined || journal.launch?.outcome === 'Overpriced') return undefined;
  const launch = launchOf(observation, found);
  const violation = priceViolation(found.price, spec.maxHourlyPrice);
  const vm = recordOf(found, now);
  if (violation !== undefined) return recordOverpriced({ vm, launch }, violation);
  return {
    step: {
      kind: 'record',
      journal: { vm, launch: { ...launch, outcome: 'Launched', endedAt: toPreciseTimestamp(now), failures: 0 } },
      announcement: {
        type: 'Normal',
        reason: 'LaunchRecovered',
        message: `Found VM ${found.id} of deployment ${launch.attempt}, whose answer was lost, and took it over.`,
      },
    },
    phase: 'Building',
    ready: waiting('Building', `The provider says "${found.providerStatus}".`),
  };
};

/** The price could not be checked when the VM was recorded: the answer had none. */
const vmTurnsOutTooDear: Rule = (observation) => {
  const { journal, spec } = observation;
  const { vm, launch } = journal;
  const live = vm === undefined ? undefined : known(observation)?.snapshot.byId.get(vm.id);
  if (vm === undefined || live === undefined || launch?.outcome !== 'Launched' || vm.adopted === true) return undefined;
  // Only at first sight: a price or cap that changes later is reported, it does not cost the user a disk.
  if (vm.providerStatus !== undefined) return undefined;
  const violation = priceViolation(live.price, spec.maxHourlyPrice);
  return violation === undefined ? undefined : recordOverpriced({ vm, launch }, violation);
};

function recordOverpriced({ vm, launch }: { vm: RecordedVm; launch: Launch }, violation: string): ReturnType<Rule> {
  return {
    step: {
      kind: 'record',
      journal: { vm, launch: { ...launch, outcome: 'Overpriced', message: violation } },
      announcement: { type: 'Warning', reason: 'PriceViolation', message: `${violation} It is deleted at once.` },
      hostFailure: { hostnode: launch.hostnode, reason: 'a VM cost more than the inventory said' },
    },
    phase: 'Deleting',
    ready: waiting('PriceViolation', `${violation} It is being deleted.`),
  };
}

/** Dearer than allowed: deleted, and proven gone, before another host is tried. */
const overpricedVmIsStillThere: Rule = (observation) => {
  const { journal, facts, now } = observation;
  const { vm, launch } = journal;
  const snapshot = known(observation)?.snapshot;
  if (launch?.outcome !== 'Overpriced' || vm === undefined || snapshot === undefined) return undefined;
  const message = waiting('PriceViolation', `${launch.message ?? 'The VM is too dear.'} It is being deleted.`);
  const deletedAt = facts.deletedAt.get(vm.id);
  if (deletedAt === undefined) {
    return { step: { kind: 'delete', vmId: vm.id, why: 'overpriced' }, phase: 'Deleting', ready: message };
  }
  if (snapshot.requestedAt < deletedAt || snapshot.byId.has(vm.id) || snapshot.unreadable.has(vm.id)) {
    return {
      step: { kind: 'wait' },
      phase: 'Deleting',
      ready: message,
      look: { snapshotAfter: Math.max(deletedAt, snapshot.requestedAt + 1) },
    };
  }
  return {
    step: {
      kind: 'record',
      journal: {
        launch: { ...launch, outcome: 'Refused', endedAt: toPreciseTimestamp(now), failures: launch.failures + 1 },
      },
    },
    phase: 'Pending',
    ready: message,
  };
};

/**
 * A deploy call without a certain answer. Its VM may exist, or may yet appear; nothing is deployed until two trusted
 * lists, requested far enough apart after the call, lacked it.
 */
const launchIsUncertain: Rule = (observation) => {
  const { journal, facts, now, timings, account } = observation;
  const { launch } = journal;
  const snapshot = known(observation)?.snapshot;
  if (launch === undefined || snapshot === undefined || !isUncertain(launch) || journal.vm !== undefined)
    return undefined;
  const since = uncertainSince(launch, timings.callTimeoutMs);
  const lateEffectMs = account.kind === 'ready' ? account.capabilities.lateEffectMs : 0;
  const absence = facts.absence?.launchName === launch.name ? facts.absence : undefined;
  const provenAt = Math.max((absence?.firstAt ?? Infinity) + timings.absenceProofMs, since + lateEffectMs);
  if (absence !== undefined && absence.latestAt >= provenAt) {
    return {
      step: {
        kind: 'record',
        journal: {
          launch: {
            ...launch,
            outcome: 'Absent',
            failures: launch.failures + 1,
            endedAt: launch.endedAt ?? toPreciseTimestamp(now),
          },
        },
        announcement: {
          type: 'Normal',
          reason: 'LaunchAbsent',
          message: `Deployment ${launch.attempt} had no certain answer; two lists prove that it made no VM. Trying again.`,
        },
      },
      phase: 'Pending',
      ready: waiting('CreateUncertain', 'Proven that the last deployment made no VM.'),
    };
  }
  const nextLook = absence === undefined ? Math.max(since, now) : Math.max(provenAt, now);
  return {
    step: { kind: 'wait' },
    phase: 'Launching',
    ready: waiting(
      'CreateUncertain',
      `The answer to deployment ${launch.attempt} (${launch.name}) was lost. Nothing is deployed until the list proves whether the VM exists${snapshot.distrusted === undefined ? '' : `; the list cannot be trusted now: ${snapshot.distrusted}`}.`,
    ),
    look:
      nextLook > now
        ? { inMs: until(nextLook, now) }
        : { snapshotAfter: nextSnapshotAfter(snapshot.requestedAt, nextLook) },
  };
};

function nextSnapshotAfter(lastRequestedAt: number, wanted: number): number {
  return Math.max(wanted, lastRequestedAt + 1);
}

export function isUncertain(launch: Launch): boolean {
  return launch.outcome === 'Pending' || launch.outcome === 'Uncertain';
}

/** From when on a list can say something about the launch: after its call ended, or must have ended. */
export function uncertainSince(launch: Launch, callTimeoutMs: number): number {
  return launch.endedAt === undefined ? millis(launch.intentAt) + callTimeoutMs : millis(launch.endedAt);
}

/** How a VM of the list is taken down as this resource's own. */
export function recordOf(vm: CloudVm, now: number, adopted = false): RecordedVm {
  return {
    id: vm.id,
    name: vm.name,
    recordedAt: toPreciseTimestamp(now),
    ...(adopted ? { adopted } : {}),
    applied: { ...vm.size },
    ...(vm.hostnode === undefined ? {} : { hostnode: vm.hostnode }),
  };
}

/** The journal's entry for the VM that was found, or one made from the VM's name when the journal was lost. */
function launchOf({ journal, now }: VmObservation, vm: CloudVm): Launch {
  if (journal.launch?.name === vm.name) return journal.launch;
  return {
    attempt: Math.max(markOf(vm.name)?.attempt ?? 1, journal.launch?.attempt ?? 1),
    name: vm.name,
    hostnode: vm.hostnode ?? 'unknown',
    gpuModel: vm.size.gpuModel,
    quotedHourlyPrice: 'unknown',
    intentAt: toPreciseTimestamp(now),
    outcome: 'Uncertain',
    failures: journal.launch?.failures ?? 0,
  };
}

export const uniquenessRules: readonly Rule[] = [
  vmIsThereTwice,
  overpricedVmIsStillThere,
  markedVmIsNotRecorded,
  vmTurnsOutTooDear,
  launchIsUncertain,
];
