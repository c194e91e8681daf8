import { invalid } from './answers.ts';
import type { Ledger } from './ledger.ts';
import type { ListHistory } from './list-history.ts';
import type { Nanos } from './nanos.ts';
import type { SimulatorOptions } from './options.ts';
import type { Random } from './random.ts';

export interface Location {
  readonly id: string;
  readonly city: string;
  readonly region: string;
  readonly country: string;
  readonly dc: { readonly name: string; readonly tier: number } | null;
}

export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** What a VM with a given number of GPUs may have on a host (API reference, 14.3). */
export interface Restriction {
  readonly cpu: Bounds;
  readonly ram: Bounds;
  readonly storage: Bounds;
}

/** An amount that VMs take from. `free` + what VMs hold is `total`, always. */
export interface Pool {
  total: number;
  free: number;
  price: Nanos;
}

export interface GpuPool extends Pool {
  readonly vram: number;
  /** The lowest winning bid as a fraction of the on-demand compute price; moves with the random walk. */
  marketFactor: number;
  /** The lowest winning bid per VM and hour, once somebody has set one through the control surface. */
  marketPrice: Nanos | undefined;
}

export interface Host {
  readonly id: string;
  readonly location: Location;
  readonly cpuType: string;
  readonly cpu: Pool;
  readonly ram: Pool;
  readonly storage: Pool;
  readonly gpus: Map<string, GpuPool>;
  readonly freePorts: Set<number>;
  /** All ports of the host, free or not. */
  readonly ports: Set<number>;
  readonly restrictions: ReadonlyMap<number, Restriction> | undefined;
  readonly dedicatedIp: boolean;
  readonly address: string;
  readonly domain: string;
  readonly report: string;
  listed: boolean;
  online: boolean;
  reserved: boolean;
  uptime: number;
  /** The host as JSON, kept until it changes. */
  fragment: string | undefined;
}

export interface VmSize {
  /** Empty for a VM without GPUs. */
  readonly gpuModel: string;
  readonly gpuCount: number;
  readonly vcpus: number;
  readonly ram: number;
  readonly storage: number;
}

export interface Forward {
  readonly external: number;
  readonly internal: number;
}

/** What the guest was given. Never shown by the API; the control surface shows it for one VM at a time. */
export interface GuestAccess {
  readonly password: string | undefined;
  readonly sshKeys: readonly string[];
  readonly cloudInit: string | undefined;
}

/** A status that will come by itself. `to: undefined` means that the VM will be gone. */
export interface Transition {
  readonly to: string | undefined;
  readonly at: number;
}

export interface Vm {
  readonly id: string;
  readonly name: string;
  readonly host: Host;
  readonly operatingSystem: string;
  readonly forwards: readonly Forward[];
  readonly dedicatedAddress: string | null;
  readonly access: GuestAccess;
  readonly createdAt: number;
  status: string;
  size: VmSize;
  /** The bid per hour of a spot VM; undefined for one on demand. */
  bid: Nanos | undefined;
  computeRate: Nanos;
  storageRate: Nanos;
  networkStorage: boolean;
  /** Whether GPU, vCPUs and RAM are taken from the host, and therefore billed. */
  holdsCompute: boolean;
  transition: Transition | undefined;
}

export interface PreconfiguredKind {
  readonly id: string;
  readonly operatingSystem: string;
  readonly size: VmSize;
}

export interface InstantVm {
  readonly id: string;
  readonly kind: PreconfiguredKind;
  readonly host: Host;
  /** What the list says that it costs per hour, where that is not what it costs. */
  readonly listedPrice: Nanos | undefined;
}

/** Deprecated at the provider: nothing here takes stock or money. */
export interface Container {
  readonly id: string;
  readonly name: string;
  /** The port that the image exposes. */
  readonly port: number;
  readonly host: Host;
  readonly rate: Nanos;
  readonly replicas: ContainerReplica[];
}

export interface ContainerReplica {
  readonly vmId: string;
  readonly externalPorts: readonly number[];
}

export interface World {
  readonly options: SimulatorOptions;
  /** Simulated time in milliseconds since the epoch; moved by the timeline only. */
  now: number;
  readonly startedAt: number;
  readonly ids: Random;
  readonly marketChance: Random;
  readonly hosts: Map<string, Host>;
  readonly vms: Map<string, Vm>;
  /** Ids of deleted VMs, the oldest forgotten first. */
  readonly terminated: Set<string>;
  readonly kinds: PreconfiguredKind[];
  readonly instants: Map<string, InstantVm>;
  readonly containers: Map<string, Container>;
  readonly ledger: Ledger;
  readonly history: ListHistory;
  /** How many live VMs have each name. */
  readonly names: Map<string, number>;
  /** VMs whose status will change by itself, the next one first. */
  readonly inTransition: Vm[];
  credentials: { key: string; token: string };
  duplicateNames: number;
  nextExecutionId: number;
  nextDedicatedAddress: number;
  nextMarketTick: number;
  /** When the balance fell below zero, under the policy that stops first. */
  overdrawnSince: number | undefined;
}

export const Status = {
  running: 'Running',
  stopped: 'Stopped',
  released: 'StoppedDisassociated',
  outbid: 'Outbid',
} as const;

/** Where a VM can be reached: its own address or that of its host. */
export function addressOf(vm: Vm): string {
  return vm.dedicatedAddress ?? vm.host.address;
}

/** Throws a Refusal when the amount of a new or changed VM is out of the host's stated bounds (A30). */
export function checkRestrictions(host: Host, size: VmSize): void {
  const restriction = host.restrictions?.get(size.gpuCount);
  if (restriction === undefined) return;
  const checks = [
    ['vcpus', size.vcpus, restriction.cpu],
    ['ram', size.ram, restriction.ram],
    ['storage', size.storage, restriction.storage],
  ] as const;
  for (const [name, amount, { min, max }] of checks) {
    if (amount < min || amount > max) {
      throw invalid(
        `${name} must be between ${String(min)} and ${String(max)} on this hostnode with ${String(size.gpuCount)} GPUs`,
      );
    }
  }
}
