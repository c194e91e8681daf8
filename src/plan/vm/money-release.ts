import type { VmObservation } from './observation.ts';
import { liveVm, mayTouch } from './ownership.ts';
import { powerCallRules, powerRules } from './power.ts';
import { moneyHold } from './power-hold.ts';
import { changesProvider, type Verdict } from './verdict.ts';

/**
 * Whatever else would be done: the VM is brought to where only its storage is billed. No wish of its owner is in the way of that, be it a
 * pause, a spec that cannot be followed, or a deletion that waits: or others would stop for it. Undefined: it need not, or cannot, be.
 */
export function releaseForMoney(observation: VmObservation): Verdict | undefined {
  const vm = liveVm(observation);
  if (vm === undefined || moneyHold(observation) === undefined || !mayTouch(observation, vm.id)) return undefined;
  for (const rule of [...powerCallRules, ...powerRules]) {
    const verdict = rule(observation);
    if (verdict !== undefined) return { ...verdict, rule: rule.name };
  }
  return undefined;
}

/** Of a resource for which nothing else is done: its VM is released if it has to be, and that is looked after until it is. */
export function nothingButRelease(observation: VmObservation): Pick<Verdict, 'step' | 'look'> {
  const release = releaseForMoney(observation);
  const isCall = release !== undefined && changesProvider(release.step);
  return { step: isCall ? release.step : { kind: 'wait' }, look: release?.look ?? {} };
}
