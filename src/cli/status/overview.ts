import { dollars, money, type Money } from '../../lib/money.ts';
import { aligned, columns, section, type Cell } from '../common/columns.ts';
import { plain, type Paint } from '../common/io.ts';
import { amountOf, perMonth, priceText } from '../common/prices.ts';
import { accountStep, type BadAccount } from './bad-account.ts';
import type { PoolReport } from './pool-report.ts';
import { age, problemLines } from './render-vm.ts';
import type { VmReport } from './vm-report.ts';

/** All of a namespace, or of all. */
export interface Overview {
  /** Undefined: all. */
  readonly namespace: string | undefined;
  readonly pools: readonly PoolReport[];
  readonly vms: readonly VmReport[];
  /** Of those that the VMs use: what something is the matter with. */
  readonly accounts: readonly BadAccount[];
  readonly hourlyCost: string;
}

export function overviewOf(
  namespace: string | undefined,
  pools: readonly PoolReport[],
  vms: readonly VmReport[],
  accounts: readonly BadAccount[] = [],
): Overview {
  return { namespace, pools, vms, accounts, hourlyCost: costOf(vms).toFixed() };
}

/** What is billed now, also for VMs on their way out. */
export function costOf(vms: readonly VmReport[]): Money {
  const amounts = vms.flatMap(({ hourlyPrice, retiring }) => [
    hourlyPrice?.billedNow,
    ...retiring.map(({ billedNow }) => billedNow),
  ]);
  return amounts.reduce((sum, amount) => sum.plus(amountOf(amount) ?? 0), money(0));
}

interface Look {
  readonly now: number;
  readonly paint: Paint;
  readonly program: string;
}

export function renderOverview({ namespace, pools, vms, accounts }: Overview, { now, paint, program }: Look): string[] {
  const where = namespace === undefined ? 'all namespaces' : `namespace ${namespace}`;
  if (vms.length === 0 && pools.length === 0) {
    return [`Nothing is rented in ${where}.`, ...firstSteps(program, namespace === undefined)];
  }
  const ready = vms.filter(isReady).length;
  const cost = costOf(vms);
  const withProblems = [...pools, ...vms].filter(({ problems }) => problems.length > 0);
  const bad = [...accounts, ...withProblems];
  return [
    paint('heading', `GPU VMs in ${where}`),
    `${vms.length} ${vms.length === 1 ? 'VM' : 'VMs'}, ${ready} ready; ${dollars(cost)} per hour, ${perMonth(cost)} per month`,
    ...section('Pools', poolLines(pools, { now, paint }), paint),
    ...section('VMs', vmLines(vms, namespace === undefined, { now, paint }), paint),
    ...section('Problems', bad.length === 0 ? ['none'] : bad.flatMap((one) => named(one, paint)), paint),
    // What is wrong with an account may be what is wrong with the others.
    ...section('Next step', [accountStep(accounts, program) ?? nextStep(withProblems, vms, program)], paint),
  ];
}

function named({ kind, name, problems }: VmReport | PoolReport | BadAccount, paint: Paint): string[] {
  return [`${kind.toLowerCase()}/${name}`, ...problemLines(problems, paint).map((line) => `  ${line}`)];
}

function firstSteps(program: string, isEverywhere: boolean): string[] {
  const elsewhere = [`${program} status -A`, 'what there is in other namespaces'];
  const steps = [
    ...(isEverywhere ? [] : [elsewhere]),
    [`${program} offers`, 'what can be had now'],
    ['kubectl apply -f deploy/samples/gpuvm.yaml', 'rents it'],
  ];
  return ['', ...aligned(steps, plain)];
}

/** Of the first that has a problem; else the way to look at one. */
function nextStep(bad: readonly (VmReport | PoolReport)[], vms: readonly VmReport[], program: string): string {
  const [first] = bad;
  if (first !== undefined) {
    const inNamespace = ` -n ${first.namespace}`;
    return `${program} status ${first.kind.toLowerCase()}/${first.name}${inNamespace}`;
  }
  return vms[0]?.nextStep ?? `${program} offers`;
}

export function vmLines(
  vms: readonly VmReport[],
  withNamespace: boolean,
  { now, paint }: Pick<Look, 'now' | 'paint'>,
): string[] {
  if (vms.length === 0) return [];
  const titles = ['NAME', 'KIND', 'READY', 'STATUS', 'GPU', 'LOCATION', '$/H NOW', 'ADDRESS', 'AGE'];
  const body = vms.map((vm) => vmRow(vm, now));
  const first = withNamespace ? ['NAMESPACE'] : [];
  return columns(
    [...first, ...titles],
    body.map((row, at) => (withNamespace ? [vms[at]?.namespace ?? '', ...row] : row)),
    paint,
  );
}

function vmRow(vm: VmReport, now: number): Cell[] {
  const { gpu = '', location = '', address = '', hourlyPrice, createdAt = '' } = vm;
  const price = priceText(hourlyPrice?.billedNow);
  return [vm.name, vm.kind, ...readyCells(vm), gpu, location, price, address, age(createdAt, now)];
}

function readyCells({ conditions, problems }: VmReport): Cell[] {
  const ready = conditions.find(({ type }) => type === 'Ready');
  if (ready === undefined) return ['Unknown', 'Pending'];
  const style = problems.length > 0 ? 'bad' : ready.status === 'True' ? 'good' : 'attention';
  return [{ text: ready.status, style }, ready.reason];
}

function poolLines(pools: readonly PoolReport[], { now, paint }: Pick<Look, 'now' | 'paint'>): string[] {
  if (pools.length === 0) return [];
  const body = pools.map((pool): Cell[] => [
    pool.name,
    `${pool.ready}/${pool.desired}`,
    `${pool.updated}`,
    `${pool.available}`,
    priceText(pool.hourlyCost),
    age(pool.createdAt ?? '', now),
  ]);
  return columns(['NAME', 'READY', 'UP-TO-DATE', 'AVAILABLE', '$/H NOW', 'AGE'], body, paint);
}

function isReady({ conditions }: VmReport): boolean {
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}
