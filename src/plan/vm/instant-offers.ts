import { rankInstants, type InstantRanking } from '../instant-placement.ts';
import { priceCap } from '../price.ts';
import { isInstantLeftAlone } from './left-alone.ts';
import type { VmObservation } from './observation.ts';
import { mostForVm } from './room.ts';
import type { Look } from './verdict.ts';

/** Ready-made VMs, for who would rather have one: a way to save the time of a deployment, and never one that holds it up. */

function isWanted({ spec, account, spot }: VmObservation): boolean {
  // The API server sees to it, too, by the CRD that it has. Without a cap one could cost what nobody has agreed to.
  const isSafe = spec.maxHourlyPrice !== undefined && spec.ports.every(({ internal }) => internal === 22);
  return (
    spec.instant === 'Prefer' &&
    spot === undefined &&
    isSafe &&
    account.kind === 'ready' &&
    account.capabilities.instantVms
  );
}

/** Whether their list has to be read first. One that cannot be read is not waited for. */
export function instantsToLookAt(observation: VmObservation): boolean {
  const { account } = observation;
  return (
    isWanted(observation) &&
    account.kind === 'ready' &&
    !account.instants.fresh &&
    account.instants.failure === undefined
  );
}

/** Undefined: none is wanted, or nobody knows which there are. */
export function placeInstant(observation: VmObservation): InstantRanking | undefined {
  const { account, spec } = observation;
  if (!isWanted(observation) || account.kind !== 'ready' || !account.instants.fresh) return undefined;
  return rankInstants(spec, account.instants.vms ?? [], {
    maxHourlyPrice: priceCap(spec),
    mostHourly: mostForVm(observation),
    isCoolingDown: (vm) => isInstantLeftAlone(observation, vm),
    isFull: observation.isFull,
  });
}

/** What is to be said of them where no host fits either, and what to look at again. */
export function saidOfInstants(observation: VmObservation): { readonly words: string; readonly look: Look } {
  const { account } = observation;
  if (!isWanted(observation) || account.kind !== 'ready') return { words: '', look: {} };
  const placement = placeInstant(observation);
  if (placement?.kind === 'none') return { words: `; ${placement.tally}`, look: {} };
  const why = account.instants.failure?.message;
  return {
    words: why === undefined ? '' : `; the ready-made VMs could not be listed: ${why}`,
    look: { instants: true },
  };
}
