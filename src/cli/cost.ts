import { Command, Option } from 'commander';

import { sumUp, type CostGroup, type CostKey } from './cost/sum.ts';
import { formatMoney, dollars, money } from '../lib/money.ts';
import type { CustomObject } from '../controllers/objects.ts';
import { columns } from './common/columns.ts';
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

/** `gpuvm cost`: what is being spent now. */
export function costCommand(): Command {
  const command = new Command('cost')
    .summary('what is being spent now, by namespace, kind, account or label')
    .description(
      'Adds up what the VMs of resources cost per hour in the state that they are in now, by their statuses, also VMs that were replaced and are still kept. What nobody owns, and what was spent earlier, is not in it.',
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
  gpuvm cost -A -o json | jq -r .total.now`),
    );
  return withClusterOptions(command).action((flags: Flags) => withSession(flags, (session) => show(session, flags)));
}

async function show(session: Session, flags: Flags): Promise<void> {
  const { io } = session;
  const isAll = flags.allNamespaces === true;
  const key = keyOf(flags.by ?? (isAll ? 'namespace' : 'vm'), isAll);
  const { groups, total } = sumUp(await vmsOf(session, flags), key);
  print(io, flags.output, { groups: groups.map(rowOf), total: rowOf(total) }, () => {
    if (groups.length === 0) return ['Nothing is rented.'];
    const sum = groups.length > 1 ? [cellsOf({ ...total, name: 'total' })] : [];
    const lines = columns(
      [key.title, 'VMS', '$/H NOW', '$/MONTH', '$/H RUNNING'],
      [...groups.map(cellsOf), ...sum],
      io.paint,
    );
    const unknown =
      total.unknown === 0 ? [] : ['', `${total.unknown} without a price yet: nothing is known to be billed for them.`];
    return [...lines, ...unknown];
  });
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

function cellsOf({ name, vms, now, running }: CostGroup): string[] {
  return [name, `${vms}`, dollars(now), perMonth(money(now)), dollars(running)];
}
