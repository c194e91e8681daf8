import { markOf } from '../../api/vm-name.ts';
import { formatDuration } from '../../lib/duration.ts';
import { dollars, money } from '../../lib/money.ts';
import { columns, type Cell } from '../common/columns.ts';
import type { Paint } from '../common/io.ts';
import { priceText } from '../common/prices.ts';
import { age } from '../status/render-vm.ts';
import type { UnmanagedView, VmLine } from './view.ts';

export interface UnmanagedLook {
  readonly now: number;
  readonly paint: Paint;
  readonly program: string;
  /** VMs of resources and of others as well. */
  readonly all: boolean;
}

/** Those that a person may have to do something about first. */
const order: readonly VmLine['standing'][] = ['unmanaged', 'kept', 'managed', 'foreign', 'over'];

export function shownLines({ lines }: UnmanagedView, all: boolean): readonly VmLine[] {
  const shown = all ? lines : lines.filter(({ standing }) => standing === 'unmanaged' || standing === 'kept');
  return shown.toSorted((a, b) => order.indexOf(a.standing) - order.indexOf(b.standing));
}

export function renderUnmanaged(view: UnmanagedView, look: UnmanagedLook): string[] {
  const shown = shownLines(view, look.all);
  const table = shown.length === 0 ? [] : [...tableOf(shown, look), ''];
  return [...table, ...summaryOf(view), ...nextSteps(view, look)];
}

export function tableOf(lines: readonly VmLine[], { now, paint }: Pick<UnmanagedLook, 'now' | 'paint'>): string[] {
  const rows = lines.map((line): Cell[] => [
    ...[line.id, line.status, line.gpu, line.location, priceText(line.hourly)],
    line.since === undefined ? '' : age(line.since, now),
    { text: whoseText(line), style: line.standing === 'unmanaged' ? 'bad' : undefined },
  ]);
  return columns(['ID', 'STATUS', 'GPU', 'LOCATION', '$/H', 'SEEN', 'WHOSE'], rows, paint);
}

function whoseText(line: VmLine): string {
  switch (line.standing) {
    case 'managed':
      return line.resource ?? 'a resource';
    case 'kept':
      return `kept (${line.kept ?? ''})`;
    case 'foreign':
      return `somebody else's: ${line.name}`;
    case 'over':
      return 'over';
    case 'unmanaged':
      return `nobody's${fateText(line)}`;
  }
}

function fateText({ isBeingDeleted, goesInMs, message }: VmLine): string {
  const why = message === undefined ? '' : `. ${message}`;
  if (isBeingDeleted) return `: being deleted${why}`;
  // What is written is up to a twelfth of the period old, and nothing counts while no operator runs.
  return goesInMs === undefined ? why : `: deleted in about ${formatDuration(goesInMs)}${why}`;
}

function summaryOf(view: UnmanagedView): string[] {
  const { lines } = view;
  const of = (standing: VmLine['standing']): readonly VmLine[] => lines.filter((line) => line.standing === standing);
  const [unmanaged, kept] = [of('unmanaged'), of('kept')];
  const nobodys =
    unmanaged.length === 0
      ? `Every VM of ${whichText(view)} has a resource, or was to be kept`
      : `${haveNoResource(unmanaged.length, whichText(view))} ${costOf(unmanaged)} per hour`;
  const rest = [
    ...(kept.length === 0 ? [] : [`${kept.length} kept (${costOf(kept)} per hour)`]),
    `${of('managed').length} of resources`,
    ...foreignText(view, of('foreign')),
  ];
  const beside = unmanaged.length === 0 ? 'There are' : `Beside ${unmanaged.length === 1 ? 'it' : 'them'}`;
  return [`${nobodys}. ${beside}: ${rest.join(', ')}.`];
}

function costOf(lines: readonly VmLine[]): string {
  return dollars(lines.reduce((sum, { hourly }) => sum.plus(hourly ?? 0), money(0)));
}

function haveNoResource(count: number, which: string): string {
  return count === 1
    ? `1 VM of ${which} has no resource, and costs`
    : `${count} VMs of ${which} have no resource, and cost`;
}

/** With --installation it may be another cluster's that is looked at. */
function isOfCluster({ installation, ofCluster }: UnmanagedView): boolean {
  return ofCluster === undefined || ofCluster === installation;
}

function whichText(view: UnmanagedView): string {
  return isOfCluster(view) ? `this installation (${view.installation})` : `installation ${view.installation}`;
}

/** Where another installation is looked at, this one's own VMs are among the others. */
function foreignText(view: UnmanagedView, foreign: readonly VmLine[]): string[] {
  if (isOfCluster(view)) return [`${foreign.length} of others`];
  const own = foreign.filter(({ name }) => markOf(name)?.installation === view.ofCluster);
  return [
    `${own.length} with the mark of this cluster (${view.ofCluster ?? ''}) and without a resource`,
    `${foreign.length - own.length} of others`,
  ];
}

function nextSteps({ lines }: UnmanagedView, { program }: UnmanagedLook): string[] {
  const first = lines.find(({ standing }) => standing === 'unmanaged');
  if (first === undefined) return [];
  return ['', `${program} unmanaged delete ${first.id}    or, to keep it: ${program} import ${first.id} --apply`];
}
