import { Command } from 'commander';

import { dollars, formatMoney, money } from '../lib/money.ts';
import { ordersIn, type Order } from './quote/manifest.ts';
import { quoteLines, sumOf, type QuoteLine } from './quote/place.ts';
import { readManifests } from './quote/read.ts';
import { CliError } from './common/cli-error.ts';
import { columns, type Cell } from './common/columns.ts';
import { examples } from './common/examples.ts';
import { exitCodes } from './common/exit-codes.ts';
import type { Paint } from './common/io.ts';
import { outputOption, print, type OutputFlags } from './common/output.ts';
import { hoursPerMonth, perMonth } from './common/prices.ts';
import { withAccountOptions, withProvider, type AccountFlags } from './common/provider-access.ts';
import { withClusterOptions, withSession, type ClusterFlags, type Session } from './common/session.ts';
import { repeated } from './option-types.ts';

interface Flags extends ClusterFlags, OutputFlags, AccountFlags {
  readonly filename: readonly string[];
}

/** All of a manifest, as data. */
export interface Quote {
  readonly lines: readonly QuoteLine[];
  readonly total: {
    readonly running: string;
    readonly runningAtMost: string;
    readonly released: string;
    readonly hoursPerMonth: number;
  };
}

/** `gpuvm quote -f manifest.yaml`: what it would cost, before it is applied. */
export function quoteCommand(): Command {
  const command = new Command('quote')
    .summary('what a manifest would cost, before it is applied')
    .description(
      `Places each GpuVm, SpotVm and member of a GpuPool in the manifest on the hosts that there are now, as the operator would, and adds up what they cost per hour and per month of ${hoursPerMonth} hours. Nothing is rented or changed. Stopped costs as much as running.`,
    )
    .addOption(
      repeated(
        '-f, --filename <file>',
        'manifest in YAML or JSON, or a directory of them; - reads standard input; repeatable',
      ).makeOptionMandatory(),
    )
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(`
  gpuvm quote -f deploy/samples/gpuvm.yaml
  gpuvm quote -f trainer.yaml -f pools/                both, and the sum
  kustomize build . | gpuvm quote -f -
  gpuvm quote -f pool.yaml -o json | jq -r .total.running`),
    );
  return withClusterOptions(withAccountOptions(command)).action((flags: Flags) =>
    withSession(flags, (session) => quote(session, flags)),
  );
}

async function quote(session: Session, flags: Flags): Promise<void> {
  const { io } = session;
  const texts = await readManifests(flags.filename);
  const orders = texts.flatMap(({ yaml, file }) => ordersIn(yaml, file));
  if (orders.length === 0) {
    throw new CliError(`no GpuVm, SpotVm or GpuPool in ${flags.filename.join(', ')}`, exitCodes.usage);
  }
  const account = flags.account ?? theAccountOf(orders);
  const access = { flags: { ...flags, account }, need: 'nothing' } as const;
  const isOfInstants = orders.some(({ vms }) => vms.some(({ wish }) => wish.prefersInstant));
  const [hosts, instants] = await withProvider(session, access, async ({ ask }) => [
    await ask((provider) => provider.listHosts()),
    isOfInstants ? await ask((provider) => provider.listInstantVms()) : [],
  ]);
  const result = quoteOf(quoteLines(orders, hosts, instants));
  print(io, flags.output, result, () => renderQuote(result, io.paint));
  if (result.lines.some(({ fitting, wanted }) => fitting < wanted)) process.exitCode = exitCodes.no;
}

function theAccountOf(orders: readonly Order[]): string {
  const [first = 'default', second] = new Set(orders.map(({ account }) => account));
  if (second === undefined) return first;
  throw new CliError(
    `the manifest is of several accounts, "${first}" and "${second}": name the one whose provider is asked, by --account`,
    exitCodes.usage,
  );
}

export function quoteOf(lines: readonly QuoteLine[]): Quote {
  const sum = (part: 'running' | 'runningAtMost' | 'released'): string =>
    formatMoney(sumOf(lines.map((line) => money(line[part]))));
  const [running, runningAtMost, released] = [sum('running'), sum('runningAtMost'), sum('released')];
  return { lines, total: { running, runningAtMost, released, hoursPerMonth } };
}

const titles = ['NAME', 'VMS', 'CAPACITY', 'GPU', 'LOCATION', 'RUNNING $/H', '$/MONTH', 'RELEASED $/H', '$/MONTH'];

export function renderQuote({ lines, total }: Quote, paint: Paint): string[] {
  const rows = lines.map((line): Cell[] => {
    const { name, fitting, wanted, capacity, gpu = '', location = '' } = line;
    const vms = { text: fitting === wanted ? `${wanted}` : `${fitting} of ${wanted}`, style: vmsStyle(line) } as const;
    return [name, vms, capacity, gpu, location, ...priceCells(line)];
  });
  const sum = lines.length > 1 ? [['total', '', '', '', '', ...priceCells(total)]] : [];
  const missing = lines.flatMap(missingLine);
  const spot = lines.some(({ capacity }) => capacity === 'Spot') ? [spotNote] : [];
  const ready = lines.filter(({ isReadyMade }) => isReadyMade).map(readyNote);
  const more = lines.flatMap(({ name, notes }) => notes.map((note) => `${name}: ${note}`));
  return [...columns(titles, [...rows, ...sum], paint), ...spaced([...missing, ...more, ...spot, ...ready])];
}

function missingLine({ name, fitting, wanted, whyNot }: QuoteLine): string[] {
  if (whyNot === undefined) return [];
  return [`${name}: ${fitting === 0 ? 'nothing fits' : `only ${fitting} of ${wanted} fit`}: ${whyNot}.`];
}

function readyNote({ name }: QuoteLine): string {
  return `${name}: a ready-made VM, as it stands; if somebody else is faster, one is deployed.`;
}

const spotNote = 'Spot: from the first bid to the highest that the spec allows; the lowest that wins is paid.';

function vmsStyle({ fitting, wanted }: QuoteLine): 'bad' | undefined {
  return fitting < wanted ? 'bad' : undefined;
}

function priceCells({ running, runningAtMost, released }: Omit<Quote['total'], 'hoursPerMonth'>): string[] {
  const [low, high, off] = [money(running), money(runningAtMost), money(released)];
  const isRange = !low.eq(high);
  return [
    isRange ? `${dollars(low)} – ${dollars(high)}` : dollars(low),
    isRange ? `${perMonth(low)} – ${perMonth(high)}` : perMonth(low),
    dollars(off),
    perMonth(off),
  ];
}

function spaced(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}
