import { toPreciseTimestamp } from '../../lib/clock.ts';
import { formatMoney } from '../../lib/money.ts';
import { markOf } from '../../api/vm-name.ts';
import type { Launch, RecordedVm } from '../../api/vm-status.ts';
import type { CloudVm } from '../../provider/contract.ts';
import { bidOf, bidViolation, priceCap, priceViolation } from '../price.ts';
import type { VmMeta, VmObservation } from './observation.ts';
import { liveVm, mayTouch } from './ownership.ts';
import { doubtOf, isForgotten } from './forgotten.ts';
import { firstPriceViolation, isFoundTooDear } from './price-check.ts';
import { absenceProof, uncertainLaunch } from './proof.ts';
import { known, listingNeededToForget, mustAskAboutDeleted, until, type Rule } from './rule.ts';
import { waiting, type Verdict } from './verdict.ts';

/** Exactly one VM: what is done about VMs with this resource's mark that the journal does not know, or knows as uncertain. */

/**
 * VMs with this resource's mark beside the one that stays: the recorded one, also if that was taken over and carries no mark,
 * else the youngest, whose name the journal holds.
 */
function twinsIn(observation: VmObservation): readonly CloudVm[] {
  const { marked, journal } = observation;
  const keep =
    marked.find((vm) => vm.id === journal.vm?.id) ??
    liveVm(observation) ??
    marked.find((vm) => vm.name === journal.launch?.name) ??
    marked.at(-1);
  return marked.filter((vm) => vm.id !== keep?.id);
}

const vmIsThereTwice: Rule = (observation) => {
  const extra = twinsIn(observation).find((vm) => !observation.facts.deletedAt.has(vm.id));
  if (extra === undefined) return undefined;
  return {
    step: { kind: 'delete', vmId: extra.id, why: 'duplicate' },
    phase: 'keep',
    ready: 'keep',
  };
};

/**
 * The list still has one whose deletion was confirmed. No change of the list wakes anybody should that have been in vain: it is
 * looked at again when a deletion takes no longer.
 */
export function lookAtDeletedTwins(observation: VmObservation, verdict: Verdict): Verdict {
  if (verdict.step.kind !== 'wait' || twinsIn(observation).length === 0) return verdict;
  const { marked, facts, now, timings } = observation;
  const ends = marked.flatMap(({ id }) => facts.deletedAt.get(id) ?? []).map((at) => at + timings.transitionMs);
  if (ends.length === 0) return verdict;
  const inMs = Math.max(until(Math.min(...ends), now), timings.retryMs);
  return { ...verdict, look: { ...verdict.look, inMs: Math.min(verdict.look?.inMs ?? Infinity, inMs) } };
}

/** A VM with our mark that nobody recorded: the answer to its deploy call was lost, or the process was killed. */
const markedVmIsNotRecorded: Rule = (observation) => {
  const { marked, journal, facts, now, spec, meta } = observation;
  const found = marked.find((vm) => !facts.deletedAt.has(vm.id));
  if (found === undefined || journal.vm !== undefined) return undefined;
  // Of an attempt before the one that is in doubt: to record it now would forget the doubt, and what it is about.
  if (mayBeAnEarlierOne(observation, found)) return undefined;
  const launch = launchOf(observation, found);
  const violation = priceViolation(found.price, priceCap(spec)) ?? bidViolation(found.price, bidOf(launch));
  const vm = recordOf(found, { now, owner: meta, launch, isInstant: isReadyMade(observation, launch) });
  if (violation !== undefined) return recordOverpriced({ vm, launch }, violation);
  return {
    step: {
      kind: 'record',
      journal: { vm, launch: { ...launch, outcome: 'Launched', endedAt: toPreciseTimestamp(now), failures: 0 } },
      announcement: {
        type: 'Normal',
        reason: 'LaunchRecovered',
        message: `Found VM ${found.id} of deployment ${launch.attempt}, which was not recorded, and took it over.`,
      },
    },
    phase: 'Building',
    ready: waiting('Building', `The provider says "${found.providerStatus}".`),
  };
};

/** Where the journal was lost nobody knows: then a VM may be as large as a ready-made one, before it is stopped and cut down. */
function isReadyMade({ journal, spec }: VmObservation, { name, instant }: Launch): boolean {
  return journal.launch?.name === name ? instant !== undefined : spec.instant === 'Prefer';
}

/** To record a VM of an attempt before the one that is in doubt would forget the doubt, and what it is about. */
function mayBeAnEarlierOne(observation: VmObservation, found: CloudVm): boolean {
  const doubt = uncertainLaunch(observation);
  if (doubt === undefined || doubt.name === found.name) return false;
  if (!isForgotten(doubt)) return true;
  // Of a kind whose VMs are replaced while they live, the one that was found may be the replaced one, and the list lack the other.
  return observation.spot !== undefined && absenceProof(observation, doubt).kind === 'open';
}

/** Its deletion was confirmed, but the list still has it: another one is not made before it has gone. */
const markedVmIsOnItsWayOut: Rule = (observation) => {
  const { marked, journal, facts, now, timings } = observation;
  const [vm] = marked;
  if (vm === undefined || journal.vm !== undefined || uncertainLaunch(observation) !== undefined) return undefined;
  const deletedAt = facts.deletedAt.get(vm.id) ?? now;
  const look =
    now - deletedAt <= timings.transitionMs ? listingNeededToForget(observation, vm.id, deletedAt) : undefined;
  return {
    step: { kind: 'wait' },
    phase: 'Pending',
    ready: waiting('Deleting', `VM ${vm.id} of this resource is deleted; waiting for a list without it.`),
    look: look ?? { inMs: timings.retryMs },
  };
};

/** Only at first sight: a price or cap that changes later does not cost the user a disk. */
const vmTurnsOutTooDear: Rule = (observation) => {
  const { vm, launch } = observation.journal;
  const violation = firstPriceViolation(observation);
  if (vm === undefined || launch === undefined || violation === undefined) return undefined;
  return recordOverpriced({ vm, launch }, violation);
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
  const { journal, facts } = observation;
  const { vm, launch } = journal;
  if (vm === undefined || launch === undefined || !isFoundTooDear(vm, launch)) return undefined;
  const shown = {
    phase: 'Deleting',
    ready: waiting('PriceViolation', `${launch.message ?? 'The VM is too dear.'} It is being deleted.`),
  } as const;
  const deletedAt = facts.deletedAt.get(vm.id);
  if (deletedAt === undefined && !mayTouch(observation, vm.id)) return undefined;
  if (deletedAt === undefined) return { ...shown, step: { kind: 'delete', vmId: vm.id, why: 'overpriced' } };
  if (mustAskAboutDeleted(observation, vm.id, deletedAt))
    return { ...shown, step: { kind: 'confirmGone', vmId: vm.id } };
  const look = listingNeededToForget(observation, vm.id, deletedAt);
  if (look !== undefined) return { ...shown, step: { kind: 'wait' }, look };
  const ended: Launch = {
    ...launch,
    outcome: 'Refused',
    endedAt: toPreciseTimestamp(observation.now),
    failures: launch.failures + 1,
  };
  return { ...shown, step: { kind: 'record', journal: { launch: ended } }, phase: 'Pending' };
};

/**
 * A deploy call without a certain answer. Its VM may exist, or may yet appear; nothing is deployed until two trusted
 * lists, requested far enough apart after the call, lacked it.
 */
const launchIsUncertain: Rule = (observation) => {
  const launch = uncertainLaunch(observation);
  if (launch === undefined) return undefined;
  const proof = absenceProof(observation, launch);
  if (proof.kind === 'proven') return recordAbsent(launch, observation.now);
  if (proof.kind === 'over') return recordOver(launch, proof.vm, observation.now);
  const distrusted = known(observation)?.snapshot.distrusted;
  const doubt = distrusted === undefined ? '' : ` The list cannot be trusted now: ${distrusted}`;
  return {
    step: { kind: 'wait' },
    phase: 'Launching',
    ready: waiting(
      'CreateUncertain',
      `${doubtOf(launch)}. Nothing is deployed until the list proves whether the VM exists.${doubt}`,
    ),
    look: proof.look,
  };
};

function recordAbsent(launch: Launch, now: number): ReturnType<Rule> {
  const ended: Launch = {
    ...launch,
    outcome: 'Absent',
    failures: isForgotten(launch) ? launch.failures : launch.failures + 1,
    endedAt: launch.endedAt ?? toPreciseTimestamp(now),
  };
  return {
    step: {
      kind: 'record',
      journal: { launch: ended },
      announcement: {
        type: 'Normal',
        reason: 'LaunchAbsent',
        message: `${doubtOf(launch)}; two lists prove that there is no VM.`,
      },
    },
    phase: 'Pending',
    ready: waiting('CreateUncertain', 'Proven that the last deployment made no VM.'),
  };
}

function recordOver(launch: Launch, vm: CloudVm, now: number): ReturnType<Rule> {
  const message = `Deployment ${launch.attempt} had no certain answer. It made VM ${vm.id}, which the provider lists as "${vm.providerStatus}".`;
  const endedAt = launch.endedAt ?? toPreciseTimestamp(now);
  return {
    step: {
      kind: 'record',
      journal: { launch: { ...launch, outcome: 'Lost', failures: launch.failures + 1, endedAt, message } },
      announcement: { type: 'Warning', reason: 'VmLost', message: `${message} Trying again.` },
      hostFailure: { hostnode: launch.hostnode, reason: 'a VM was over soon after its deployment' },
    },
    phase: 'Lost',
    ready: waiting('VmLost', message),
  };
}

/** The entry of the journal that records a VM of the list as this resource's own. */
export function recordOf(
  vm: CloudVm,
  by: {
    readonly now: number;
    readonly owner: VmMeta;
    readonly adopted?: true;
    /** How it is held; absent of a kind that does not bid. */
    readonly launch?: Pick<Launch, 'capacity' | 'bid'>;
    readonly isInstant?: boolean;
  },
): RecordedVm {
  return {
    id: vm.id,
    name: vm.name,
    ownerUid: by.owner.uid,
    recordedAt: toPreciseTimestamp(by.now),
    ...(by.adopted === true ? { adopted: true } : {}),
    applied: { ...vm.size },
    ...(vm.hostnode === undefined ? {} : { hostnode: vm.hostnode }),
    ...(by.isInstant === true ? { instant: true } : {}),
    ...(by.launch?.capacity === undefined ? {} : { capacity: by.launch.capacity }),
    ...(by.launch?.bid === undefined ? {} : { bid: by.launch.bid }),
  };
}

/** The journal's entry for the VM that was found, or one made from the VM's name when the journal was lost. */
function launchOf({ journal, now, spot }: VmObservation, vm: CloudVm): Launch {
  const { launch } = journal;
  if (launch?.name === vm.name) return launch;
  const lost = launch ?? { attempt: 1, failures: 0 };
  return {
    attempt: Math.max(markOf(vm.name)?.attempt ?? 1, lost.attempt),
    name: vm.name,
    hostnode: vm.hostnode ?? 'unknown',
    gpuModel: vm.size.gpuModel,
    quotedHourlyPrice: 'unknown',
    intentAt: toPreciseTimestamp(now),
    outcome: 'Uncertain',
    failures: lost.failures,
    ...(spot === undefined ? {} : heldAs(vm)),
  };
}

/** How the provider says that a VM is held whose journal was lost. */
export function heldAs(vm: CloudVm): Pick<Launch, 'capacity' | 'bid'> {
  if (vm.type !== 'spot') return { capacity: 'OnDemand' };
  // What a spot VM costs without its storage is its bid (API reference A23).
  return vm.price === undefined ? { capacity: 'Spot' } : { capacity: 'Spot', bid: formatMoney(vm.price.compute) };
}

export const uniquenessRules: readonly Rule[] = [
  vmIsThereTwice,
  overpricedVmIsStillThere,
  markedVmIsNotRecorded,
  markedVmIsOnItsWayOut,
  vmTurnsOutTooDear,
  launchIsUncertain,
];
