import { Command } from 'commander';

import { gpuPoolKind } from '../api/gpu-pool.ts';
import type { KindDefinition } from '../api/kind.ts';
import type { CustomObject } from '../controllers/objects.ts';
import { isKubeError, type ListSelector } from '../kube/contract.ts';
import { systemClock } from '../lib/clock.ts';
import { exitCodes } from './common/exit-codes.ts';
import { examples } from './common/examples.ts';
import { find } from './common/find.ts';
import { lastEvents } from './common/kube-events.ts';
import { oneVm, vmsAndPools } from './common/kinds.ts';
import { outputOption, print, type OutputFlags } from './common/output.ts';
import { withClusterOptions, withSession, type ClusterFlags, type Session } from './common/session.ts';
import { vmViewOf } from './common/vm-view.ts';
import { badAccountsOf } from './status/accounts.ts';
import { withAccounts } from './status/bad-account.ts';
import { overviewOf, renderOverview } from './status/overview.ts';
import { memberSelector, renderPool, reportOfPool, type PoolReport } from './status/pool-report.ts';
import type { Problem, Surroundings } from './status/problems.ts';
import { renderVm } from './status/render-vm.ts';
import { reportOfVm, type VmReport } from './status/vm-report.ts';

interface Flags extends ClusterFlags, OutputFlags {
  readonly allNamespaces?: boolean;
  readonly check?: boolean;
}

/** `gpuvm status`: what there is, what is wrong with it, and what to do next. */
export function statusCommand(): Command {
  const command = new Command('status')
    .summary('what there is, what is wrong with it, and what to do next')
    .description(
      'Shows one VM or pool in full: summary, access, conditions, last events, problems and the next step.\nWithout a name: all of the namespace, with what they cost.',
    )
    .argument('[name]', 'NAME or KIND/NAME, such as trainer, spotvm/sweep or pool/workers')
    .option('-A, --all-namespaces', 'all of the cluster')
    .option('--check', 'end with code 6 when there is a problem, for scripts')
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(`
  gpuvm status                       everything in the namespace
  gpuvm status trainer               one VM
  gpuvm status pool/workers          a pool and its members
  gpuvm status -A -o json | jq '.vms[] | select(.problems != [])'
  gpuvm status trainer --check || echo "look at it"`),
    );
  return withClusterOptions(command).action(async (name: string | undefined, flags: Flags) => {
    const problems = await withSession(flags, (session) =>
      name === undefined ? showAll(session, flags) : showOne(session, name, flags),
    );
    if (flags.check === true && problems > 0) process.exitCode = exitCodes.no;
  });
}

const mostEvents = 8;

/** Both give the number of problems. */
async function showOne(session: Session, name: string, flags: Flags): Promise<number> {
  const { io } = session;
  const { kind, object } = await find(session, name, vmsAndPools);
  const surroundings = surroundingsOf(session);
  const look = { now: surroundings.now, paint: io.paint };
  if (kind === gpuPoolKind) {
    const members = await vmsIn(session, { ...placeOf(object), labelSelector: memberSelector(object.metadata.name) });
    const pool = withAccounts(reportOfPool(object, members, surroundings), surroundings, {
      accounts: await badAccountsOf(session, members, surroundings),
      isBad: members.some(({ problems }) => problems.length > 0),
    });
    print(io, flags.output, pool, () => renderPool(pool, look));
    return problemsIn(pool, ...pool.accounts, ...members);
  }
  const events = await lastEvents(session, object, mostEvents);
  const vm = reportOfVm(vmViewOf(kind.type.kind, object), surroundings, events);
  const report = withAccounts(vm, surroundings, { accounts: await badAccountsOf(session, [vm], surroundings) });
  print(io, flags.output, report, () => renderVm(report, look));
  return problemsIn(report, ...report.accounts);
}

async function showAll(session: Session, flags: Flags): Promise<number> {
  const { io } = session;
  const namespace = flags.allNamespaces === true ? undefined : session.namespace;
  const selector = namespace === undefined ? {} : { namespace };
  const vms = await vmsIn(session, selector);
  const pools = await poolsIn(session, selector, vms);
  const surroundings = surroundingsOf(session);
  const accounts = await badAccountsOf(session, vms, surroundings);
  const overview = overviewOf(namespace, pools, vms, accounts);
  const { now, program } = surroundings;
  print(io, flags.output, overview, () => renderOverview(overview, { now, program, paint: io.paint }));
  return problemsIn(...vms, ...pools, ...accounts);
}

function problemsIn(...all: readonly { readonly problems: readonly Problem[] }[]): number {
  return all.reduce((sum, { problems }) => sum + problems.length, 0);
}

async function vmsIn(session: Session, selector: ListSelector): Promise<readonly VmReport[]> {
  const surroundings = surroundingsOf(session);
  const lists = await Promise.all(oneVm.map((kind) => listOf(session, kind, selector)));
  const reports = lists.flatMap((items, at) =>
    items.map((object) => reportOfVm(vmViewOf(oneVm[at]?.type.kind ?? '', object), surroundings)),
  );
  return reports.toSorted((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
}

async function poolsIn(
  session: Session,
  selector: ListSelector,
  vms: readonly VmReport[],
): Promise<readonly PoolReport[]> {
  const pools = await listOf(session, gpuPoolKind, selector).catch(noneOfAnOlderRelease);
  return pools.map((object) => {
    const { name, namespace } = object.metadata;
    const members = vms.filter((vm) => vm.pool === name && vm.namespace === namespace);
    return reportOfPool(object, members, surroundingsOf(session));
  });
}

/** A cluster whose CRDs are older knows no pools; its VMs are shown all the same. */
function noneOfAnOlderRelease(error: unknown): CustomObject[] {
  if (isKubeError(error, 'notFound')) return [];
  throw error;
}

async function listOf(
  { kube }: Session,
  { type }: KindDefinition,
  selector: ListSelector,
): Promise<readonly CustomObject[]> {
  return (await kube.list<CustomObject>(type, selector)).items;
}

function placeOf({ metadata }: CustomObject): ListSelector {
  return metadata.namespace === undefined ? {} : { namespace: metadata.namespace };
}

function surroundingsOf({ io }: Session): Surroundings {
  return { now: systemClock.now(), program: io.program };
}
