import { mostUnmanagedShown, type UnmanagedVm } from '../../api/unmanaged-vms.ts';
import type { Snapshot } from '../../fleet/contract.ts';
import { provesAbsence } from '../../fleet/snapshot.ts';
import { toTimestamp } from '../../lib/clock.ts';
import type { CloudVm } from '../../provider/contract.ts';
import type { Judged } from './breaker.ts';

/**
 * What the account writes down of VMs whose resource is gone. With Delete that is the journal of the sweep: how long a VM was
 * seen so, and, before it is deleted, that it will be.
 *
 * The grace period counts in seconds that went by for a process while its lists showed the VM and no resource had it: no
 * time that another process has written is compared with one of this process' clock. What a process has counted is written at
 * each twelfth of the period, so that the next one goes on from there.
 */
export interface SweepFacts {
  readonly now: number;
  /** `hold`: nothing is begun, and nothing counted, as with an account that is being deleted. */
  readonly policy: 'Report' | 'Delete' | 'hold';
  readonly graceMs: number;
  /** As stored. */
  readonly before: readonly UnmanagedVm[];
  readonly list: Pick<Snapshot, 'byId' | 'unreadable' | 'requestedAt' | 'distrusted' | 'isProvisional'>;
  /** What the list has, with this installation's mark and no resource. */
  readonly unowned: readonly Unowned[];
  /** How long a VM has been seen so, by this process and those before it. */
  readonly seenMs: (id: string) => number;
  /** What came of deleting it. */
  readonly attempt: (id: string) => Attempt | undefined;
  readonly judged: Judged;
}

export interface Unowned {
  readonly vm: CloudVm;
  /** Who wanted it kept. */
  readonly kept: string | undefined;
  /** A resource that wants to take it over. */
  readonly claimant: string | undefined;
}

/** The last delete call about a VM. */
export interface Attempt {
  /** When the provider confirmed it. */
  readonly confirmedAt: number | undefined;
  readonly failure: string | undefined;
}

/** The entries as they are to be written: those that were there keep their place, and there are no more than may be shown. */
export function entriesOf(facts: SweepFacts): UnmanagedVm[] {
  const listed = new Map(facts.unowned.map((unowned) => [unowned.vm.id, unowned]));
  const known = facts.before.flatMap((entry) => {
    const unowned = listed.get(entry.id);
    return unowned === undefined ? unlisted(facts, entry) : entryOf(facts, unowned, entry);
  });
  const before = new Set(facts.before.map(({ id }) => id));
  const added = facts.unowned
    .filter(({ vm }) => !before.has(vm.id))
    .sort((a, b) => compare(a.vm.id, b.vm.id))
    .map((unowned) => entryOf(facts, unowned, undefined));
  const all = [...known, ...added];
  // Those that wait for nothing must not take the place of those that cost money for nothing.
  const [pending, kept] = [all.filter((entry) => entry.kept === undefined), all.filter((entry) => entry.kept)];
  return [...pending, ...kept].slice(0, mostUnmanagedShown);
}

/** Whether a VM is proven gone: by a list that can be trusted and is not older than the deletion. */
export function isProvenGone({ list, attempt }: Pick<SweepFacts, 'list' | 'attempt'>, { id }: UnmanagedVm): boolean {
  const vm = list.byId.get(id);
  if (vm !== undefined) return vm.state === 'terminated';
  if (list.unreadable.has(id) || !provesAbsence(list)) return false;
  return list.requestedAt >= (attempt(id)?.confirmedAt ?? 0);
}

/** Not in the list any more, or a resource has it now: then nothing is to be done about it. */
function unlisted(facts: SweepFacts, entry: UnmanagedVm): UnmanagedVm[] {
  if (facts.list.unreadable.has(entry.id)) return [entry];
  const isOwnedNow = facts.list.byId.has(entry.id);
  return isOwnedNow || isProvenGone(facts, entry) ? [] : [entry];
}

function entryOf(facts: SweepFacts, { vm, kept, claimant }: Unowned, before: UnmanagedVm | undefined): UnmanagedVm {
  const { id, name } = vm;
  const since = before?.since ?? toTimestamp(facts.now);
  const shown: UnmanagedVm = { id, name, since };
  if (kept !== undefined) return { ...shown, kept };
  if (facts.policy !== 'Delete') return shown;
  if (claimant !== undefined) return { ...shown, message: `Left alone: ${claimant} has to do with it.` };
  return countedEntry(facts, { vm, before, shown });
}

function countedEntry(
  facts: SweepFacts,
  {
    vm,
    before,
    shown,
  }: { readonly vm: CloudVm; readonly before: UnmanagedVm | undefined; readonly shown: UnmanagedVm },
): UnmanagedVm {
  const { judged, seenMs, graceMs } = facts;
  const isConfirmed = judged.isConfirmed(vm.id);
  const counted = {
    ...shown,
    ...(isConfirmed ? { confirmed: true } : {}),
    unownedSeconds: countedSeconds(facts, vm.id, before),
  };
  const isHeld = judged.hold !== undefined && !isConfirmed;
  return isHeld || seenMs(vm.id) < graceMs ? counted : dueEntry(facts, vm, counted, before?.deletingSince);
}

function dueEntry(
  facts: SweepFacts,
  vm: CloudVm,
  counted: UnmanagedVm,
  deletingSince = toTimestamp(facts.now),
): UnmanagedVm {
  if (vm.state === 'unknown') {
    const message = `Left alone: the provider says "${vm.providerStatus}" of it, which the operator does not know.`;
    return { ...counted, message };
  }
  const message = messageOf(facts, vm.id);
  return { ...counted, deletingSince, ...(message === undefined ? {} : { message }) };
}

const stepsOfGrace = 12;

/** In steps: that some more seconds have gone by is nothing to write down. */
function countedSeconds({ graceMs, seenMs }: SweepFacts, id: string, before: UnmanagedVm | undefined): number {
  const graceSeconds = Math.ceil(graceMs / 1000);
  const seen = Math.min(Math.floor(seenMs(id) / 1000), graceSeconds);
  const step = Math.max(1, Math.floor(graceSeconds / stepsOfGrace));
  const rounded = seenMs(id) >= graceMs ? graceSeconds : Math.floor(seen / step) * step;
  // A count that began anew says so; one that goes on never says less than before.
  return seenMs(id) < (before?.unownedSeconds ?? 0) * 1000 ? rounded : Math.max(rounded, before?.unownedSeconds ?? 0);
}

function messageOf({ attempt }: SweepFacts, id: string): string | undefined {
  const { failure, confirmedAt } = attempt(id) ?? {};
  if (failure !== undefined) return `It could not be deleted, tried again for ever: ${failure}`;
  return confirmedAt === undefined ? undefined : 'Deleted; waiting for a list without it.';
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
