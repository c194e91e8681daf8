import { asWritten, jsonAnswer, Refusal } from '../answers.ts';
import type { Fields } from '../fields.ts';
import { joinSorted, sortedJson, type Json, type JsonObject } from '../json.ts';
import { toNumber } from '../nanos.ts';
import type { GpuPool, Host, World } from '../state.ts';
import type { Endpoint } from './endpoint.ts';

/** More than any host has is no mistake: it finds nothing. */
const anyAmount = { least: 0, most: 999_999_999 };

/** API reference 4.1. */
const list: Endpoint = {
  path: 'client/deploy/hostnodes',
  method: 'GET',
  auth: 'optional',
  handle: (world, { fields, isAuthorized }) => {
    const matches = readFilters(fields);
    const hosts = [...world.hosts.values()].filter(
      (host) => host.listed && (isAuthorized || !host.reserved) && matches(host),
    );
    const map = joinSorted(hosts.map((host) => [host.id, fragmentOf(host)]));
    return jsonAnswer(200, `{"hostnodes":${map},"success":true}`);
  },
};

/** API reference 4.2. A5: under its own UUID and under `hostnode`, unless the switch names one of them. */
const single: Endpoint = {
  path: 'client/deploy/hostnodes/<hostnode_uuid>',
  method: 'GET',
  auth: 'optional',
  handle: (world, { pathId, isAuthorized }) => {
    const host = findHost(world, pathId);
    if (host.reserved && !isAuthorized) throw unknownHost();
    const shown = describeHost(host);
    const { hostnodeKey } = world.options;
    return asWritten({
      success: true,
      ...(hostnodeKey === 'hostnode' ? {} : { [host.id]: shown }),
      ...(hostnodeKey === 'uuid' ? {} : { hostnode: shown }),
    });
  },
};

export function findHost(world: World, id: string): Host {
  const host = world.hosts.get(id.trim().toLowerCase());
  if (host?.listed !== true) throw unknownHost();
  return host;
}

function unknownHost(): Refusal {
  return new Refusal('unknown', 'Hostnode not found');
}

/** A36: everything must hold; what is asked of GPUs must hold for one and the same model. */
function readFilters(fields: Fields): (host: Host) => boolean {
  const least = (name: string): number => fields.optionalInteger(name, anyAmount) ?? 0;
  const [vcpus, ram, storage] = [least('minvCPUs'), least('minRAM'), least('minStorage')];
  const matchesGpus = readGpuFilters(fields);
  return (host) => host.cpu.free >= vcpus && host.ram.free >= ram && host.storage.free >= storage && matchesGpus(host);
}

function readGpuFilters(fields: Fields): (host: Host) => boolean {
  const vram = fields.optionalInteger('minVRAM', anyAmount);
  const count = fields.optionalInteger('minGPUCount', anyAmount);
  const most = fields.optionalInteger('maxGPUCount', anyAmount);
  const [rtx, gtx] = [fields.flag('requiresRTX'), fields.flag('requiresGTX')];
  // `0` finds hosts for CPU-only deployments: any host that has vCPUs.
  if (most === 0) return (host) => host.cpu.free > 0;
  const asksForGpus = [vram, count, most].some((value) => value !== undefined && value > 0) || rtx || gtx;
  if (!asksForGpus) return () => true;
  const suits = ([model, pool]: readonly [string, GpuPool]): boolean => {
    const enough = pool.free >= (count ?? 1) && pool.free <= (most ?? anyAmount.most) && pool.vram >= (vram ?? 0);
    return enough && (!rtx || model.includes('rtx')) && (!gtx || model.includes('gtx'));
  };
  return (host) => [...host.gpus].some(suits);
}

function fragmentOf(host: Host): string {
  host.fragment ??= sortedJson(describeHost(host));
  return host.fragment;
}

function describeHost(host: Host): JsonObject {
  const gpu = Object.fromEntries([...host.gpus].map(([model, pool]) => [model, describeGpu(model, pool)]));
  const specs: Record<string, Json> = {
    cpu: { amount: host.cpu.free, price: toNumber(host.cpu.price), type: host.cpuType },
    gpu,
    ram: { amount: host.ram.free, price: toNumber(host.ram.price) },
    storage: { amount: host.storage.free, price: toNumber(host.storage.price) },
  };
  if (host.restrictions !== undefined) specs.restrictions = describeRestrictions(host);
  const { city, country, dc, id, region } = host.location;
  const ports = [...host.freePorts].sort((a, b) => b - a);
  return {
    location: { city, country, dc: dc === null ? null : { ...dc }, id, region },
    networking: { ...(host.dedicatedIp ? { dedicated_ip: true } : {}), ports, receive: 1000, send: 1000 },
    specs,
    status: {
      listed: host.listed,
      online: host.online,
      report: host.report,
      reserved: host.reserved,
      uptime: host.uptime,
    },
  };
}

/** A43: these fields are not in the collection, but clients fail without them. */
function describeGpu(model: string, pool: GpuPool): JsonObject {
  return {
    amount: pool.free,
    gtx: model.includes('gtx'),
    pcie: model.includes('-pcie-'),
    price: toNumber(pool.price),
    rtx: model.includes('rtx'),
    vram: pool.vram,
  };
}

function describeRestrictions(host: Host): JsonObject {
  const entries = [...(host.restrictions ?? [])].map(([count, { cpu, ram, storage }]): [string, Json] => [
    String(count),
    { cpu: { ...cpu }, ram: { ...ram }, storage: { ...storage } },
  ]);
  return Object.fromEntries(entries);
}

export const hostnodeEndpoints = [list, single];
