import { exampleHosts, type HostBlueprint } from './host-catalog.ts';
import { nanosOf } from './nanos.ts';
import type { SimulatorOptions } from './options.ts';
import type { Random } from './random.ts';
import type { GpuPool, Host, Location, Pool, Restriction } from './state.ts';

const places = [
  ['Chicago', 'Illinois', 'United States'],
  ['Dallas', 'Texas', 'United States'],
  ['New York City', 'New York', 'United States'],
  ['Orlando', 'Florida', 'United States'],
  ['Southfield', 'Michigan', 'United States'],
  ['Las Vegas', 'Nevada', 'United States'],
  ['Wilmington', 'Delaware', 'United States'],
  ['Winnipeg', 'Manitoba', 'Canada'],
  ['Montreal', 'Quebec', 'Canada'],
  ['London', 'England', 'United Kingdom'],
  ['Stockholm', 'Stockholm County', 'Sweden'],
  ['Kraków', 'Małopolska', 'Poland'],
  ['Berlin', 'Berlin', 'Germany'],
  ['Taipei', 'Taiwan', 'Taiwan'],
  ['Mumbai', 'Maharashtra', 'India'],
] as const;

const processors = [
  ['AMD Ryzen 9 5950X', 32],
  ['AMD EPYC 7402P', 48],
  ['AMD EPYC 7763', 128],
  ['Intel Xeon Gold 6226R', 64],
  ['Intel Xeon E5-2698 v4', 80],
  ['AMD Ryzen Threadripper 3970X', 64],
] as const;

/** Model, price per GPU and hour, most GPUs per host: orders of magnitude of the examples. */
const models = [
  ['geforcertx3060-pcie-12gb', 0.08, 8],
  ['geforcertx3080-pcie-10gb', 0.15, 4],
  ['geforcertx3090-pcie-24gb', 0.24, 8],
  ['geforcertx4090-pcie-24gb', 0.37, 8],
  ['geforcegtx1070-pcie-8gb', 0.05, 6],
  ['rtxa4000-pcie-16gb', 0.14, 8],
  ['rtxa5000-pcie-24gb', 0.21, 8],
  ['rtxa6000-pcie-48gb', 0.45, 8],
  ['rtx6000ada-pcie-48gb', 0.75, 8],
  ['v100-pcie-16gb', 0.21, 8],
  ['v100-sxm2-16gb', 0.22, 8],
  ['l40-pcie-48gb', 1.05, 4],
  ['a100-pcie-80gb', 1.45, 4],
  ['h100-sxm5-80gb', 2.92, 8],
] as const;

const wellKnownPorts = [8935, 8080, 8000, 3389, 3000, 443, 80] as const;

/** The hosts of a simulator: first those of the examples, then as many as are still wanted, by the seed alone. */
export function createHosts(options: SimulatorOptions, random: Random): Host[] {
  const examples = exampleHosts.slice(0, options.hosts);
  const hosts = examples.map((blueprint, index) => build(blueprint, { index, options, random: undefined }));
  for (let index = hosts.length; index < options.hosts; index++) {
    hosts.push(build(generate(random), { index, options, random }));
  }
  return hosts;
}

interface Surroundings {
  readonly index: number;
  readonly options: SimulatorOptions;
  /** undefined for the hosts of the examples, which have no oddities. */
  readonly random: Random | undefined;
}

function build(blueprint: HostBlueprint, { index, options, random }: Surroundings): Host {
  const generated = random === undefined ? -1 : index - Math.min(exampleHosts.length, options.hosts);
  const isGenerated = generated >= 0;
  return {
    id: blueprint.id,
    location: locate(blueprint, options, random),
    cpuType: blueprint.cpu.type,
    cpu: pool(blueprint.cpu),
    ram: pool(blueprint.ram),
    storage: pool(blueprint.storage),
    gpus: new Map(
      Object.entries(blueprint.gpus).map(([model, gpu]) => [model, gpuPool(model, gpu, options.spotFloor)]),
    ),
    freePorts: new Set(blueprint.ports),
    ports: new Set(blueprint.ports),
    restrictions: options.restrictions && isGenerated ? restrict(blueprint) : undefined,
    dedicatedIp: isGenerated && generated < options.dedicatedIpHosts,
    address: options.guests ? loopbackAddress(index) : documentationAddress(index),
    domain: `host-${blueprint.id.slice(0, 8)}.example.net`,
    report: blueprint.report,
    listed: true,
    online: random === undefined || random.next() > 0.04,
    reserved: isGenerated && generated >= options.hosts - exampleHosts.length - options.reservedHosts,
    uptime: blueprint.uptime,
    fragment: undefined,
  };
}

function locate(blueprint: HostBlueprint, options: SimulatorOptions, random: Random | undefined): Location {
  const hasDataCenter = options.dataCenters === 'object' && random !== undefined;
  const dc = hasDataCenter
    ? { name: `${blueprint.location.city} DC ${String(random.integer(1, 4))}`, tier: random.integer(1, 4) }
    : null;
  return { ...blueprint.location, dc };
}

function pool({ amount, price }: { readonly amount: number; readonly price: number }): Pool {
  return { total: amount, free: amount, price: nanosOf(price) };
}

/** GPU facts by model string, as `<model>-<bus>-<vram>gb` tells them. */
export function gpuPool(
  model: string,
  stock: { readonly amount: number; readonly price: number },
  marketFactor: number,
): GpuPool {
  const vram = Number(/-(\d+)gb$/.exec(model)?.[1] ?? 0);
  return { ...pool(stock), vram, marketFactor, marketPrice: undefined };
}

function generate(random: Random): HostBlueprint {
  const [city, region, country] = random.pick(places);
  const [type, threads] = random.pick(processors);
  const gpus = generateGpus(random);
  const taken = random.integer(0, 3) * 2;
  const highestPort = random.integer(20, 60) * 1000 + random.integer(20, 99);
  const ports = Array.from({ length: random.integer(8, 60) }, (_, i) => highestPort - i);
  return {
    id: random.uuid(),
    location: { id: random.uuid(), city, region, country },
    cpu: { type, amount: threads - taken, price: random.integer(2, 5) / 1000 },
    ram: { amount: threads * random.integer(2, 6) - taken, price: random.integer(1, 3) / 1000 },
    storage: { amount: random.integer(4, 60) * 100, price: random.integer(5, 20) / 100_000 },
    gpus,
    ports: random.next() < 0.2 ? [...ports, ...wellKnownPorts] : ports,
    uptime: 1 - random.integer(0, 300) / 10_000,
    report: `https://monitor.m.tensordock.com/report/uptime/${random.uuid().replaceAll('-', '')}/`,
  };
}

function generateGpus(random: Random): Record<string, { amount: number; price: number }> {
  const gpus: Record<string, { amount: number; price: number }> = {};
  const kinds = random.next() < 0.15 ? 2 : 1;
  for (let i = 0; i < kinds; i++) {
    const [model, price, most] = random.pick(models);
    // One host in twelve is sold out: such hosts are listed with an amount of 0 (API reference, 14.3).
    const amount = random.next() < 0.08 ? 0 : random.integer(1, most);
    gpus[model] = { amount, price: Math.round(price * random.integer(90, 125) * 10) / 1000 };
  }
  return gpus;
}

/** Without GPUs at most a quarter of the host; with them a share for each (the shape is recorded, the shares invented). */
function restrict(blueprint: HostBlueprint): ReadonlyMap<number, Restriction> {
  const most = Math.max(0, ...Object.values(blueprint.gpus).map(({ amount }) => amount));
  const share = (count: number, amount: number, min: number): { min: number; max: number } => {
    const part = count === 0 ? 0.25 : count / most;
    return { min, max: Math.max(min, Math.floor((amount * part) / 2) * 2) };
  };
  const entries = Array.from({ length: most + 1 }, (_, count): [number, Restriction] => [
    count,
    {
      cpu: share(count, blueprint.cpu.amount, 2),
      ram: share(count, blueprint.ram.amount, 4),
      storage: share(count, blueprint.storage.amount, 20),
    },
  ]);
  return new Map(entries);
}

/** Addresses kept for documentation; beyond 762 hosts those kept for benchmarks. Nobody answers at either. */
function documentationAddress(index: number): string {
  const nets = ['203.0.113', '198.51.100', '192.0.2'];
  const net = nets[Math.floor(index / 254)];
  if (net !== undefined) return `${net}.${String((index % 254) + 1)}`;
  return `198.18.${String((index >> 8) & 255)}.${String(index & 255)}`;
}

/** One loopback address per host, so that two hosts can forward the same port. */
function loopbackAddress(index: number): string {
  const [high, middle, low] = [Math.floor(index / 64_516), Math.floor(index / 254) % 254, index % 254];
  return `127.${String(64 + high)}.${String(middle)}.${String(low + 1)}`;
}
