import { invalid, Refusal, success, type Answer } from '../answers.ts';
import type { Fields } from '../fields.ts';
import { readGuestAccess, readName } from '../guest-access.ts';
import { parseNanos, toNumber, type Nanos } from '../nanos.ts';
import { leastStorageOf } from '../operating-systems.ts';
import { bidWins, lowestWinningBid, makeRoom } from '../spot-market.ts';
import {
  addressOf,
  checkRestrictions,
  Status,
  type Forward,
  type Host,
  type Vm,
  type VmSize,
  type World,
} from '../state.ts';
import {
  computePrice,
  gpuPool,
  hasCompute,
  notEnoughResources,
  pairPorts,
  storagePrice,
  takeCompute,
  takePorts,
  takeStorage,
} from '../stock.ts';
import { addVm, beginTransition, describeForwards } from '../vms.ts';
import type { Call, Endpoint } from './endpoint.ts';
import { findHost } from './hostnodes.ts';

/** API reference 5.1. Not idempotent: each success makes another VM. */
const deploy: Endpoint = { path: 'client/deploy/single', method: 'POST', auth: 'required', handle: deploySingle };

export interface Order {
  readonly name: string;
  readonly host: Host;
  readonly size: VmSize;
  readonly operatingSystem: string;
  readonly forwards: readonly Forward[];
  readonly bid: Nanos | undefined;
  readonly access: Vm['access'];
}

function deploySingle(world: World, { fields }: Call): Answer {
  const order = readOrder(world, fields);
  checkBalance(world);
  checkHost(world, order);
  if (order.bid !== undefined) makeRoom(world, { ...order, bid: order.bid });
  takeCompute(order.host, order.size);
  takeStorage(order.host, order.size.storage);
  const vm = createVm(world, order);
  const { bootStatus, bootDelayMs } = world.options;
  beginTransition(world, vm, { during: bootStatus, to: Status.running, delayMs: bootDelayMs });
  return success({
    cost: {
      compute_price: toNumber(vm.computeRate),
      storage_price: toNumber(vm.storageRate),
      total_price: toNumber(vm.computeRate + vm.storageRate),
    },
    execution_id: world.nextExecutionId++,
    ip: world.options.deployIp === 'address' || world.options.guests ? addressOf(vm) : vm.host.domain,
    port_forwards:
      world.options.portForwardValues === 'string' ? describeForwards(vm.forwards) : numericForwards(vm.forwards),
    server: vm.id,
  });
}

function readOrder(world: World, fields: Fields): Order {
  const { options } = world;
  const name = readName(fields);
  const access = readGuestAccess(fields, options);
  const size = readSize(fields);
  const operatingSystem = fields.text('operating_system');
  const leastStorage = leastStorageOf(operatingSystem);
  if (leastStorage === undefined) throw invalid(`operating_system ${operatingSystem} is not available`);
  if (options.minimumStorage && size.storage < leastStorage) {
    throw invalid(`storage must be at least ${String(leastStorage)} GB for ${operatingSystem}`);
  }
  const bid = readBid(fields);
  const [external, internal] = [fields.ports('external_ports'), fields.ports('internal_ports')];
  const host = findHost(world, fields.text('hostnode'));
  if (size.gpuCount > 0) gpuPool(host, size.gpuModel);
  checkRestrictions(host, size);
  return { name, host, size, operatingSystem, forwards: pairPorts(host, external, internal), bid, access };
}

/** Sizes of a VM to be made; A17: without GPUs there is no model. */
export function readSize(fields: Fields): VmSize {
  const gpuCount = fields.integer('gpu_count', { least: 0, most: 64 });
  const gpuModel = gpuCount === 0 ? (fields.optional('gpu_model') ?? '') : fields.text('gpu_model').trim();
  if (gpuCount === 0 && gpuModel !== '') throw invalid('gpu_model must be left out when gpu_count is 0');
  return {
    gpuModel,
    gpuCount,
    vcpus: fields.evenInteger('vcpus', { least: 2, most: 1024 }),
    ram: fields.evenInteger('ram', { least: 2, most: 16_384 }),
    storage: fields.integer('storage', { least: 1, most: 100_000 }),
  };
}

/** A21: `price` counts with `price_type=spot` only; some clients send the text `None` for nothing. */
function readBid(fields: Fields): Nanos | undefined {
  const type = fields.optional('price_type')?.trim();
  if (type === undefined || type === 'None' || type === 'ondem') return undefined;
  if (type !== 'spot') throw invalid('price_type must be spot or left out');
  return fields.price('price');
}

/** A26. */
export function checkBalance(world: World): void {
  const minimum = parseNanos(world.options.minimumBalance) ?? 0;
  const hourMs = 3_600_000n;
  if (world.ledger.balance <= BigInt(minimum) * hourMs) throw invalid('Insufficient balance to deploy a server');
}

function checkHost(world: World, { host, size, bid }: Order): void {
  if (!host.online) throw new Refusal('noCapacity', 'Hostnode is offline');
  if (host.storage.free < size.storage) throw notEnoughResources();
  if (bid === undefined) {
    if (!hasCompute(host, size)) throw notEnoughResources();
    return;
  }
  if (bid < lowestWinningBid(host, size)) throw new Refusal('priceTooLow', 'Price is too low for a spot instance');
  if (!bidWins(world, { host, size, bid })) throw notEnoughResources();
}

/** Makes the running VM of an order whose compute and storage were taken. */
export function createVm(world: World, order: Order): Vm {
  const { host, size, options } = { ...order, options: world.options };
  takePorts(host, order.forwards);
  const vm: Vm = {
    id: world.ids.uuid(),
    name: order.name,
    host,
    operatingSystem: order.operatingSystem,
    forwards: order.forwards,
    dedicatedAddress: host.dedicatedIp ? nextDedicatedAddress(world) : null,
    access: order.access,
    createdAt: world.now,
    status: Status.running,
    size,
    bid: order.bid,
    // A23: what a spot VM costs is its bid.
    computeRate: order.bid ?? computePrice(host, size),
    storageRate: storagePrice(host, size),
    networkStorage: options.networkStorage,
    holdsCompute: true,
    transition: undefined,
  };
  addVm(world, vm);
  return vm;
}

function nextDedicatedAddress(world: World): string {
  const index = world.nextDedicatedAddress++;
  const net = world.options.guests ? '127.200' : '198.19';
  return `${net}.${String(Math.floor(index / 254) % 254)}.${String((index % 254) + 1)}`;
}

function numericForwards(forwards: readonly Forward[]): Record<string, number> {
  return Object.fromEntries(forwards.map(({ external, internal }) => [String(external), internal]));
}

export const deployEndpoints = [deploy];
