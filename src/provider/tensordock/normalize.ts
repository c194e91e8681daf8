import { money, type Money } from '../../lib/money.ts';
import type {
  CloudVm,
  DeployReceipt,
  Host,
  HostGpu,
  Location,
  SizeRange,
  VmListing,
  VmPrice,
  VmState,
} from '../contract.ts';
import type { WireHostnode } from './wire/hostnodes.ts';
import { idPattern } from './wire/values.ts';
import { wireVm, type DeployAnswer, type WireEntry, type WireVm } from './wire/vm.ts';

/** By the status in lower case (API reference 16). Anything else is `unknown`: hands off. */
const states: ReadonlyMap<string, VmState> = new Map([
  ['running', 'running'],
  ['active', 'running'],
  ['stopped', 'stopped'],
  ['stoppeddisassociated', 'released'],
  ['outbid', 'outbid'],
  ['terminated', 'terminated'],
  ['deleted', 'terminated'],
]);

const types: ReadonlyMap<string, CloudVm['type']> = new Map([
  ['ondem', 'ondemand'],
  ['ondemand', 'ondemand'],
  ['spot', 'spot'],
]);

/** The operator's view of a VM. From `client/get/single` address, location and the storage rate may be missing. */
export function toCloudVm(id: string, vm: WireVm): CloudVm {
  return {
    id,
    name: vm.name,
    state: states.get(vm.status.trim().toLowerCase()) ?? 'unknown',
    providerStatus: vm.status,
    type: types.get(vm.type?.toLowerCase() ?? '') ?? 'unknown',
    size: {
      gpuModel: vm.specs.gpu.type ?? '',
      gpuCount: vm.specs.gpu.amount,
      vcpus: vm.specs.vcpus,
      memoryGB: vm.specs.ram,
      storageGB: vm.specs.storage,
    },
    operatingSystem: vm.operating_system,
    hostnode: vm.hostnode,
    location: { city: vm.city, region: vm.state, country: vm.country },
    address: addressOf(id, vm),
    user: vm.default_user,
    portForwards: vm.port_forwards ?? [],
    price: priceOf(vm.compute_price ?? vm.cost, vm.storage_price, vm.total_price),
    createdAt: vm.timestamp_creation?.getTime(),
  };
}

/** `hostname` is the VM's own UUID in the list and an address in get (API reference 12, point 5). */
function addressOf(id: string, vm: WireVm): string | undefined {
  const hostname = vm.hostname === id ? undefined : vm.hostname;
  return vm.dedicated_ip_address ?? vm.ip_address ?? hostname;
}

/** A price without its compute part is none. The total is what the provider says, else the sum of what is known (A23). */
export function priceOf(
  compute: Money | undefined,
  storage: Money | undefined,
  total: Money | undefined,
): VmPrice | undefined {
  if (compute === undefined) return undefined;
  return { compute, storage, total: total ?? (storage === undefined ? compute : compute.plus(storage)) };
}

/**
 * Turns listings into VMs and shares the objects of entries whose JSON is the same as in the listing before: between two
 * polls of 10,000 VMs nearly all are, and comparing a text costs a fraction of parsing, in time and in garbage.
 */
export class ListingReader {
  #known = new Map<string, { readonly json: string; readonly vm: CloudVm }>();

  read(entries: readonly WireEntry[]): VmListing {
    const next = new Map<string, { readonly json: string; readonly vm: CloudVm }>();
    const vms: CloudVm[] = [];
    const unreadable: string[] = [];
    const unreadableNames = new Map<string, string>();
    for (const [id, entry] of entries) {
      const json = jsonOf(entry);
      const before = this.#known.get(id);
      if (before !== undefined && before.json === json) {
        vms.push(before.vm);
        // The text that is known already, not the one of now: that one is garbage before it has grown old.
        next.set(id, before);
        continue;
      }
      const vm = readVm(id, entry);
      if (json === undefined || vm === undefined) {
        unreadable.push(id);
        const name = nameIn(entry);
        if (name !== undefined) unreadableNames.set(id, name);
      } else {
        vms.push(vm);
        next.set(id, { json, vm });
      }
    }
    this.#known = next;
    return { vms, unreadable, unreadableNames };
  }
}

/** undefined for what nests so deeply that it cannot be printed, though it could be parsed. */
function jsonOf(entry: unknown): string | undefined {
  try {
    return JSON.stringify(entry);
  } catch {
    return undefined;
  }
}

function nameIn(entry: unknown): string | undefined {
  if (typeof entry !== 'object' || entry === null || !('name' in entry)) return undefined;
  return typeof entry.name === 'string' ? entry.name : undefined;
}

function readVm(id: string, entry: unknown): CloudVm | undefined {
  // What is no id cannot be recorded, nor named to the provider.
  if (!idPattern.test(id)) return undefined;
  const parsed = wireVm.safeParse(entry);
  return parsed.success ? toCloudVm(id, parsed.data) : undefined;
}

/** The operator's view of a host. What is not said to be online or listed is taken as not: it costs only a choice. */
export function toHost(id: string, host: WireHostnode): Host {
  return {
    id,
    location: locationOf(host),
    ...statusOf(host),
    gpus: [...host.specs.gpu].map(([model, gpu]): HostGpu => {
      return { model, available: gpu.amount, price: gpu.price, vramGB: gpu.vram ?? vramOfModel(model) };
    }),
    vcpus: { available: host.specs.cpu.amount, price: host.specs.cpu.price },
    memoryGB: { available: host.specs.ram.amount, price: host.specs.ram.price },
    storageGB: { available: host.specs.storage.amount, price: host.specs.storage.price },
    freePorts: [...new Set(host.networking?.ports)],
    dedicatedIp: host.networking?.dedicated_ip ?? false,
    restrictions: restrictionsOf(host),
  };
}

function locationOf({ location }: WireHostnode): Location {
  return { city: location?.city, region: location?.region, country: location?.country };
}

function statusOf({ status }: WireHostnode): Pick<Host, 'online' | 'listed' | 'uptimePercent'> {
  return {
    online: status?.online ?? false,
    listed: status?.listed ?? false,
    uptimePercent: percentOf(status?.uptime),
  };
}

/** Ranges by number of GPUs; keys that are no number are ignored (API reference 14.3). */
function restrictionsOf(host: WireHostnode): ReadonlyMap<number, SizeRange> {
  const ranges = new Map<number, SizeRange>();
  for (const [count, range] of host.specs.restrictions ?? []) {
    if (/^\d{1,3}$/.test(count)) {
      ranges.set(Number(count), { vcpus: range.cpu, memoryGB: range.ram, storageGB: range.storage });
    }
  }
  return ranges;
}

/** "geforcertx4090-pcie-24gb" has 24 GB (A43). */
function vramOfModel(model: string): number | undefined {
  const size = /-(\d+)gb$/i.exec(model)?.[1];
  return size === undefined ? undefined : Number(size);
}

/** The wire has a fraction. In decimals, because 0.57 × 100 is 56.99999999999999 in binary. */
export function percentOf(fraction: number | undefined): number | undefined {
  return fraction === undefined ? undefined : Math.min(100, Math.max(0, money(fraction).times(100).toNumber()));
}

export function toReceipt(answer: DeployAnswer): DeployReceipt {
  const { cost } = answer;
  return {
    id: answer.server,
    address: answer.ip,
    portForwards: answer.port_forwards ?? [],
    price: priceOf(cost?.compute_price, cost?.storage_price, cost?.total_price),
  };
}
