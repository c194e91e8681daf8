import { gpuVmSpecSchema } from '../../api/gpu-vm.ts';
import { annotations, groupVersion } from '../../api/group.ts';
import { spotVmSpecSchema } from '../../api/spot-vm.ts';
import { markOf, type VmMark } from '../../api/vm-name.ts';
import { formatMoney } from '../../lib/money.ts';
import type { CloudVm, VmListing } from '../../provider/contract.ts';
import { closest } from '../../lib/closest.ts';
import { CliError } from '../common/cli-error.ts';
import { exitCodes } from '../common/exit-codes.ts';

/** A resource that takes over a VM that exists. */
export interface ImportManifest {
  readonly apiVersion: string;
  readonly kind: 'GpuVm' | 'SpotVm';
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: object;
}

export interface ImportWish {
  readonly name: string | undefined;
  readonly namespace: string | undefined;
  readonly account: string;
  readonly deletionPolicy: 'Delete' | 'Retain';
}

/** The VM with this id. Throws when the list has none, and says which id was meant perhaps. */
export function vmIn(listing: VmListing, id: string): CloudVm {
  const vm = listing.vms.find((one) => one.id === id);
  if (vm === undefined) throw notListed(listing, id);
  if (vm.state !== 'terminated') return vm;
  throw new CliError(`VM ${id} is over (the provider says "${vm.providerStatus}")`);
}

function notListed({ vms, unreadable }: VmListing, id: string): CliError {
  if (unreadable.includes(id)) return new CliError(`the provider lists VM ${id}, but its entry cannot be understood`);
  return new CliError(`the organization has no VM "${id}"`, exitCodes.notFound, whatWasMeant(vms, id));
}

const mostIds = 10;

function whatWasMeant(vms: readonly CloudVm[], id: string): string | undefined {
  const named = vms.find(({ name }) => name === id);
  if (named !== undefined) return `Did you mean ${named.id}, whose name that is?`;
  const ids = vms.map((one) => one.id);
  const meant = closest(id, ids);
  if (meant !== undefined) return `Did you mean ${meant}?`;
  const more = ids.length > mostIds ? ', …' : '';
  return ids.length === 0 ? undefined : `There are ${ids.length}: ${ids.slice(0, mostIds).join(', ')}${more}`;
}

/** Why a resource of this cluster should not take this VM over: it was made by one already. */
export function makerOf(vm: CloudVm): VmMark | undefined {
  return markOf(vm.name);
}

/** A spec that matches the VM as it is: the operator adopts no other one. */
export function manifestOf(vm: CloudVm, wish: ImportWish): ImportManifest {
  const { size } = vm;
  const isSpot = vm.type === 'spot';
  const manifest: ImportManifest = {
    apiVersion: groupVersion,
    kind: isSpot ? 'SpotVm' : 'GpuVm',
    metadata: {
      name: wish.name ?? resourceNameOf(vm),
      ...(wish.namespace === undefined ? {} : { namespace: wish.namespace }),
      annotations: { [annotations.adopt]: vm.id },
    },
    spec: {
      accountName: wish.account,
      gpu: { models: [size.gpuModel], count: size.gpuCount },
      ...{ vcpus: size.vcpus, memoryGB: size.memoryGB, storageGB: size.storageGB },
      ...(vm.operatingSystem === undefined ? {} : { operatingSystem: vm.operatingSystem }),
      ...(isSpot ? { bid: { price: bidOf(vm) } } : {}),
      ports: portsOf(vm),
      powerState: powerStateOf(vm),
      deletionPolicy: wish.deletionPolicy,
    },
  };
  const parsed = (isSpot ? spotVmSpecSchema : gpuVmSpecSchema).safeParse(manifest.spec);
  if (parsed.success) return manifest;
  const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new CliError(`VM ${vm.id} is none that a ${manifest.kind} can stand for: ${issues.join('; ')}`);
}

/** What a spot VM costs without its disk is its bid. */
function bidOf({ id, price }: CloudVm): string {
  if (price !== undefined && price.compute.gt(0)) return formatMoney(price.compute);
  throw new CliError(`the provider does not say what is bid for VM ${id}, so no SpotVm can be written for it`);
}

/** The operator would start what is off, or stop what is on, to get it to what the spec says. */
function powerStateOf({ state, id, providerStatus }: CloudVm): 'Running' | 'Stopped' | 'Released' {
  switch (state) {
    case 'running':
    case 'outbid':
      return 'Running';
    case 'stopped':
      return 'Stopped';
    case 'released':
      return 'Released';
    default:
      throw new CliError(
        `VM ${id} is in the state "${providerStatus}": wait until it runs or is stopped, then import it`,
      );
  }
}

const usualNames: ReadonlyMap<number, string> = new Map([
  [22, 'ssh'],
  [80, 'http'],
  [443, 'https'],
  [3389, 'rdp'],
  [8888, 'notebook'],
]);

function portsOf({ portForwards }: CloudVm): readonly { readonly name: string; readonly internal: number }[] {
  const ports = [...new Set(portForwards.map(({ internal }) => internal))].toSorted((a, b) => a - b);
  // A spec has one port at least. Without a forward there is nothing that it would name.
  if (ports.length === 0) return [{ name: 'ssh', internal: 22 }];
  return ports.map((internal) => ({ name: usualNames.get(internal) ?? `port-${internal}`, internal }));
}

const longestName = 58;

/** "My GPU box" becomes "my-gpu-box". */
export function resourceNameOf({ name, id }: Pick<CloudVm, 'name' | 'id'>): string {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, longestName)
    .replaceAll(/^-|-$/g, '');
  return plain === ''
    ? `vm-${id
        .toLowerCase()
        .replaceAll(/[^a-z0-9]/g, '')
        .slice(0, 8)}`
    : plain;
}
