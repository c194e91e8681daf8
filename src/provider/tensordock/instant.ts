import type { InstantVm } from '../instant.ts';
import { percentOf, priceOf } from './normalize.ts';
import type { InstantVms } from './wire/hostnodes.ts';
import { idPattern } from './wire/values.ts';

type WireInstant = InstantVms['virtual_machines'] extends Map<string, infer T> ? T : never;

/**
 * Those that can be taken by somebody who has to know what they get: one that is on no host, has no price, or GPUs of several
 * models, is left out. Not to take it costs nothing.
 */
export function toInstantVms({ virtual_machines, preconfig_options }: InstantVms): InstantVm[] {
  const systems = new Map(preconfig_options.map((kind) => [kind.uuid, kind.operating_system]));
  return [...virtual_machines].flatMap(([id, vm]) => {
    const made = toInstantVm(id, vm, systems.get(vm.preconfig_id ?? ''));
    return made === undefined ? [] : [made];
  });
}

function toInstantVm(id: string, vm: WireInstant, operatingSystem: string | undefined): InstantVm | undefined {
  const { hostnode, price: said } = vm;
  const [gpuModel, ...otherModels] = vm.gpu_model;
  const [gpuCount, ...otherCounts] = vm.gpu_count;
  const price = priceOf(said?.compute_price, said?.storage_price, said?.price);
  if (hostnode === undefined || !idPattern.test(hostnode) || price === undefined) return undefined;
  if (gpuModel === undefined || gpuCount === undefined || otherModels.length + otherCounts.length > 0) return undefined;
  return {
    ...{ id, hostnode, operatingSystem, price },
    location: { city: vm.city, region: vm.stateprovince, country: vm.country },
    uptimePercent: percentOf(vm.uptime),
    size: { gpuModel, gpuCount, vcpus: vm.cpu_count, memoryGB: vm.ram, storageGB: vm.storage },
  };
}
