import type { Host, Stock } from '../provider/contract.ts';
import type { HostShare } from './contract.ts';

interface Reservation {
  readonly hostnode: string;
  readonly taken: HostShare;
  readonly at: number;
}

/** What launches in flight have taken from the inventory that was fetched before them. */
export class Reservations {
  #made: Reservation[] = [];

  add(hostnode: string, taken: HostShare, at: number): void {
    this.#made.push({ hostnode, taken, at });
  }

  /** Gives back exactly what one `add` with the same values took; nothing if that has been dropped meanwhile. */
  remove(hostnode: string, taken: HostShare): boolean {
    const index = this.#made.findLastIndex((made) => made.hostnode === hostnode && sameShare(made.taken, taken));
    if (index >= 0) this.#made.splice(index, 1);
    return index >= 0;
  }

  /** Forgets what was reserved before that time: a newer inventory shows it. */
  dropBefore(time: number): void {
    this.#made = this.#made.filter((made) => made.at >= time);
  }

  /** The hosts less what is reserved. Hosts without reservations are the same objects. */
  applyTo(hosts: readonly Host[]): readonly Host[] {
    if (this.#made.length === 0) return hosts;
    const byHost = Map.groupBy(this.#made, (made) => made.hostnode);
    return hosts.map((host) => (byHost.get(host.id) ?? []).reduce((left, made) => without(left, made.taken), host));
  }
}

function without(host: Host, taken: HostShare): Host {
  const ports = new Set(taken.externalPorts);
  return {
    ...host,
    gpus: host.gpus.map((gpu) => (gpu.model === taken.gpuModel ? less(gpu, taken.gpuCount) : gpu)),
    vcpus: less(host.vcpus, taken.vcpus),
    memoryGB: less(host.memoryGB, taken.memoryGB),
    storageGB: less(host.storageGB, taken.storageGB),
    freePorts: host.freePorts.filter((port) => !ports.has(port)),
  };
}

function less<T extends Stock>(stock: T, amount: number): T {
  return { ...stock, available: Math.max(0, stock.available - amount) };
}

function sameShare(a: HostShare, b: HostShare): boolean {
  return (
    a.gpuModel === b.gpuModel &&
    a.gpuCount === b.gpuCount &&
    a.vcpus === b.vcpus &&
    a.memoryGB === b.memoryGB &&
    a.storageGB === b.storageGB &&
    a.externalPorts.length === b.externalPorts.length &&
    a.externalPorts.every((port, index) => port === b.externalPorts[index])
  );
}
