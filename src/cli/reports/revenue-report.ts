import { money, type Money } from '../../lib/money.ts';
import type { Amounts, Earned, HostRevenue } from '../../provider/reports.ts';
import { columns } from '../common/columns.ts';
import type { Paint } from '../common/io.ts';
import { plainAmount, signedDollars } from './billing-report.ts';

/** For programs. */
export function revenueData(hosts: readonly HostRevenue[]): object {
  return {
    hosts: hosts.map(({ location, revenue, vms, ...rest }) => ({
      ...rest,
      location: location ?? null,
      revenue: earnedData(revenue),
      vms: vms.map((vm) => ({ ...vm, revenue: earnedData(vm.revenue) })),
    })),
    total: plainAmount(sumOf(hosts)),
  };
}

function earnedData(earned: Earned): object {
  return { compute: plainAmount(earned.compute), storage: plainAmount(earned.storage) };
}

/** For people, the host that has earned most first. */
export function renderRevenue(hosts: readonly HostRevenue[], withVms: boolean, paint: Paint): string[] {
  if (hosts.length === 0) return ['The provider knows of no revenue: it is for organizations that rent out hosts.'];
  const sorted = hosts.toSorted((a, b) => totalOf(b.revenue).cmp(totalOf(a.revenue)));
  const rows = sorted.flatMap((host) => [hostRow(host), ...(withVms ? host.vms.map(vmRow) : [])]);
  const sum = hosts.length === 1 ? [] : [['total', '', '', '', '', '', signedDollars(sumOf(hosts)), '']];
  return columns(
    ['HOST', 'GPUS', 'VCPUS', 'MEMORY GB', 'COMPUTE', 'STORAGE', 'REVENUE', 'LOCATION'],
    [...rows, ...sum],
    paint,
  );
}

function hostRow({ hostnode, location = '', used, available, revenue }: HostRevenue): string[] {
  const share = (what: keyof Amounts): string => shareOf(used[what], available[what]);
  return [hostnode, share('gpus'), share('vcpus'), share('memoryGB'), ...earnedCells(revenue), location];
}

function vmRow({ id, used, revenue }: HostRevenue['vms'][number]): string[] {
  const count = (what: keyof Amounts): string => `${used[what] ?? ''}`;
  return [`  VM ${id}`, count('gpus'), count('vcpus'), count('memoryGB'), ...earnedCells(revenue), ''];
}

/** "3 of 4" */
function shareOf(used: number | undefined, available: number | undefined): string {
  if (used === undefined) return '';
  return available === undefined ? `${used}` : `${used} of ${used + available}`;
}

function earnedCells(earned: Earned): string[] {
  return [signedDollars(earned.compute), signedDollars(earned.storage), signedDollars(totalOf(earned))];
}

function totalOf({ compute = money(0), storage = money(0) }: Earned): Money {
  return compute.plus(storage);
}

function sumOf(hosts: readonly HostRevenue[]): Money {
  return hosts.reduce((sum, { revenue }) => sum.plus(totalOf(revenue)), money(0));
}
