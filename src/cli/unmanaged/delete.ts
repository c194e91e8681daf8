import { claims } from '../../plan/unmanaged/standing.ts';
import { markOf } from '../../api/vm-name.ts';
import { isProviderError } from '../../provider/error.ts';
import { systemClock } from '../../lib/clock.ts';
import { resourceName } from '../../controllers/vm/kinds.ts';
import { closest } from '../../lib/closest.ts';
import { CliError } from '../common/cli-error.ts';
import { confirm } from '../common/confirm.ts';
import { plain } from '../common/io.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { ProviderAccess } from '../common/provider-access.ts';
import type { Session } from '../common/session.ts';
import { waitUntil, type Look, type WaitFlags } from '../common/wait.ts';
import { tableOf } from './render.ts';
import { allResources, refusalOf, viewOf, type UnmanagedView, type ViewFlags, type VmLine } from './view.ts';

export interface DeleteFlags extends ViewFlags, WaitFlags {
  readonly yes?: boolean;
  /** Also what was to be kept, or may have been, without being asked. */
  readonly kept?: boolean;
}

const notKnown = 'not all GpuAccounts can be read here, so nobody knows whether one was to be kept';

/** Deletes VMs that no resource owns: all that are named, or, where one may not be deleted, none. */
export async function deleteUnmanaged(
  session: Session,
  {
    ids,
    flags,
    access,
  }: { readonly ids: readonly string[]; readonly flags: DeleteFlags; readonly access: ProviderAccess },
): Promise<void> {
  const view = await viewOf(session, flags, access);
  const lines = [...new Set(ids)].map((id) => lineIn(view, id));
  refuseOtherCluster(view);
  refuseOthers(lines, view.installation);
  refuseKept(view, { lines, flags });
  await askUser(session, view, { lines, flags, endpoint: access.endpoint });
  await deleteAll(session, lines, { view, access });
  if (flags.wait) await waitForList(session, { lines, flags, access });
  for (const { id } of lines) session.io.out(`${id}: deleted`);
}

function lineIn({ lines }: UnmanagedView, id: string): VmLine {
  const line = lines.find((one) => one.id === id);
  if (line !== undefined) return line;
  const unmanaged = lines.filter((one) => refusalOf(one, '') === undefined).map((one) => one.id);
  const meant = closest(id, unmanaged) ?? lines.find(({ name }) => name === id)?.id;
  const hint = meant === undefined ? undefined : `Did you mean ${meant}?`;
  throw new CliError(`the organization has no VM "${id}"`, exitCodes.notFound, hint);
}

/** What another cluster has made has its resources there, where nobody looks here. */
function refuseOtherCluster({ installation, ofCluster }: UnmanagedView): void {
  if (ofCluster === undefined || ofCluster === installation) return;
  const hint = `Nothing was deleted. Run this against the cluster whose installation is ${installation} (--context).`;
  const message = `this cluster is installation ${ofCluster}: whose the VMs of installation ${installation} are cannot be seen here`;
  throw new CliError(message, exitCodes.failed, hint);
}

/** Who is asked sees it; a script does not. */
function refuseKept(
  { areAccountsKnown }: UnmanagedView,
  { lines, flags }: { readonly lines: readonly VmLine[]; readonly flags: DeleteFlags },
): void {
  if (flags.yes !== true || flags.kept === true) return;
  const kept = lines.flatMap((line) =>
    line.kept === undefined ? [] : [`VM ${line.id} was to be kept (${line.kept})`],
  );
  const unknown = areAccountsKnown ? [] : [notKnown];
  const why = [...kept, ...unknown];
  if (why.length === 0) return;
  const hint = 'Nothing was deleted. Add --kept to delete them all the same, or leave out --yes to be asked.';
  throw new CliError(why.join('\n'), exitCodes.failed, hint);
}

function refuseOthers(lines: readonly VmLine[], installation: string): void {
  const refused = lines.flatMap((line) => {
    const why = refusalOf(line, installation);
    return why === undefined ? [] : [`VM ${line.id} ${why}`];
  });
  if (refused.length > 0) throw new CliError(refused.join('\n'), exitCodes.failed, 'Nothing was deleted.');
}

async function askUser(
  { io }: Session,
  view: UnmanagedView,
  {
    lines,
    flags,
    endpoint,
  }: { readonly lines: readonly VmLine[]; readonly flags: DeleteFlags; readonly endpoint: string },
): Promise<void> {
  if (flags.yes === true) return;
  const what = lines.length === 1 ? 'this VM' : `these ${lines.length} VMs`;
  await confirm(`Delete ${what} for good, with ${lines.length === 1 ? 'its disk' : 'their disks'}? Type yes:`, () => {
    io.note(...tableOf(lines, { now: systemClock.now(), paint: plain }), '');
    io.note(`Installation ${view.installation}, at ${endpoint}.`);
    if (!view.areAccountsKnown) io.note(`Note: ${notKnown}.`);
  });
}

interface Deletion {
  readonly line: VmLine;
  readonly view: UnmanagedView;
  readonly access: ProviderAccess;
}

/** Where one of them cannot be deleted, those before it are gone all the same. */
async function deleteAll(
  session: Session,
  lines: readonly VmLine[],
  given: Pick<Deletion, 'view' | 'access'>,
): Promise<void> {
  const done: string[] = [];
  try {
    for (const line of lines) {
      await deleteOne(session, { line, ...given });
      done.push(line.id);
    }
  } finally {
    if (done.length > 0 && done.length < lines.length) session.io.note(`Deleted before that: ${done.join(', ')}.`);
  }
}

/** What was shown may be a while ago: a resource may have taken the VM over while its user was thinking. */
async function deleteOne(session: Session, { line, view, access }: Deletion): Promise<void> {
  const { id } = line;
  const now = await access.ask((provider) => provider.getVm(id).catch(undefinedWhereGone));
  if (now === undefined || now.state === 'terminated') return;
  if (markOf(now.name)?.installation !== view.installation) {
    throw new CliError(`VM ${id} ("${now.name}") is not one that this installation (${view.installation}) has made`);
  }
  const owner = (await allResources(session)).find((resource) => claims(resource, now));
  if (owner !== undefined) {
    throw new CliError(`VM ${id} belongs to ${resourceName(owner)} by now`, exitCodes.failed, 'It was not deleted.');
  }
  await access.ask((provider) => provider.deleteVm(id).catch(undefinedWhereGone));
}

function undefinedWhereGone(error: unknown): undefined {
  if (!isProviderError(error, 'notFound')) throw error;
  return undefined;
}

function waitForList(
  { io }: Session,
  {
    lines,
    flags,
    access,
  }: { readonly lines: readonly VmLine[]; readonly flags: DeleteFlags; readonly access: ProviderAccess },
): Promise<true> {
  const look = async (): Promise<Look<true>> => {
    const { vms, unreadable } = await access.ask((provider) => provider.listVms());
    const isThere = (id: string): boolean =>
      unreadable.includes(id) || vms.some((vm) => vm.id === id && vm.state !== 'terminated');
    const left = lines.filter(({ id }) => isThere(id));
    return left.length === 0 ? { kind: 'done', value: true } : { kind: 'waiting', message: leftText(left) };
  };
  const afterwards = `${io.program} unmanaged shows whether they are gone.`;
  return waitUntil(io, look, { timeoutMs: flags.timeout, afterwards, everyMs: 2_000 });
}

function leftText(left: readonly VmLine[]): string {
  return left.length === 1 ? `the list still has ${left[0]?.id ?? ''}` : `the list still has ${left.length} of them`;
}
