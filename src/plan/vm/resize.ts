import { known, liveVm, until, type Rule } from './rule.ts';
import { assessSize, describeSizeDifferences } from './size.ts';
import { waiting } from './verdict.ts';

/** Stop, modify, start: the VM gets the size that the spec asks for. What is in the way shows in `UpToDate`. */

const vmHasAnotherSize: Rule = (observation) => {
  const size = assessSize(observation);
  const vm = liveVm(observation);
  const { facts, journal, now, account } = observation;
  const snapshot = known(observation)?.snapshot;
  if (size.kind !== 'resizable' || vm === undefined || journal.vm === undefined || snapshot === undefined)
    return undefined;
  const what = describeSizeDifferences(size.wanted, journal.vm.applied).join(', ');
  const shown = { phase: 'Resizing', ready: waiting('Resizing', `VM ${vm.id} is being resized: ${what}.`) } as const;
  const call = facts.lastCall;

  if (call !== undefined && call.call !== 'delete' && snapshot.requestedAt < call.endedAt) {
    return { ...shown, step: { kind: 'wait' }, look: { snapshotAfter: call.endedAt } };
  }
  if (call?.failure !== undefined && now < call.nextTryAt) {
    return { ...shown, step: { kind: 'wait' }, look: { inMs: until(call.nextTryAt, now) } };
  }
  const needsStop = account.kind === 'ready' && account.capabilities.modifyNeedsStop && vm.state === 'running';
  if (needsStop && call?.call === 'stop' && call.failure === undefined && now - call.endedAt < stopPatienceMs) {
    return { ...shown, step: { kind: 'wait' }, look: { snapshotAfter: snapshot.requestedAt + 1 } };
  }
  if (needsStop) return { ...shown, step: { kind: 'stop', vmId: vm.id, release: false } };
  return { ...shown, step: { kind: 'modify', vmId: vm.id, size: size.wanted } };
};

/** A stop that was accepted is given this long to show. */
const stopPatienceMs = 60_000;

export const resizeRules: readonly Rule[] = [vmHasAnotherSize];
