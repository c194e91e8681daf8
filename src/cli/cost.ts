import { Command, Option } from 'commander';

import { gpuBudgetType } from '../api/group.ts';
import type { CustomObject } from '../controllers/objects.ts';
import { isKubeError } from '../kube/contract.ts';
import { systemClock } from '../lib/clock.ts';
import { formatMoney } from '../lib/money.ts';
import { renderCost, type CostReport, type Unspoken } from './cost/render.ts';
import { spentAll, spentBy, type SpentThere } from './cost/spent.ts';
import { noCost, sumUp, type CostGroup, type CostKey } from './cost/sum.ts';
import { CliError } from './common/cli-error.ts';
import { examples } from './common/examples.ts';
import { exitCodes } from './common/exit-codes.ts';
import { oneVm } from './common/kinds.ts';
import { outputOption, print, type OutputFlags } from './common/output.ts';
import { perMonth } from './common/prices.ts';
import { withClusterOptions, withSession, type ClusterFlags, type Session } from './common/session.ts';
import { vmViewOf, type VmView } from './common/vm-view.ts';

interface Flags extends ClusterFlags, OutputFlags {
  readonly allNamespaces?: boolean;
  readonly by?: string;
  readonly selector?: string;
}

/** `gpuvm cost`: what is being spent now, and was spent today and this month. */
export function costCommand(): Command {
  const command = new Command('cost')
    .summary('what is spent now, today and this month, by namespace, kind, account or label')
    .description(
      'Adds up what the VMs of resources cost per hour in the state that they are in now, by their statuses, also VMs that were replaced and are still kept. What was spent today and this month (UTC) is what the GpuBudgets have counted, up to now: where a namespace has none, nobody has. What no resource owns is in none of it.',
    )
    .option('-A, --all-namespaces', 'all of the cluster')
    .addOption(
      new Option('--by <what>', 'namespace, kind, account, pool, vm, or label=KEY; default: vm, with -A namespace'),
    )
    .addOption(new Option('-l, --selector <selector>', 'only resources with these labels, such as team=vision'))
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(`
  gpuvm cost                          each VM of the namespace
  gpuvm cost -A                       by namespace
  gpuvm cost -A --by label=team
  gpuvm cost -A -o json | jq -r .total.now
  gpuvm cost -A -o json | jq -r '.spent[] | [.namespace, .today, .thisMonth] | @tsv'`),
    );
  return withClusterOptions(command).action((flags: Flags) => withSession(flags, (session) => show(session, flags)));
}

async function show(session: Session, flags: Flags): Promise<void> {
  const { io } = session;
  const isAll = flags.allNamespaces === true;
  const by = flags.by ?? (isAll ? 'namespace' : 'vm');
  const key = keyOf(by, isAll);
  const [views, spent] = await Promise.all([vmsOf(session, flags), spentIn(session, flags)]);
  const { groups, total } = sumUp(views, key);
  const isKnown = typeof spent !== 'string';
  const all = isKnown ? spentAll(spent, namespacesOf(views.filter(costs))) : spent;
  const isByNamespace = by === 'namespace' && isKnown;
  const shown = isByNamespace ? withSpenders(groups, spent) : groups;
  const report: CostReport = {
    ...{ title: key.title, groups: shown, total, spent: all },
    spentIn: isByNamespace ? (namespace) => spent.get(namespace) : undefined,
  };
  const data = {
    groups: shown.map(rowOf),
    total: rowOf(total),
    spent: typeof all === 'string' ? null : all.known.map(spentRowOf),
  };
  print(io, flags.output, data, () => renderCost(report, io.paint));
}

function namespacesOf(views: readonly VmView[]): ReadonlySet<string> {
  return new Set(views.map(({ meta }) => meta.namespace ?? ''));
}

function costs({ status: { vm, retiring = [] } }: VmView): boolean {
  return vm !== undefined || retiring.length > 0;
}

/** Who has nothing now may have spent something today. */
function withSpenders(groups: readonly CostGroup[], spent: ReadonlyMap<string, SpentThere>): readonly CostGroup[] {
  const names = new Set(groups.map(({ name }) => name));
  const others = [...spent.values()].filter(({ namespace, thisMonth }) => !names.has(namespace) && thisMonth.gt(0));
  return [...groups, ...others.map(({ namespace }) => ({ name: namespace, ...noCost }))];
}

/** Of each namespace what its budgets say. */
async function spentIn(
  { kube, namespace }: Session,
  { allNamespaces, selector }: Flags,
): Promise<ReadonlyMap<string, SpentThere> | Unspoken> {
  if (selector !== undefined) return 'selected';
  try {
    const { items } = await kube.list<CustomObject>(gpuBudgetType, allNamespaces === true ? {} : { namespace });
    return spentBy(items, systemClock.now());
  } catch (error) {
    if (isKubeError(error, 'forbidden') && error.httpStatus === 403) return 'forbidden';
    throw error;
  }
}

async function vmsOf({ kube, namespace }: Session, flags: Flags): Promise<readonly VmView[]> {
  const selector = {
    ...(flags.allNamespaces === true ? {} : { namespace }),
    ...(flags.selector === undefined ? {} : { labelSelector: flags.selector }),
  };
  const lists = await Promise.all(oneVm.map(({ type }) => kube.list<CustomObject>(type, selector)));
  return lists.flatMap(({ items }, at) => items.map((object) => vmViewOf(oneVm[at]?.type.kind ?? '', object)));
}

const keys: Readonly<Record<string, CostKey>> = {
  namespace: { title: 'NAMESPACE', of: ({ meta }) => meta.namespace ?? '' },
  kind: { title: 'KIND', of: ({ kind }) => kind },
  account: { title: 'ACCOUNT', of: ({ spec }) => spec?.accountName ?? '' },
  pool: { title: 'POOL', of: ({ meta }) => meta.labels?.['gpuvm.dev/pool'] ?? '(none)' },
  vm: { title: 'NAME', of: ({ kind, meta }) => `${kind.toLowerCase()}/${meta.name}` },
};

function keyOf(text: string, isAll: boolean): CostKey {
  const [, label] = /^label=(.+)$/.exec(text) ?? [];
  if (label !== undefined) return { title: label.toUpperCase(), of: ({ meta }) => meta.labels?.[label] ?? '(none)' };
  const key = Object.hasOwn(keys, text) ? keys[text] : undefined;
  if (key === undefined) {
    throw new CliError(`--by ${text}: it is one of ${Object.keys(keys).join(', ')}, or label=KEY`, exitCodes.usage);
  }
  if (text !== 'vm' || !isAll) return key;
  return { ...key, of: (view) => `${view.meta.namespace ?? ''} ${key.of(view)}` };
}

function rowOf({ name, vms, now, running, unknown }: CostGroup): object {
  const month = perMonth(now).slice(1);
  return { name, vms, now: formatMoney(now), perMonth: month, running: formatMoney(running), withoutPrice: unknown };
}

function spentRowOf({ namespace, budget, today, thisMonth, countedSince, recordedAt }: SpentThere): object {
  return {
    ...{ namespace, budget, today: formatMoney(today), thisMonth: formatMoney(thisMonth) },
    ...{ countedSince: countedSince ?? null, recordedAt },
  };
}
