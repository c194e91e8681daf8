import { formatDuration } from '../../lib/duration.ts';
import { dollars } from '../../lib/money.ts';
import { aligned, columns, section, wrapped, type Cell } from '../common/columns.ts';
import type { Paint, Style } from '../common/io.ts';
import { amountOf, perMonth, priceText } from '../common/prices.ts';
import { accountProblems } from './bad-account.ts';
import type { Problem } from './problems.ts';
import type { VmReport } from './vm-report.ts';

const textWidth = 100;

/** One VM in full, in sections, as `kubectl cnpg status` shows a cluster. */
export function renderVm(report: VmReport, { now, paint }: { readonly now: number; readonly paint: Paint }): string[] {
  const { kind, namespace, name } = report;
  return [
    paint('heading', `${kind} ${namespace}/${name}`),
    ...section('Summary', aligned(summaryRows(report, now), paint), paint),
    ...section('Access', aligned(accessRows(report), paint), paint),
    ...section('Conditions', conditionLines(report, now, paint), paint),
    ...section('Being replaced', retiringLines(report, paint), paint),
    ...section('Last events', eventLines(report, now, paint), paint),
    ...section('Problems', problemLines([...report.problems, ...accountProblems(report.accounts)], paint), paint),
    ...section('Next step', wrapped(report.nextStep, textWidth * 2), paint),
  ];
}

type Row = readonly [label: string, value: Cell];

/** Rows of what is known. */
function rows(...all: readonly (readonly [label: string, value: Cell | undefined])[]): Row[] {
  return all.flatMap(([label, value]) => (value === undefined || value === '' ? [] : [[`${label}:`, value] as const]));
}

function summaryRows(report: VmReport, now: number): Row[] {
  const { vm, conditions, bid } = report;
  const ready = conditions.find(({ type }) => type === 'Ready');
  return rows(
    ['Phase', phaseCell(report)],
    ['Ready', ready === undefined ? 'Unknown' : `${ready.status} (${ready.reason}) ${since(ready, now)}`],
    ['VM', vm === undefined ? 'none yet' : vm.id],
    ['Size', sizeText(report)],
    ['Place', [report.location, vm?.host].filter((part) => part !== undefined).join(', host ')],
    ['Price now', priceNow(report)],
    ['Price', prices(report)],
    ['Bid', bid === undefined ? undefined : bidText(report, bid)],
    ['Account', report.account],
    ['Pool', report.pool],
    ['Next', report.nextEvent === undefined ? undefined : `${report.nextEvent.what} at ${report.nextEvent.at}`],
    ['Age', report.createdAt === undefined ? undefined : age(report.createdAt, now)],
  );
}

function phaseCell({ phase, wantedPower, conditions }: VmReport): Cell {
  const isReady = conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
  const wanted = wantedPower === undefined || wantedPower === phase ? '' : ` (wanted: ${wantedPower})`;
  return { text: `${phase}${wanted}`, style: isReady || (wanted === '' && phase !== 'Pending') ? 'good' : 'attention' };
}

function sizeText({ size, gpu }: VmReport): string | undefined {
  if (size === undefined) return gpu;
  const gpus = gpu ?? `${size.gpuCount}x ${size.gpuModel}`;
  return `${gpus}, ${size.vcpus} vCPUs, ${size.memoryGB} GB memory, ${size.storageGB} GB disk`;
}

function priceNow({ hourlyPrice }: VmReport): string | undefined {
  const now = amountOf(hourlyPrice?.billedNow);
  return now === undefined ? undefined : `${dollars(now)} per hour, ${perMonth(now)} per month`;
}

function prices({ hourlyPrice, maxHourlyPrice }: VmReport): string {
  const parts = [
    ['running', hourlyPrice?.running],
    ['released', hourlyPrice?.storage],
    ['at most', maxHourlyPrice],
  ] as const;
  return parts.flatMap(([what, amount]) => (amount === undefined ? [] : [`${what} ${priceText(amount)}`])).join(', ');
}

function bidText({ market }: VmReport, { now, first, most }: NonNullable<VmReport['bid']>): string {
  const range = first === most ? priceText(first) : `from ${priceText(first)} to ${priceText(most)}`;
  const stands = market === undefined ? '' : `, ${market}`;
  return now === undefined ? `${range}${stands}` : `${priceText(now)} (${range})${stands}`;
}

function accessRows({ address, ssh, ports, connectionSecret, service }: VmReport): Row[] {
  return rows(
    ['SSH', ssh],
    ['Address', address],
    ['Ports', ports.map(({ name, internal, external }) => `${name} ${internal} at ${external}`).join(', ')],
    ['Secret', connectionSecret],
    ['Service', service],
  );
}

const conditionStyles: Readonly<Record<string, Style>> = { True: 'good', Unknown: 'attention' };

/** Conditions that are only there while something is the matter. */
const badWhenTrue = new Set(['Stalled', 'Reconciling', 'ListDistrusted', 'OrganizationUnproven', 'NearLimit']);

export function conditionLines({ conditions }: Pick<VmReport, 'conditions'>, now: number, paint: Paint): string[] {
  if (conditions.length === 0) return [];
  const body = conditions.map((condition): Cell[] => {
    const { type, status, reason, message } = condition;
    const style = badWhenTrue.has(type) ? 'attention' : (conditionStyles[status] ?? 'bad');
    return [type, { text: status, style }, reason, age(condition.lastTransitionTime, now), message];
  });
  return columns(['TYPE', 'STATUS', 'REASON', 'SINCE', 'MESSAGE'], body, paint);
}

function retiringLines({ retiring }: VmReport, paint: Paint): string[] {
  if (retiring.length === 0) return [];
  const body = retiring.map(({ id, billedNow, keepUntil, message }) => [
    id,
    priceText(billedNow),
    keepUntil ?? '',
    message ?? '',
  ]);
  return columns(['VM', '$/H NOW', 'KEPT UNTIL', 'MESSAGE'], body, paint);
}

function eventLines({ events }: VmReport, now: number, paint: Paint): string[] {
  return aligned(
    events.map(({ at, type, reason, message }): Cell[] => [
      age(at, now),
      { text: reason, style: type === 'Warning' ? 'attention' : undefined },
      message,
    ]),
    paint,
  );
}

export function problemLines(problems: readonly Problem[], paint: Paint): string[] {
  if (problems.length === 0) return ['none'];
  return problems.flatMap(({ what, fix }) => [
    ...wrapped(what, textWidth).map((line, at) => (at === 0 ? paint('bad', `- ${line}`) : `  ${line}`)),
    ...(fix === undefined ? [] : [`  ${fix}`]),
  ]);
}

function since({ lastTransitionTime }: { readonly lastTransitionTime: string }, now: number): string {
  return `for ${age(lastTransitionTime, now)}`;
}

/** "5m": how long ago that was; "?" for what is no time. */
export function age(time: string, now: number): string {
  const at = Date.parse(time);
  return Number.isNaN(at) ? '?' : formatDuration(now - at);
}
