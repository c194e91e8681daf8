import { Refusal, success, type Answer } from '../answers.ts';
import { readGuestAccess, readName } from '../guest-access.ts';
import type { Json, JsonObject } from '../json.ts';
import { toSixDecimals, type Nanos } from '../nanos.ts';
import type { Forward, Host, InstantVm, PreconfiguredKind, World } from '../state.ts';
import { computePrice, storagePrice } from '../stock.ts';
import { checkBalance, createVm } from './deploy.ts';
import type { Call, Endpoint } from './endpoint.ts';

/** API reference 7.1. */
const list: Endpoint = {
  path: 'client/deploy/instantvms',
  method: 'GET',
  auth: 'none',
  handle: (world) => {
    const ready = [...world.instants.values()].filter(({ host }) => host.listed && host.online);
    return success({
      preconfig_options: world.kinds.map(describeKind),
      virtual_machines: Object.fromEntries(ready.map((instant) => [instant.id, describeInstant(instant)])),
    });
  },
};

/** API reference 7.2. A40: the VM gets an id of its own and the ready one leaves the stock. */
const deploy: Endpoint = {
  path: 'client/deployinstant/single',
  method: 'POST',
  auth: 'required',
  handle: deployInstant,
};

function deployInstant(world: World, { fields }: Call): Answer {
  const instant = world.instants.get(fields.text('instance_uuid').trim().toLowerCase());
  if (instant === undefined) throw new Refusal('unknown', 'Instant VM not found');
  const name = readName(fields);
  const access = readGuestAccess(fields, world.options);
  checkBalance(world);
  const { host, kind } = instant;
  if (!host.online) throw new Refusal('noCapacity', 'Hostnode is offline');
  const forwards = forwardSsh(host);
  // Its resources were taken when it was made ready, so they only change hands.
  world.instants.delete(instant.id);
  const { operatingSystem, size } = kind;
  const vm = createVm(world, { name, host, size, operatingSystem, forwards, bid: undefined, access });
  return success({ vm: vm.id });
}

/** The call has no ports; the highest free one is forwarded to 22, an invention. */
function forwardSsh(host: Host): Forward[] {
  if (host.freePorts.size === 0) throw new Refusal('noCapacity', 'No free port on hostnode');
  return [{ external: Math.max(...host.freePorts), internal: 22 }];
}

function describeKind({ id, operatingSystem, size }: PreconfiguredKind): JsonObject {
  return {
    cpu_count: size.vcpus,
    gpu_count: [size.gpuCount],
    gpu_model: [size.gpuModel],
    operating_system: operatingSystem,
    ram: size.ram,
    storage: size.storage,
    uuid: id,
  };
}

function describeInstant({ id, kind, host, listedPrice }: InstantVm): JsonObject {
  const { size } = kind;
  const { city, country, region } = host.location;
  const dc = host.location.dc ?? { name: 'Evoque', tier: 3 };
  return {
    city,
    country,
    cpu_count: size.vcpus,
    cpu_model: host.cpuType,
    dc_name: dc.name,
    dc_tier: dc.tier,
    gpu_count: [size.gpuCount],
    gpu_model: [size.gpuModel],
    hostnode: host.id,
    location: host.location.id,
    preconfig_id: kind.id,
    price: describePrice(host, kind, listedPrice),
    ram: size.ram,
    stateprovince: region,
    storage: size.storage,
    uptime: String(host.uptime),
    uuid: id,
  };
}

function describePrice(host: Host, { size }: PreconfiguredKind, listed: Nanos | undefined): Json {
  const storage = storagePrice(host, size);
  const compute = listed === undefined ? computePrice(host, size) : Math.max(0, listed - storage);
  const [vcpus, ram] = [size.vcpus * host.cpu.price, size.ram * host.ram.price];
  return {
    compute_price: toSixDecimals(compute),
    gpu_price: toSixDecimals(Math.max(0, compute - vcpus - ram)),
    price: toSixDecimals(compute + storage),
    ram_price: toSixDecimals(ram),
    storage_price: toSixDecimals(storage),
    vcpus_price: toSixDecimals(vcpus),
  };
}

export const instantEndpoints = [list, deploy];
