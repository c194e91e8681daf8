import { markOf } from '../../api/vm-name.ts';
import type { Launch } from '../../api/vm-status.ts';
import type { Snapshot } from '../../fleet/contract.ts';
import type { CloudVm } from '../../provider/contract.ts';
import { isForgotten } from './forgotten.ts';
import type { Journal, VmObservation } from './observation.ts';
import { known, until } from './rule.ts';
import type { Look } from './verdict.ts';

/**
 * Proof that a deploy call without a certain answer made no VM: two trusted lists, requested after the call had ended
 * and far enough apart, that did not have it; and nothing can come any more of a call that the provider was still busy
 * with when it was given up.
 */
export type AbsenceProof =
  | { readonly kind: 'proven' }
  /** The list has its VM, and says that it is over: the call was carried out, and nothing more comes of it. */
  | { readonly kind: 'over'; readonly vm: CloudVm }
  | { readonly kind: 'open'; readonly look: Look };

/** Launches that left nothing behind. A word that this release does not know, from a newer one, is none of them. */
const endedWithoutVm: ReadonlySet<string> = new Set<Launch['outcome']>(['Refused', 'Absent', 'Lost']);

/**
 * No VM is recorded, and the launch is not known to have left none: its answer was lost, or the record of its VM was, as by
 * an edit of the status.
 */
export function isInDoubt({ launch, vm }: Journal): boolean {
  return vm === undefined && launch !== undefined && !endedWithoutVm.has(launch.outcome);
}

/**
 * From when on a list can say something about the launch: its call has ended by the time that its end is seen; one whose
 * end nobody has written down may have left at any moment until its intent was seen.
 */
export function uncertainSince(launch: Launch, seenAt: number, callTimeoutMs: number): number {
  return launch.endedAt === undefined ? seenAt + callTimeoutMs : seenAt;
}

/** The launch that is in doubt, if there is one; a recorded VM ends all doubt. */
export function uncertainLaunch({ journal }: VmObservation): Launch | undefined {
  return isInDoubt(journal) ? journal.launch : undefined;
}

export function absenceProof(observation: VmObservation, launch: Launch): AbsenceProof {
  const { facts, now, timings, account } = observation;
  const over = vmThatIsOver(observation, launch);
  if (over !== undefined) return { kind: 'over', vm: over };
  const since = uncertainSince(launch, facts.launchSeenAt ?? now, timings.callTimeoutMs);
  const absence = facts.absence?.launchName === launch.name ? facts.absence : undefined;
  if (absence === undefined) return { kind: 'open', look: lookFrom(observation, since) };
  const lateEffectMs = account.kind === 'ready' ? account.capabilities.lateEffectMs : 0;
  const provenAt = Math.max(absence.firstAt + timings.absenceProofMs, since + lateEffectMs);
  if (absence.latestAt >= provenAt) return { kind: 'proven' };
  return now >= provenAt
    ? { kind: 'open', look: nextList(observation) }
    : { kind: 'open', look: { inMs: until(provenAt, now) } };
}

function vmThatIsOver(observation: VmObservation, { name }: Launch): CloudVm | undefined {
  const listed = known(observation)?.snapshot.byName.get(name) ?? [];
  return listed.every(({ state }) => state === 'terminated') ? listed[0] : undefined;
}

function lookFrom(observation: VmObservation, since: number): Look {
  return since > observation.now ? { inMs: until(since, observation.now) } : nextList(observation);
}

/** The list after the one that is known, but not one requested before now. */
function nextList(observation: VmObservation): Look {
  const last = known(observation)?.snapshot.requestedAt ?? 0;
  return { snapshotAfter: Math.max(observation.now, last + 1) };
}

/**
 * An entry that could not be read may be the VM, unless its name at least could be, and is another one. Where it is not known
 * which deployment is in doubt, each name with the mark of the resource may be its VM's.
 */
export function mayHide({ unreadable, unreadableNames }: Snapshot, launch: Launch): boolean {
  const owner = isForgotten(launch) ? markOf(launch.name)?.uid : undefined;
  return [...unreadable].some((id) => {
    const name = unreadableNames.get(id) ?? launch.name;
    return name === launch.name || (owner !== undefined && markOf(name)?.uid === owner);
  });
}
