import type { VmObservation } from './observation.ts';

/** A host that failed a moment ago, for everybody or for this resource. */
export function isLeftAlone({ account, facts, now }: VmObservation, hostnode: string): boolean {
  const coolsDownUntil = account.kind === 'ready' ? account.offers.coolingDownUntil(hostnode) : undefined;
  return Math.max(coolsDownUntil ?? 0, facts.avoidedHosts.get(hostnode) ?? 0) > now;
}

/** The same of a ready-made VM, which is left alone as well while its host is. */
export function isInstantLeftAlone(
  observation: VmObservation,
  { id, hostnode }: { readonly id: string; readonly hostnode: string },
): boolean {
  const { account, facts, now } = observation;
  const coolsDownUntil = account.kind === 'ready' ? account.instants.coolingDownUntil(id) : undefined;
  const isItself = Math.max(coolsDownUntil ?? 0, facts.avoidedHosts.get(id) ?? 0) > now;
  return isItself || isLeftAlone(observation, hostnode);
}
