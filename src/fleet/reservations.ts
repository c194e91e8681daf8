import type { Host, Stock } from '../provider/contract.ts';
import type { HostShare } from './contract.ts';

interface Reservation {
  readonly taken: HostShare;
  readonly at: number;
}

/** What launches in flight have taken from the inventory that was fetched before them. */
export class Reservations {
  readonly #byHost = new Map<string, Reservation[]>();
  /** By host, what is left of which: in a crowd of launches each looks at all hosts, and changes one. */
  readonly #left = new Map<string, { readonly of: Host; readonly left: Host }>();

  add(hostnode: string, taken: HostShare, at: number): void {
    const made = this.#byHost.get(hostnode) ?? [];
    made.push({ taken, at });
    this.#byHost.set(hostnode, made);
    const known = this.#left.get(hostnode);
    if (known !== undefined) this.#left.set(hostnode, { of: known.of, left: without(known.left, taken) });
  }

  /** Gives back exactly what one `add` with the same values took; nothing if that has been dropped meanwhile. */
  remove(hostnode: string, taken: HostShare): boolean {
    const made = this.#byHost.get(hostnode) ?? [];
    const index = made.findLastIndex((one) => sameShare(one.taken, taken));
    if (index >= 0) this.#keep(hostnode, made.toSpliced(index, 1));
    return index >= 0;
  }

  /** Forgets what was reserved before that time: a newer inventory shows it. */
  dropBefore(time: number): void {
    for (const [hostnode, made] of [...this.#byHost]) {
      const young = made.filter(({ at }) => at >= time);
      if (young.length < made.length) this.#keep(hostnode, young);
    }
  }

  /** The hosts less what is reserved. Hosts without reservations are the same objects. */
  applyTo(hosts: readonly Host[]): readonly Host[] {
    if (this.#byHost.size === 0) return hosts;
    return hosts.map((host) => this.#applyToOne(host));
  }

  #applyToOne(host: Host): Host {
    const made = this.#byHost.get(host.id);
    if (made === undefined) return host;
    const known = this.#left.get(host.id);
    if (known?.of === host) return known.left;
    const left = made.reduce((rest, { taken }) => without(rest, taken), host);
    this.#left.set(host.id, { of: host, left });
    return left;
  }

  #keep(hostnode: string, made: Reservation[]): void {
    this.#left.delete(hostnode);
    if (made.length === 0) this.#byHost.delete(hostnode);
    else this.#byHost.set(hostnode, made);
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
