import type { VmSpec } from '../../api/vm.ts';
import type { CloudVm } from '../../provider/contract.ts';
import type { CallFact, VmObservation } from './observation.ts';
import { liveVm } from './ownership.ts';
import { powerHold, powerWantedNow } from './power-hold.ts';
import { priceHold } from './price-check.ts';
import { isReturningToSpot, returningToSpot } from './return-to-spot.ts';
import { callPatienceMs, known, until, type Rule } from './rule.ts';
import { waiting, type ReadyDraft, type Verdict } from './verdict.ts';

/** Running, Stopped, Released: bringing the power state to what the spec asks for. */

/** The list is older than the last power call: what it says of the state is the past. */
const powerCallIsNotInTheListYet: Rule = (observation) => {
  const call = observation.facts.lastCall;
  const vm = liveVm(observation);
  const snapshot = known(observation)?.snapshot;
  if (call === undefined || call.call === 'delete' || vm === undefined || snapshot === undefined) return undefined;
  if (snapshot.requestedAt >= call.endedAt) return undefined;
  return { ...transition(observation, vm, call), step: { kind: 'wait' }, look: { snapshotAfter: call.endedAt } };
};

const powerCallIsBackingOff: Rule = (observation) => {
  const call = observation.facts.lastCall;
  const vm = liveVm(observation);
  if (call?.failure === undefined || call.call === 'delete' || vm === undefined) return undefined;
  if (observation.now >= call.nextTryAt || !isStillWanted(observation, vm, call)) return undefined;
  return {
    step: { kind: 'wait' },
    phase: shownPhase(vm),
    ready: failedCall(vm, call),
    look: { inMs: until(call.nextTryAt, observation.now) },
  };
};

/** The call was accepted, but the VM has not changed its state yet. */
const powerCallIsTakingEffect: Rule = (observation) => {
  const call = observation.facts.lastCall;
  const vm = liveVm(observation);
  const snapshot = known(observation)?.snapshot;
  if (call === undefined || call.failure !== undefined || vm === undefined || snapshot === undefined) return undefined;
  if (call.call === 'delete' || call.call === 'modify') return undefined;
  if (observation.now - call.endedAt >= callPatienceMs || !isStillWanted(observation, vm, call)) return undefined;
  return {
    ...transition(observation, vm, call),
    step: { kind: 'wait' },
    look: { snapshotAfter: snapshot.requestedAt + 1 },
  };
};

const vmIsToBeStarted: Rule = (observation) => {
  const vm = liveVm(observation);
  if (vm === undefined || !wantsStart(observation, vm)) return undefined;
  return {
    step: { kind: 'start', vmId: vm.id, hostnode: vm.hostnode },
    phase: 'Starting',
    ready: waiting('Starting', `VM ${vm.id} is being started.`),
  };
};

const vmIsToBeStopped: Rule = (observation) => {
  const vm = liveVm(observation);
  if (vm === undefined || !wantsStop(observation, vm)) return undefined;
  const release = wantedPower(observation) === 'Released';
  return {
    step: { kind: 'stop', vmId: vm.id, release },
    phase: 'Stopping',
    ready: isReturningToSpot(observation)
      ? returningToSpot(vm.id)
      : waiting(
          'Stopping',
          `VM ${vm.id} is being stopped${release ? ' and its GPU given back' : ''}.${why(observation)}`,
        ),
  };
};

/** What the VM is to be: what is wanted of it now, unless that would cost more than the spec allows. */
function wantedPower(observation: VmObservation): VmSpec['powerState'] {
  if (isReturningToSpot(observation)) return 'Released';
  return priceHold(observation) === undefined ? powerWantedNow(observation) : 'Released';
}

/** Why it is stopped though the spec asks for a running one. */
function why(observation: VmObservation): string {
  const hold = powerHold(observation);
  return hold === undefined ? '' : ` ${hold.message}`;
}

function wantsStart(observation: VmObservation, vm: CloudVm): boolean {
  const wanted = wantedPower(observation);
  if (wanted === 'Running') return vm.state === 'stopped' || vm.state === 'released' || vm.state === 'outbid';
  // A VM stopped with its GPU kept cannot be released as it is: the provider wants it running first.
  return wanted === 'Released' && vm.state === 'stopped' && observation.facts.releaseNeedsStart;
}

/** A released VM satisfies Stopped: getting its GPU back only to keep it idle would cost money for nothing. */
function wantsStop(observation: VmObservation, vm: CloudVm): boolean {
  const wanted = wantedPower(observation);
  if (wanted === 'Running') return false;
  if (vm.state === 'running') return true;
  return wanted === 'Released' && vm.state === 'stopped' && !observation.facts.releaseNeedsStart;
}

function isStillWanted(observation: VmObservation, vm: CloudVm, call: CallFact): boolean {
  switch (call.call) {
    case 'start':
      return wantsStart(observation, vm);
    case 'stop':
      return wantsStop(observation, vm);
    case 'modify':
    case 'delete':
      return false;
  }
}

function transition(observation: VmObservation, vm: CloudVm, call: CallFact): Pick<Verdict, 'phase' | 'ready'> {
  switch (call.call) {
    case 'start':
      return { phase: 'Starting', ready: waiting('Starting', 'The VM is being started.') };
    case 'stop':
      if (isReturningToSpot(observation)) return { phase: 'Stopping', ready: returningToSpot(vm.id) };
      return wantedPower(observation) === 'Running'
        ? { phase: 'Resizing', ready: waiting('Resizing', 'The VM is stopped so that its size can be changed.') }
        : { phase: 'Stopping', ready: waiting('Stopping', `The VM is being stopped.${why(observation)}`) };
    case 'modify':
    case 'delete':
      return { phase: 'Resizing', ready: waiting('Resizing', 'The size of the VM is being changed.') };
  }
}

function failedCall(vm: CloudVm, call: CallFact): ReadyDraft {
  const why = call.failure?.message ?? 'no reason given';
  const kind = call.failure?.kind;
  if (call.call === 'start' && kind === 'noCapacity') {
    return waiting(
      'StartBlockedNoCapacity',
      `The host of VM ${vm.id} has no room for it now; its disk is safe. Starting is tried again for ever. The provider says: ${why}`,
    );
  }
  if (kind === 'bidTooLow') {
    return waiting(
      'Outbid',
      `The bid of VM ${vm.id} did not win any more when it was started; tried again by itself: ${why}`,
    );
  }
  if (kind === 'insufficientBalance') {
    return waiting('InsufficientBalance', `The balance does not allow it: ${why}. Add funds; tried again by itself.`);
  }
  return waiting('PowerCallFailed', `Could not ${call.call} VM ${vm.id}, tried again by itself: ${why}`);
}

/** While a call fails the VM stays in the state it is in. */
function shownPhase(vm: CloudVm): Verdict['phase'] {
  if (vm.state === 'running') return 'Running';
  if (vm.state === 'outbid') return 'Outbid';
  return vm.state === 'stopped' ? 'Stopped' : 'Released';
}

/** The last call has yet to show. */
export const powerCallRules: readonly Rule[] = [powerCallIsNotInTheListYet, powerCallIsTakingEffect];

export const powerRules: readonly Rule[] = [powerCallIsBackingOff, vmIsToBeStarted, vmIsToBeStopped];
