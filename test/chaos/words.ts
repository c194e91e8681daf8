import type { VmStatus } from '../../src/api/vm.ts';
import type { Vm } from '../../src/sim/state.ts';

/** How the diary and the problems speak of things. */

export function describeVm({ id, name, status, bid }: Vm): string {
  return `VM ${id} (${name}, ${status}${bid === undefined ? '' : `, bid ${bid / 1e9}`})`;
}

export function describeStatus({ phase, conditions, vm, launch, retiring = [], spot }: VmStatus): string {
  const ready = conditions?.find(({ type }) => type === 'Ready');
  const attempt = launch === undefined ? '' : `, launch ${launch.attempt} ${launch.outcome} ${launch.failures}`;
  const leaving = retiring.length === 0 ? '' : `, retiring ${retiring.map(({ id }) => id).join(' ')}`;
  const market = spot === undefined ? '' : `, ${spot.market ?? 'no market'}, outbid ${spot.outbidCount}`;
  return `${phase ?? ''} Ready=${ready?.status ?? ''} ${ready?.reason ?? ''}, VM ${vm?.id ?? 'none'}${attempt}${leaving}${market}`;
}
