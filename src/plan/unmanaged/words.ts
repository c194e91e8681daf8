import type { ConditionDraft } from '../../api/conditions.ts';
import { annotations } from '../../api/group.ts';
import type { UnmanagedHold, UnmanagedVm } from '../../api/unmanaged-vms.ts';
import { formatDuration } from '../../lib/duration.ts';
import type { Announcement } from '../vm/verdict.ts';
import { isProvenGone, type SweepFacts } from './entries.ts';

/** What is said of VMs that nobody owns. */

const mostNamed = 5;

type Entries = readonly UnmanagedVm[];

const whyHeld: Readonly<Record<UnmanagedHold['why'], string>> = {
  Restored: 'the API server went back in time, as when it is restored from a backup: their resources may be newer',
  NoneOwned:
    'no resource owns any VM of this installation, as in a clone of its cluster or after the loss of all resources',
  TooMany: 'they are so many that it looks as if resources were lost',
};

/** Only while there are some that nobody wanted kept. */
export function unmanagedDraft(
  entries: readonly UnmanagedVm[],
  { policy, graceMs, hold }: Pick<SweepFacts, 'policy' | 'graceMs'> & { readonly hold?: UnmanagedHold | undefined },
): ConditionDraft | undefined {
  const pending = entries.filter(({ kept }) => kept === undefined);
  if (pending.length === 0) return undefined;
  const which = unowned(pending);
  const remedy = 'To keep one: adopt it by a resource (gpuvm import), or put its id into spec.keepVms.';
  const type = 'UnmanagedVms';
  if (policy === 'Delete' && hold !== undefined) {
    const message = `${which}. None is deleted, as ${whyHeld[hold.why]}. To have them deleted all the same, after a look at gpuvm unmanaged, annotate the account: ${annotations.confirmUnmanaged}=${hold.confirm}. ${remedy}`;
    return { type, status: 'True', reason: 'UnmanagedVmsHeld', message };
  }
  if (policy === 'Delete') {
    const fate = `is deleted once it has been seen so for ${formatDuration(graceMs)} (spec.unmanagedVms: Delete)`;
    const message = `${which}: ${pending.length === 1 ? 'it' : 'each'} ${fate}. ${remedy}`;
    return { type, status: 'True', reason: 'UnmanagedVmsToBeDeleted', message };
  }
  const message = `${which}: ${costs(pending)}. gpuvm unmanaged shows and deletes; spec.unmanagedVms: Delete does so by itself.`;
  return { type, status: 'True', reason: 'UnmanagedVmsReported', message };
}

/** What the step from the entries before to these has to tell. */
export function sweepAnnouncements(facts: SweepFacts, entries: readonly UnmanagedVm[]): Announcement[] {
  const before = new Map(facts.before.map((entry) => [entry.id, entry]));
  const now = new Set(entries.map(({ id }) => id));
  const found = entries.filter(({ id, kept }) => kept === undefined && !before.has(id));
  const due = entries.filter(({ id, deletingSince }) => {
    return deletingSince !== undefined && before.get(id)?.deletingSince === undefined;
  });
  const gone = facts.before.filter((entry) => {
    return entry.deletingSince !== undefined && !now.has(entry.id) && isProvenGone(facts, entry);
  });
  return [
    ...said(found, { type: 'Warning', reason: 'UnmanagedVmsFound' }, `${unowned(found)}: ${costs(found)}`),
    ...said(due, { type: 'Warning', reason: 'UnmanagedVmsDeleting' }, overdue(due, facts.graceMs)),
    ...said(gone, { type: 'Normal', reason: 'UnmanagedVmsGone' }, deleted(gone)),
  ];
}

function said(entries: Entries, event: Pick<Announcement, 'type' | 'reason'>, what: string): Announcement[] {
  return entries.length === 0 ? [] : [{ ...event, message: `${what}.` }];
}

function unowned(entries: Entries): string {
  const [carries, them] = entries.length === 1 ? ['carries', 'it'] : ['carry', 'them'];
  return `${named(entries)} ${carries} this installation's mark, and no resource owns ${them}`;
}

function costs(entries: Entries): string {
  return entries.length === 1 ? 'it costs money for nothing' : 'they cost money for nothing';
}

function overdue(entries: Entries, graceMs: number): string {
  const [has, is] = entries.length === 1 ? ['has', 'is'] : ['have', 'are'];
  return `${named(entries)} ${has} had no resource for ${formatDuration(graceMs)}, and ${is} deleted now`;
}

function deleted(entries: Entries): string {
  const [is, it] = entries.length === 1 ? ['is', 'it'] : ['are', 'them'];
  return `${named(entries)} ${is} deleted; the list no longer has ${it}`;
}

function named(entries: Entries): string {
  const ids = entries.slice(0, mostNamed).map(({ id }) => id);
  const more = entries.length > mostNamed ? ` and ${entries.length - mostNamed} more` : '';
  return `${entries.length === 1 ? 'VM' : 'VMs'} ${ids.join(', ')}${more}`;
}
