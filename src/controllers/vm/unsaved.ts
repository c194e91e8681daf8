import type { Journal } from '../../plan/vm/observation.ts';
import { isInDoubt } from '../../plan/vm/proof.ts';
import type { Announcement } from '../../plan/vm/verdict.ts';

/** A journal that could not be written yet. */
export interface Unsaved {
  readonly journal: Journal;
  /** What was written when it was found out. */
  readonly over: Journal;
  /** Its VM was not got by a deploy call of this process, but seen in a list. */
  readonly isFound: boolean;
}

/**
 * Whether another process has led meanwhile, or leads beside this one, and knows more: it has gone on to the next attempt,
 * has recorded a VM where we know of none, or has settled what we are still in doubt about.
 */
export function isOvertaken(unsaved: Unsaved, written: Journal): boolean {
  const { journal: own, over } = unsaved;
  if (saysTheSame(over, written)) return false;
  if (knowsWhatWasFound(written, unsaved)) return true;
  const ahead = attemptOf(written) - attemptOf(own);
  if (ahead !== 0) return ahead > 0;
  // A VM of an earlier attempt, which has its place again since this attempt made none, is no news of this attempt.
  if (isOfThatLaunch(own) || (own.vm !== undefined && !isOfThatLaunch(written))) return false;
  return written.vm !== undefined || (isInDoubt(own) && !isInDoubt(written));
}

/**
 * Of a VM that was found in a list, who has recorded it meanwhile knew at least as much, as that it was ready-made; and so does the
 * intent by which it was deployed, if that is only heard of now, and still in doubt. Not that it is too dear: that is known from the answer to the call.
 */
function knowsWhatWasFound(written: Journal, { journal: { vm, launch }, over, isFound }: Unsaved): boolean {
  if (vm === undefined || launch?.outcome !== 'Launched' || over.launch?.name === launch.name) return false;
  return written.vm?.id === vm.id || (isFound && isOpenIntent(written, launch.name));
}

function isOpenIntent(written: Journal, name: string): boolean {
  return written.launch?.name === name && isInDoubt(written);
}

/**
 * Whether it is still to be written when the resource is looked at anew. That a deployment made no VM follows from lists alone, and
 * is concluded anew: while the API server took no write, a later list may have shown the VM, or the provider may have when it was
 * asked for another one that they all lacked.
 */
export function reconsidered(unsaved: Unsaved): Unsaved | undefined {
  const { journal, over } = unsaved;
  const isConclusion = journal.launch?.outcome === 'Absent' && journal.launch.name === over.launch?.name;
  // With it goes what else follows from it, as that a replaced VM has its place again.
  return isConclusion && isInDoubt(over) ? undefined : unsaved;
}

/** What was to be said once it is written is not said. */
export function withdraw(announcements: Announcement[], reason: Announcement['reason']): void {
  announcements.splice(0, Infinity, ...announcements.filter((one) => one.reason !== reason));
}

/** The recorded VM came from the journal's last launch. */
function isOfThatLaunch({ vm, launch }: Journal): boolean {
  return vm !== undefined && vm.name === launch?.name;
}

function attemptOf({ launch }: Journal): number {
  return launch?.attempt ?? 0;
}

/** Of the last deployment, and of the VM. */
export function saysTheSame(one: Journal, other: Journal): boolean {
  const isSameLaunch = one.launch?.name === other.launch?.name && one.launch?.outcome === other.launch?.outcome;
  return isSameLaunch && one.vm?.id === other.vm?.id;
}
