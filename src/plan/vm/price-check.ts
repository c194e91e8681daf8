import type { Launch, RecordedVm, Resize } from '../../api/vm-status.ts';
import type { CloudVm } from '../../provider/contract.ts';
import type { Journal, VmObservation } from './observation.ts';
import { liveVm } from './ownership.ts';
import { bidOf, bidViolation, priceCap, priceViolation } from '../price.ts';
import type { Rule } from './rule.ts';
import { isSameSize, sizeFor } from './size.ts';

/**
 * A price is compared with the cap once: when the first list shows it after the VM was made, and again after its size was
 * changed. A cap that is lowered later, and a price that the provider raises later, take nothing away from anybody.
 */

/** The price that the status shows of the VM that is recorded: it has been compared. */
export function knownPrice({ status, journal }: VmObservation): VmObservation['status']['hourlyPrice'] {
  return journal.vm !== undefined && status.vm?.id === journal.vm.id ? status.hourlyPrice : undefined;
}

/**
 * What is wrong with the first price that a list shows of a new VM: the answer to its deploy call may have had none. One that
 * has been given another size since is no new VM.
 */
export function firstPriceViolation(observation: VmObservation): string | undefined {
  const { vm, launch } = observation.journal;
  if (vm === undefined || vm.adopted === true || launch?.outcome !== 'Launched') return undefined;
  // One that has its place again was compared when it was made: a cap that was lowered since takes no disk.
  if (vm.name !== launch.name) return undefined;
  return isAsMade(observation, vm) && knownPrice(observation) === undefined ? violationOf(observation) : undefined;
}

/** Only the VM that this launch has made. */
export function isFoundTooDear({ name }: RecordedVm, launch: Launch): boolean {
  return launch.outcome === 'Overpriced' && launch.name === name;
}

/** It has the size that it was made with, or what it was asked to have instead has not taken effect. */
function isAsMade(observation: VmObservation, { applied }: RecordedVm): boolean {
  const { resize } = observation.journal;
  if (resize?.outcome !== 'Pending') return resize === undefined || resize.outcome === 'Refused';
  const size = liveVm(observation)?.size;
  return size !== undefined && isSameSize(size, applied);
}

/** A price is not shown before it was compared: an earlier rule may have had something to say, or the cap be unreadable. */
export function mayShowPrice(observation: VmObservation): boolean {
  if (knownPrice(observation) !== undefined) return true;
  return observation.specProblem === undefined && firstPriceViolation(observation) === undefined;
}

function violationOf(observation: VmObservation): string | undefined {
  const price = liveVm(observation)?.price;
  return priceViolation(price, priceCap(observation.spec)) ?? bidViolation(price, bidOf(observation.journal.vm));
}

/** The first price after a change of size; and a cap that has been raised over one that was too high for it. */
const resizedPriceIsKnown: Rule = (observation) => {
  const { vm, launch, resize } = observation.journal;
  if (vm === undefined || resize === undefined || !isPriceOf(observation, resize)) return undefined;
  const violation = violationOf(observation);
  if (!isOpen(resize, violation)) return undefined;
  const journal: Journal = { vm, launch, resize: { to: resize.to, outcome: 'Done' } };
  if (violation === undefined) return { step: { kind: 'record', journal }, phase: 'keep', ready: 'keep' };
  const message = heldBack(violation);
  return {
    step: {
      kind: 'record',
      journal: { ...journal, resize: { to: resize.to, outcome: 'Overpriced', message } },
      announcement: { type: 'Warning', reason: 'PriceViolation', message },
    },
    phase: 'keep',
    ready: 'keep',
  };
};

/** The list shows the VM in its new size, with a price. */
function isPriceOf(observation: VmObservation, { to }: Resize): boolean {
  const vm = liveVm(observation);
  const { applied } = observation.journal.vm ?? {};
  return vm?.price !== undefined && applied !== undefined && isSameSize(to, applied) && isSameSize(to, vm.size);
}

function isOpen({ outcome }: Resize, violation: string | undefined): boolean {
  return outcome === 'Modified' || (outcome === 'Overpriced' && violation === undefined);
}

export const resizePriceRules: readonly Rule[] = [resizedPriceIsKnown];

/**
 * Why a VM is held back in the state in which only its disk is billed: its size was changed, and with the new one it is
 * dearer than allowed. Deleting it would keep the promise as well, and take its disk.
 */
export function priceHold(observation: VmObservation): string | undefined {
  const { vm: recorded, resize } = observation.journal;
  const vm = liveVm(observation);
  if (recorded === undefined || vm === undefined) return undefined;
  const violation = violationOf(observation);
  const now = violation === undefined ? undefined : heldBack(violation);
  if (resize?.outcome === 'Overpriced' && isSameSize(resize.to, recorded.applied)) return now ?? resize.message;
  return isChangedUnrecorded(observation, { recorded, vm }) ? now : undefined;
}

/** It has the size that is wanted by a call of a process that was killed before it could write that down. */
function isChangedUnrecorded(
  { spec }: VmObservation,
  { recorded, vm }: { readonly recorded: RecordedVm; readonly vm: CloudVm },
): boolean {
  const wanted = sizeFor(spec, recorded);
  return isSameSize(vm.size, wanted) && !isSameSize(vm.size, recorded.applied);
}

function heldBack(violation: string): string {
  return `${violation} That is its price with its new size. It is released: its disk is kept, and only storage is billed. Raise the cap, or ask for a smaller size.`;
}
