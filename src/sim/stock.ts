import { invalid, Refusal } from './answers.ts';
import type { Nanos } from './nanos.ts';
import type { Forward, GpuPool, Host, VmSize } from './state.ts';

/**
 * What VMs take from their host: GPU, vCPUs and RAM while they hold compute; storage and ports from deploy to delete
 * (A11). Functions that take check first and then change, so that a refusal changes nothing.
 */

export function notEnoughResources(): Refusal {
  return new Refusal('noCapacity', 'Not enough resources on hostnode');
}

export function hasCompute(host: Host, size: VmSize): boolean {
  return (
    host.cpu.free >= size.vcpus &&
    host.ram.free >= size.ram &&
    (size.gpuCount === 0 || gpuFree(host, size) >= size.gpuCount)
  );
}

export function takeCompute(host: Host, size: VmSize): void {
  if (!hasCompute(host, size)) throw notEnoughResources();
  moveCompute(host, size, -1);
}

export function giveBackCompute(host: Host, size: VmSize): void {
  moveCompute(host, size, 1);
}

export function takeStorage(host: Host, amount: number): void {
  if (host.storage.free < amount) throw notEnoughResources();
  host.storage.free -= amount;
  host.fragment = undefined;
}

export function giveBackStorage(host: Host, amount: number): void {
  host.storage.free += amount;
  host.fragment = undefined;
}

/** Pairs external with internal ports by position. Nothing is taken yet. */
export function pairPorts(host: Host, external: readonly number[], internal: readonly number[]): Forward[] {
  if (external.length !== internal.length) throw invalid('external_ports and internal_ports must have the same length');
  if (external.length > 64) throw invalid('At most 64 ports can be forwarded');
  // Two external ports may lead to one internal port.
  if (new Set(external).size !== external.length) throw invalid('external_ports must not name a port twice');
  if (external.length === 0 && !host.dedicatedIp) throw invalid('Missing required parameter: external_ports');
  return external.map((port, index) => {
    if (!host.freePorts.has(port)) throw invalid(`External port ${String(port)} is not available on this hostnode`);
    return { external: port, internal: internal[index] ?? 0 };
  });
}

export function takePorts(host: Host, forwards: readonly Forward[]): void {
  for (const { external } of forwards) host.freePorts.delete(external);
  host.fragment = undefined;
}

export function giveBackPorts(host: Host, forwards: readonly Forward[]): void {
  for (const { external } of forwards) {
    if (host.ports.has(external)) host.freePorts.add(external);
  }
  host.fragment = undefined;
}

/** Dollars per hour of the compute part, on demand (API reference, section 10). */
export function computePrice(host: Host, size: VmSize): Nanos {
  const gpu = size.gpuCount === 0 ? 0 : size.gpuCount * gpuPool(host, size.gpuModel).price;
  return size.vcpus * host.cpu.price + size.ram * host.ram.price + gpu;
}

export function storagePrice(host: Host, size: VmSize): Nanos {
  return size.storage * host.storage.price;
}

/** The host's GPUs of a model. Throws a Refusal when it has none, taken or not. */
export function gpuPool(host: Host, model: string): GpuPool {
  const pool = host.gpus.get(model);
  if (pool === undefined) throw invalid(`gpu_model ${model} is not available on this hostnode`);
  return pool;
}

function gpuFree(host: Host, size: VmSize): number {
  return host.gpus.get(size.gpuModel)?.free ?? 0;
}

function moveCompute(host: Host, size: VmSize, direction: 1 | -1): void {
  host.cpu.free += direction * size.vcpus;
  host.ram.free += direction * size.ram;
  const gpu = size.gpuCount === 0 ? undefined : host.gpus.get(size.gpuModel);
  if (gpu !== undefined) gpu.free += direction * size.gpuCount;
  host.fragment = undefined;
}
