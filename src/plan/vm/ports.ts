import type { CloudVm } from '../../provider/contract.ts';

/** The external port that leads to an internal one; with an address of its own a VM's ports are their own. */
export function externalPortOf(vm: Pick<CloudVm, 'portForwards'>, internal: number): number | undefined {
  return vm.portForwards.find((forward) => forward.internal === internal)?.external;
}
