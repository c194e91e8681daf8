import { toTimestamp } from '../../lib/clock.ts';
import { adoptionRules } from './adoption.ts';
import { lookAtClock } from './clockwork.ts';
import { holdWhileDeleteBacksOff } from './delete-backoff.ts';
import { deletionRules } from './deletion.ts';
import { existenceRules } from './existence.ts';
import { guardRules, pollReason } from './guards.ts';
import { launchGuards, launchRules, preparationRules } from './launch.ts';
import type { VmObservation } from './observation.ts';
import { ownershipRules } from './ownership-rules.ts';
import { outbidRules, sayThatItWasOutbid } from './outbid.ts';
import { holdWhilePaused } from './paused.ts';
import { powerCallRules, powerRules } from './power.ts';
import { resizePriceRules } from './price-check.ts';
import { resizeOutcomeRules, resizeRules } from './resize.ts';
import { lookAtRetiring, retirementRules, tendRetiring } from './retirement.ts';
import { lookAtMarket, returnToSpotRules } from './return-to-spot.ts';
import { holdWithoutRoom, keepStarting } from './room.ts';
import { until, type Rule } from './rule.ts';
import { runningRules } from './running.ts';
import { assessSize } from './size.ts';
import { spotLaunchRules } from './spot-launch.ts';
import { lookAtDeletedTwins, uniquenessRules } from './uniqueness.ts';
import { waiting, type Verdict } from './verdict.ts';

/**
 * The rules for a resource that is wanted, in order; the first that says something decides. The order is the safety
 * argument: nothing is deployed before everything that could mean "there is a VM already" was ruled out.
 */
export const rules: readonly Rule[] = [
  ...guardRules,
  ...ownershipRules,
  ...retirementRules,
  ...uniquenessRules,
  ...adoptionRules,
  ...existenceRules,
  ...resizeOutcomeRules,
  ...resizePriceRules,
  ...resizeRules,
  ...powerCallRules,
  ...outbidRules,
  ...returnToSpotRules,
  ...powerRules,
  ...runningRules,
  ...launchGuards,
  ...preparationRules,
  ...spotLaunchRules,
  ...launchRules,
];

/** The next step for one VM, and what its status should say. Pure: the same observation gives the same verdict. */
export function decideVm(observation: VmObservation): Verdict {
  const list = observation.meta.deleting ? deletionRules : rules;
  for (const rule of list) {
    const verdict = rule(observation);
    if (verdict !== undefined) return finish(observation, { ...verdict, rule: rule.name });
  }
  // The last rule of each list always gives a verdict, so this is never reached. To wait is safe should it ever be.
  return { rule: 'none', step: { kind: 'wait' }, phase: 'keep', ready: 'keep' };
}

function finish(observation: VmObservation, verdict: Verdict): Verdict {
  const adjustments = [
    holdWithoutRoom,
    lookAtHostsForResize,
    tendRetiring,
    lookAtRetiring,
    lookAtDeletedTwins,
    lookAtMarket,
    holdWhileDeleteBacksOff,
    sayThatListIsOld,
    sayThatItWasOutbid,
    holdWhilePaused,
    keepStarting,
    lookAtClock,
  ];
  return adjustments.reduce((adjusted, adjust) => adjust(observation, adjusted), verdict);
}

/** A resize that waits for room, or for a fresh inventory, looks at the hosts beside whatever else goes on. */
function lookAtHostsForResize(observation: VmObservation, verdict: Verdict): Verdict {
  if (verdict.step.kind !== 'wait' || observation.meta.deleting) return verdict;
  const size = assessSize(observation);
  if (size.kind === 'needsHosts') return { ...verdict, look: { ...verdict.look, hosts: true } };
  if (size.kind !== 'blocked' || size.reason === 'ResizeRefused' || observation.account.kind !== 'ready')
    return verdict;
  if (!observation.account.offers.fresh) return { ...verdict, look: { ...verdict.look, hosts: true } };
  const inMs = Math.min(verdict.look?.inMs ?? Infinity, observation.timings.retryMs);
  return { ...verdict, look: { ...verdict.look, inMs } };
}

/** For so long one or another poll may fail without a word in the status of every VM. */
const quietFailuresMs = 120_000;

/** Nothing can be said of a VM that is newer than the last list: after some time without one that has to be said. */
function sayThatListIsOld({ account, now }: VmObservation, verdict: Verdict): Verdict {
  const failure = account.kind === 'ready' ? account.pollFailure : undefined;
  if (failure === undefined || verdict.synced !== undefined) return verdict;
  const saidAt = failure.since + quietFailuresMs;
  if (now < saidAt) {
    const inMs = Math.min(verdict.look?.inMs ?? Infinity, until(saidAt, now));
    return { ...verdict, look: { ...verdict.look, inMs } };
  }
  const message = `The list of VMs could not be read since ${toTimestamp(failure.since)}: ${failure.message}`;
  return { ...verdict, synced: waiting(pollReason(failure.kind), message) };
}
