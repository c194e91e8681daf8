import type { Host, HostGpu, VmPrice, VmSize } from '../provider/contract.ts';

/**
 * What a VM of this size costs per hour on this host, by the inventory's unit prices:
 * compute = vCPUs + memory + GPUs, storage apart (API reference, section 10).
 */
export function quote(host: Pick<Host, 'vcpus' | 'memoryGB' | 'storageGB'>, gpu: HostGpu, size: VmSize): VmPrice {
  const compute = host.vcpus.price
    .times(size.vcpus)
    .plus(host.memoryGB.price.times(size.memoryGB))
    .plus(gpu.price.times(size.gpuCount));
  const storage = host.storageGB.price.times(size.storageGB);
  return { compute, storage, total: compute.plus(storage) };
}
