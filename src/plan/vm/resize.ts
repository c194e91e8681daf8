import type { CallFact, VmObservation } from './observation.ts';
import { liveVm } from './ownership.ts';
import { callPatienceMs, known, millis, until, type Rule } from './rule.ts';
import { assessSize, describeSizeChange, isSameSize, sizeFor } from './size.ts';
import { waiting, type Look, type Step } from './verdict.ts';

/** Stop, modify, start: the VM gets the size that the spec asks for. What is in the way shows in `UpToDate`. */

/** By a call whose answer was lost, or of a process that was killed before it could write down what came of it. */
const resizeHasTakenEffect: Rule = (observation) => {
  const { vm, launch, resize } = observation.journal;
  const live = liveVm(observation);
  if (vm === undefined || live === undefined || resize === undefined) return undefined;
  // One that was given up after calls without an answer, and is still wanted, may have taken effect all the same.
  const isGivenUp = resize.outcome === 'Refused' && isSameSize(resize.to, sizeFor(observation.spec, vm));
  const mayHave = resize.outcome === 'Pending' || (isGivenUp && !isSameSize(resize.to, vm.applied));
  if (!mayHave || !isSameSize(live.size, resize.to)) return undefined;
  const journal = {
    vm: { ...vm, applied: { ...resize.to } },
    launch,
    resize: { to: resize.to, outcome: 'Modified' },
  } as const;
  return { step: { kind: 'record', journal }, phase: 'keep', ready: 'keep' };
};

/**
 * It has not, and by now it would show, if its call left as late as it may have. What changes the size from here on is somebody
 * else; who still wants it writes it down anew.
 */
const resizeIsOver: Rule = (observation) => {
  const { journal, account, facts, now, timings } = observation;
  const { vm, launch, resize } = journal;
  const live = liveVm(observation);
  const listedAt = known(observation)?.snapshot.requestedAt;
  if (account.kind !== 'ready' || listedAt === undefined) return undefined;
  if (vm === undefined || live === undefined || resize?.outcome !== 'Pending') return undefined;
  // Whoever asked may have had a clock that was behind; it asked before this process came to look after the VM.
  const askedAt = Math.max(millis(resize.askedAt), facts.vmSeenAt ?? now);
  const shownAt = askedAt + 2 * timings.callTimeoutMs + account.capabilities.lateEffectMs;
  if (listedAt <= shownAt) return undefined;
  return { step: { kind: 'record', journal: { vm, launch } }, phase: 'keep', ready: 'keep' };
};

const vmHasAnotherSize: Rule = (observation) => {
  const size = assessSize(observation);
  const vm = liveVm(observation);
  // An outbid VM can neither be stopped nor changed: once it runs again, or another one takes its place.
  if (size.kind !== 'resizable' || vm === undefined || vm.state === 'outbid') return undefined;
  const applied = observation.journal.vm?.applied ?? vm.size;
  const shown = {
    phase: 'Resizing',
    ready: waiting('Resizing', `VM ${vm.id} is being resized: ${describeSizeChange(applied, size.wanted)}.`),
  } as const;
  const needsStop = mustBeStopped(observation) && vm.state === 'running';
  const look = lookBeforeNextCall(observation, needsStop);
  if (look !== undefined) return { ...shown, step: { kind: 'wait' }, look };
  const step: Step = needsStop
    ? { kind: 'stop', vmId: vm.id, release: false }
    : { kind: 'modify', vmId: vm.id, size: size.wanted };
  return { ...shown, step };
};

/**
 * Stopped, and the inventory has grown old meanwhile. Starting it in its old size now would only have it stopped again:
 * for ever, where stopping takes longer than an inventory stays fresh. Without hope of an inventory it does start.
 */
const vmIsStoppedBeforeItsResize: Rule = (observation) => {
  const size = assessSize(observation);
  const vm = liveVm(observation);
  const { account, journal } = observation;
  if (size.kind !== 'needsHosts' || vm === undefined || account.kind !== 'ready') return undefined;
  if (vm.state !== 'stopped' && vm.state !== 'released') return undefined;
  if (account.offers.failure !== undefined) return undefined;
  const change = describeSizeChange(journal.vm?.applied ?? vm.size, size.wanted);
  return {
    step: { kind: 'wait' },
    phase: 'Resizing',
    ready: waiting('Resizing', `VM ${vm.id} is to be resized: ${change}. Looking for room on its host.`),
    look: { hosts: true },
  };
};

/** What to wait for before another call may be made: the effect of the last one, or the end of its pause. */
function lookBeforeNextCall(observation: VmObservation, needsStop: boolean): Look | undefined {
  const { facts, now } = observation;
  const call = facts.lastCall;
  const listedAt = known(observation)?.snapshot.requestedAt;
  if (call === undefined || call.call === 'delete' || listedAt === undefined) return undefined;
  if (listedAt < call.endedAt) return { snapshotAfter: call.endedAt };
  if (call.failure !== undefined) return now < call.nextTryAt ? { inMs: until(call.nextTryAt, now) } : undefined;
  return needsStop && isStopTakingEffect(call, now) ? { snapshotAfter: listedAt + 1 } : undefined;
}

function isStopTakingEffect({ call, endedAt }: CallFact, now: number): boolean {
  return call === 'stop' && now - endedAt < callPatienceMs;
}

function mustBeStopped({ account }: VmObservation): boolean {
  return account.kind === 'ready' && account.capabilities.modifyNeedsStop;
}

export const resizeOutcomeRules: readonly Rule[] = [resizeHasTakenEffect, resizeIsOver];

export const resizeRules: readonly Rule[] = [vmHasAnotherSize, vmIsStoppedBeforeItsResize];
