import type { VmSpec } from '../../api/vm.ts';
import type { Reason } from '../../api/reasons.ts';
import type { VmObservation } from './observation.ts';

/**
 * Why a VM whose spec.powerState is Running is not to run now: that wish of its owner stands, and is held back. For want of
 * money one that is to be Stopped is held back as well, which is billed as if it ran.
 */
export interface PowerHold {
  readonly powerState: 'Stopped' | 'Released';
  readonly reason: Extract<Reason, 'OffHours' | 'StoppedByBudget' | 'StoppedForBalance'>;
  /** A sentence that is true with and without a VM, such as "By spec.schedule the VM does not run before …". */
  readonly message: string;
}

type Held = Pick<VmObservation, 'spec' | 'holds'>;

/** The hold that counts: of several the one that costs least, and of equals the first. */
export function powerHold({ spec, holds }: Held): PowerHold | undefined {
  const asked = askedPower(spec);
  if (asked === 'Released') return undefined;
  const counting = asked === 'Running' ? holds : holds.filter(isForMoney);
  return counting.find(({ powerState }) => powerState === 'Released') ?? counting[0];
}

function isForMoney({ reason }: PowerHold): boolean {
  return reason !== 'OffHours';
}

/** What keeps the VM released for want of money: of a budget, or of the account's balance. */
export function moneyHold({ spec, holds }: Held): PowerHold | undefined {
  return askedPower(spec) === 'Released' ? undefined : holds.find(isForMoney);
}

/** What the VM is to be now. No other rule reads spec.powerState: who did would start a VM that is held, or wait for it. */
export function powerWantedNow(observation: Held): VmSpec['powerState'] {
  return powerHold(observation)?.powerState ?? askedPower(observation.spec);
}

/** Whether it is to run now, as far as spec and holds go. */
export function isToRunNow(observation: VmObservation): boolean {
  return powerWantedNow(observation) === 'Running';
}

/** Whether its owner asks for a running VM: a schedule has a say only then. */
export function isAskedToRun(spec: VmSpec): boolean {
  return askedPower(spec) === 'Running';
}

function askedPower(spec: VmSpec): VmSpec['powerState'] {
  // eslint-disable-next-line no-restricted-syntax -- everybody else asks this file, whose holds may keep the VM down: who reads the field starts it against them
  return spec.powerState;
}
