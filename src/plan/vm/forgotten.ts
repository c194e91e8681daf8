import { conditionOf } from '../../api/conditions.ts';
import type { VmStatus } from '../../api/vm.ts';
import { highestAttempt, type Launch } from '../../api/vm-status.ts';
import { vmNameOf } from '../../api/vm-name.ts';
import { toPreciseTimestamp } from '../../lib/clock.ts';

/**
 * A status that was emptied, by hand or by a tool, no longer says that a deploy call is under way, or that there is a VM. It
 * stands for a launch in doubt, of which nothing else is known: no deploy call leaves, and the resource does not go, before
 * the list shows a VM with its mark, or proves that there is none.
 *
 * How it is told from the status of a new resource: that one has no finalizer, which comes with the intent of the first deploy call;
 * and whatever the operator writes in a status says in the condition `Launched` whether there has been one.
 */
export function isEmptied({ vm, launch, conditions }: VmStatus): boolean {
  if (vm !== undefined || launch !== undefined) return false;
  const launched = conditionOf(conditions, 'Launched');
  return launched?.status !== 'Unknown' || launched.reason !== 'NotLaunched';
}

/** No deploy call has this number. */
const forgottenAttempt = 0;

export function isForgotten({ attempt }: Launch): boolean {
  return attempt === forgottenAttempt;
}

export function forgottenLaunch(of: {
  readonly installation: string;
  readonly uid: string;
  readonly now: number;
}): Launch {
  const { installation, uid, now } = of;
  return {
    attempt: forgottenAttempt,
    // A name that no VM was ever given: whichever VM the list shows of this resource, it is not the VM of this launch.
    name: vmNameOf({ installation, uid, attempt: highestAttempt + 1 }),
    hostnode: 'unknown',
    gpuModel: 'unknown',
    quotedHourlyPrice: 'unknown',
    intentAt: toPreciseTimestamp(now),
    outcome: 'Uncertain',
    failures: 0,
  };
}

/** What is in doubt, as the beginning of a sentence for people. */
export function doubtOf(launch: Launch): string {
  return isForgotten(launch)
    ? 'The status does not say any more whether a VM has been deployed'
    : `The answer to deployment ${launch.attempt} (${launch.name}) was lost`;
}
