import { backoffMs } from '../../lib/backoff.ts';
import { conditionOf } from '../../api/conditions.ts';
import { vmNameOf } from '../../api/vm-name.ts';
import { dollars, type Money } from '../../lib/money.ts';
import { choosePlacement, type NoPlacement, type Offer, type Placement } from '../placement.ts';
import { priceCap } from '../price.ts';
import { instantsToLookAt, placeInstant, saidOfInstants } from './instant-offers.ts';
import { isLeftAlone } from './left-alone.ts';
import type { VmObservation } from './observation.ts';
import { pollReason } from './guards.ts';
import { whereaboutsIn } from './connection.ts';
import { isUsablePassword } from './password.ts';
import { powerHold, powerWantedNow } from './power-hold.ts';
import { mostForVm, overRoom, roomIsMissing, saysNoRoom } from './room.ts';
import { known, millis, until, type Rule } from './rule.ts';
import { waiting, type LaunchPlan, type Verdict } from './verdict.ts';

/**
 * Making a VM where there is none. The rules before these have made sure that none exists and that no call is in doubt.
 */

/** Every case of a recorded VM is decided before; should one be forgotten, it must not end in a second VM. */
const vmIsRecorded: Rule = ({ journal }) =>
  journal.vm === undefined ? undefined : { step: { kind: 'wait' }, phase: 'keep', ready: 'keep' };

/**
 * Its VM is gone. The address and the port may be another customer's by the time that there is another VM, and who logs in there
 * by this Secret shows its password to a stranger.
 */
const secretNamesVmThatIsGone: Rule = ({ secret, facts }) => {
  const mayBePatched = secret.state === 'ours' && (secret.uid === undefined || secret.uid !== facts.stubbornSecretUid);
  const remove = mayBePatched ? whereaboutsIn(secret.data) : [];
  if (remove.length === 0) return undefined;
  return {
    step: { kind: 'writeSecret', data: {}, remove, generatePassword: false },
    phase: 'keep',
    ready: 'keep',
  };
};

const vmIsHeldBack: Rule = (observation) => {
  const hold = powerHold(observation);
  if (hold === undefined) return undefined;
  return {
    step: { kind: 'wait' },
    phase: hold.powerState,
    ready: waiting(hold.reason, `No VM has been deployed yet. ${hold.message}`),
  };
};

const vmIsNotWantedNow: Rule = (observation) => {
  const wanted = powerWantedNow(observation);
  if (wanted === 'Running') return undefined;
  return {
    step: { kind: 'wait' },
    phase: wanted,
    ready: waiting(
      wanted,
      `No VM has been deployed, as spec.powerState is ${wanted}. It is deployed when that is Running.`,
    ),
  };
};

const launchIsBackingOff: Rule = ({ journal, facts, now, timings }) => {
  const { launch } = journal;
  if (launch === undefined || launch.failures === 0) return undefined;
  // Whoever wrote the end down may have had a clock that is ahead of ours.
  const endedAt = Math.min(millis(launch.endedAt), facts.launchSeenAt ?? now);
  const nextTryAt = endedAt + backoffMs(timings.launchBackoff, launch.failures, noJitter);
  if (now >= nextTryAt) return undefined;
  const why = launch.message ?? 'the last deployment led to no VM';
  return {
    step: { kind: 'wait' },
    phase: 'Pending',
    ready: waiting(
      launch.outcome === 'Lost' ? 'VmLost' : 'LaunchFailed',
      `Deployment ${launch.attempt} failed, tried again by itself: ${why}`,
    ),
    look: { inMs: until(nextTryAt, now) },
  };
};

/** Without the journal a lost answer would be a lost VM: no call is made before the API server keeps it. */
const journalIsDropped: Rule = ({ facts, now, timings }) => {
  const retryAt = (facts.journalDroppedAt ?? -Infinity) + timings.retryMs;
  if (now >= retryAt) return undefined;
  const draft = waiting(
    'CrdOutdated',
    'The API server drops fields of the status that this release relies on, as its CRD is older: apply the CRDs of this release, by "helm upgrade" with its chart, or, where Helm does not install them, by "kubectl apply --server-side --force-conflicts -f crds/". Nothing is deployed until then.',
  );
  return {
    step: { kind: 'wait' },
    phase: 'Pending',
    ready: draft,
    synced: draft,
    stalled: true,
    look: { inMs: until(retryAt, now) },
  };
};

/** Deploying blind is how VMs get lost: whoever cannot read the list makes no VMs. */
const listCannotBeRead: Rule = ({ account, now }) => {
  const failure = account.kind === 'ready' ? account.pollFailure : undefined;
  if (failure === undefined) return undefined;
  const draft = waiting(
    pollReason(failure.kind),
    `The list of VMs cannot be read, and nothing is deployed until it can: ${failure.message}`,
  );
  return { step: { kind: 'wait' }, phase: 'Pending', ready: draft, synced: draft, look: { snapshotAfter: now } };
};

/** The pause must come out the same each time it is computed; what spreads the resources is the gate. */
const noJitter = (): number => 0;

/** Never launched without knowing what the spec refers to. */
const inputsAreNotReadYet: Rule = ({ inputs }) =>
  inputs.kind === 'notNeeded' ? { step: { kind: 'readInputs' }, phase: 'keep', ready: 'keep' } : undefined;

const inputIsMissing: Rule = ({ inputs, timings }) =>
  inputs.kind !== 'problem'
    ? undefined
    : {
        step: { kind: 'wait' },
        phase: 'Pending',
        ready: waiting(inputs.reason, inputs.message),
        look: { inMs: timings.retryMs },
      };

const secretBelongsToSomebodyElse: Rule = ({ secret, timings }) =>
  secret.state !== 'foreign'
    ? undefined
    : {
        step: { kind: 'wait' },
        phase: 'Pending',
        ready: waiting(
          'SecretConflict',
          `The Secret "${secret.name}" exists and does not belong to this resource: delete or rename it, so that the connection data can be written there.`,
        ),
        look: { inMs: timings.retryMs },
      };

/** The password is kept before the VM exists: a crash in between must not lose it. */
const passwordIsNotKeptYet: Rule = ({ inputs, secret }) => {
  if (inputs.kind !== 'resolved') return undefined;
  const kept = secret.data['password'];
  // Whoever may write Secrets may have put something there that the provider would refuse, again and again.
  if (isUsablePassword(kept) && (inputs.password === undefined || inputs.password === kept)) return undefined;
  return {
    step: {
      kind: 'writeSecret',
      data: inputs.password === undefined ? {} : { password: inputs.password },
      generatePassword: inputs.password === undefined,
    },
    phase: 'Pending',
    ready: waiting('LookingForHost', 'Preparing the deployment.'),
  };
};

function saysWhatIsWaitedFor(observation: VmObservation): boolean {
  const reason = conditionOf(observation.status.conditions, 'Ready')?.reason;
  return saysNoRoom(observation) || reason === 'NoOffer' || reason === 'OverPriceCap';
}

const inventoryIsOld: Rule = (observation) => {
  const { account } = observation;
  if (account.kind !== 'ready' || (account.offers.fresh && account.offers.hosts !== undefined)) return undefined;
  const { failure } = account.offers;
  // What was said stands: whether there is room now on cheaper hosts, or any host at all, is what is being looked at.
  if (failure === undefined && saysWhatIsWaitedFor(observation)) {
    return { step: { kind: 'wait' }, phase: 'keep', ready: 'keep', look: { hosts: true } };
  }
  return {
    step: { kind: 'wait' },
    phase: 'Pending',
    ready:
      failure === undefined
        ? waiting('LookingForHost', 'Fetching the inventory of hosts.')
        : waiting(
            pollReason(failure.kind),
            `Could not fetch the inventory of hosts, tried again by itself: ${failure.message}`,
          ),
    ...(failure === undefined ? {} : { synced: waiting(pollReason(failure.kind), failure.message) }),
    look: { hosts: true },
  };
};

/** Where it cannot be had the VM is deployed as any other. */
const instantsAreNotListedYet: Rule = (observation) => {
  if (!instantsToLookAt(observation)) return undefined;
  const shown = saysWhatIsWaitedFor(observation)
    ? ({ phase: 'keep', ready: 'keep' } as const)
    : ({ phase: 'Pending', ready: waiting('LookingForHost', 'Looking for a ready-made VM.') } as const);
  return { step: { kind: 'wait' }, ...shown, look: { instants: true } };
};

const instantVmIsWanted: Rule = (observation) => {
  const placement = placeInstant(observation);
  if (placement?.kind !== 'offers') return undefined;
  const [{ vm, offer }] = placement.offers;
  return launchOn(observation, { offer, instant: vm.id });
};

const vmIsWanted: Rule = (observation) => {
  const placement = placeOnDemand(observation);
  if (placement.kind === 'none') return noOffer(observation, placement);
  return launchOn(observation, { offer: placement.offer });
};

/** The best host for an on-demand VM. */
export function placeOnDemand(observation: VmObservation): Placement {
  const { account, spec } = observation;
  const offers = account.kind === 'ready' ? account.offers : undefined;
  return choosePlacement(spec, offers?.hosts ?? [], {
    maxHourlyPrice: priceCap(spec),
    mostHourly: mostForVm(observation),
    isCoolingDown: (hostnode) => isLeftAlone(observation, hostnode),
    isFull: observation.isFull,
  });
}

export function noOffer(observation: VmObservation, placement: NoPlacement): Omit<Verdict, 'rule'> {
  const { spec, timings } = observation;
  const over = overRoom(observation, placement);
  if (over !== undefined) return over;
  const cap = spec.maxHourlyPrice;
  const instants = saidOfInstants(observation);
  const cheapest = placement.cheapest === undefined ? '' : `, the cheapest for ${dollars(placement.cheapest)}`;
  const draft =
    placement.onlyPrice && cap !== undefined
      ? waiting(
          'OverPriceCap',
          `No host fits within spec.maxHourlyPrice $${cap}${cheapest}. ${placement.tally}${instants.words}. Raise it, or wait: tried again by itself.`,
        )
      : waiting(
          'NoOffer',
          `No host fits. ${placement.tally}${instants.words}. Widen the spec, or wait: tried again by itself.`,
        );
  return { step: { kind: 'wait' }, phase: 'Pending', ready: draft, look: { inMs: timings.retryMs, ...instants.look } };
}

/** @param chosen the host, for a spot VM the bid, and which ready-made VM if it is to be one; the recorded VM, if there is one, is replaced */
export function launchOn(
  observation: VmObservation,
  { offer, bid, instant }: { readonly offer: Offer; readonly bid?: Money | undefined; readonly instant?: string },
): Omit<Verdict, 'rule'> {
  const { journal, spot } = observation;
  const capacity = bid === undefined ? 'OnDemand' : 'Spot';
  const plan: LaunchPlan = {
    ...{ ...nextName(observation), offer, bid, instant, failures: journal.launch?.failures ?? 0 },
    ...{ capacity: spot === undefined ? undefined : capacity, replaces: journal.vm?.id },
  };
  return {
    step: { kind: 'launch', plan },
    phase: 'Launching',
    ready: waiting(
      'Launching',
      `${instant === undefined ? 'Deploying' : `Taking the ready-made VM ${instant}`} on host ${offer.host.id} for ${dollars(offer.price.total)} per hour${bid === undefined ? '' : `, with a bid of ${dollars(bid)}`}.`,
    ),
  };
}

/** A name that was never given, also where the journal was lost and the provider still lists a VM of it that is over. */
function nextName(observation: VmObservation): { readonly attempt: number; readonly name: string } {
  const { journal, installation, meta } = observation;
  const listed = known(observation)?.snapshot.byName;
  for (let attempt = (journal.launch?.attempt ?? 0) + 1; ; attempt++) {
    const name = vmNameOf({ installation, uid: meta.uid, attempt });
    if (listed?.has(name) !== true) return { attempt, name };
  }
}

/** What has to be in place before a VM is deployed, be it the first or one that replaces another. */
export const preparationRules: readonly Rule[] = [
  launchIsBackingOff,
  roomIsMissing,
  journalIsDropped,
  listCannotBeRead,
  inputsAreNotReadYet,
  inputIsMissing,
  secretBelongsToSomebodyElse,
  passwordIsNotKeptYet,
  inventoryIsOld,
];

export const launchGuards: readonly Rule[] = [vmIsRecorded, secretNamesVmThatIsGone, vmIsHeldBack, vmIsNotWantedNow];
export const launchRules: readonly Rule[] = [instantsAreNotListedYet, instantVmIsWanted, vmIsWanted];
