import type { CloudVm } from '../../provider/contract.ts';
import type { VmObservation } from './observation.ts';
import { releaseForMoney } from './money-release.ts';
import { liveVm } from './ownership.ts';
import { moneyHold } from './power-hold.ts';
import { changesProvider, ready, waiting, type Verdict } from './verdict.ts';

/**
 * A resource that is paused: what would change something at the provider is held, and what is seen is still said. But for what
 * is stopped for want of money: or whoever may annotate would keep the VM that is to be stopped first, and others would stop for it.
 */
export function holdWhilePaused(observation: VmObservation, verdict: Verdict): Verdict {
  const { meta, spec } = observation;
  if (!meta.paused || meta.deleting) return verdict;
  const synced = ready(
    'False',
    'Paused',
    `Paused by the annotation gpuvm.dev/paused: nothing is changed at the provider${spec.expireAfter === undefined ? '' : ', and it does not expire'}.${butReleased(observation)}`,
  );
  if (!changesProvider(verdict.step)) return { ...verdict, synced };
  const release = releaseForMoney(observation);
  if (release !== undefined) return { ...release, synced };
  return { ...verdict, ...shown(liveVm(observation)), step: { kind: 'wait' }, look: {}, synced };
}

function butReleased(observation: VmObservation): string {
  switch (moneyHold(observation)?.reason) {
    case undefined:
    case 'OffHours':
      return '';
    case 'StoppedByBudget':
      return ' But a GpuBudget has its VM released, paused or not.';
    case 'StoppedForBalance':
      return ' But the GpuAccount has its VM released for want of balance, paused or not.';
  }
}

/** What would have been done is not done, and so it is not said; that a VM does not run must not wait for it. */
function shown(vm: CloudVm | undefined): Pick<Verdict, 'phase' | 'ready'> {
  switch (vm?.state) {
    case 'outbid':
      return { phase: 'Outbid', ready: waiting('Outbid', `VM ${vm.id} was outbid. ${held}`) };
    case 'stopped':
      return { phase: 'Stopped', ready: waiting('Stopped', `VM ${vm.id} is stopped with everything kept. ${held}`) };
    case 'released':
      return {
        phase: 'Released',
        ready: waiting('Released', `VM ${vm.id} is stopped and its GPU given back. ${held}`),
      };
    default:
      return { phase: 'keep', ready: 'keep' };
  }
}

const held = 'Nothing is done about it while the resource is paused.';
