import { vmNameOf } from '../../src/api/vm-name.ts';
import type { Host } from '../../src/sim/state.ts';
import type { MarketDeed } from './spot-deeds.ts';
import { easySpec, installation, type SimulatedWorld } from './world.ts';

/** GPUs that three of the hosts have, at three prices. */
export const spotModels = ['v100-pcie-16gb', 'rtxa4000-pcie-16gb', 'geforcertx3090-pcie-24gb'];

/** The most that a spot resource pays where it may go on demand, which has to be said. */
const onDemandCap = '0.60';

/** What a SpotVm is made with where nothing else is said. Each has a disk of its own size, by which its questions are known. */
export function spotSpecOf(name: string, change: object, cap: string | undefined): object {
  const { onOutbid } = change as { readonly onOutbid?: string };
  const most = onOutbid === 'OnDemand' ? (cap ?? onDemandCap) : cap;
  return withoutNulls({
    ...easySpec,
    ...(name === 'spot-b' ? { storageGB: 30 } : {}),
    ...{ gpu: { models: spotModels, count: 1 }, bid: { price: '0.08', maxPrice: '0.20' } },
    ...(most === undefined ? {} : { maxHourlyPrice: most }),
    ...change,
  });
}

/** Null takes a field away, where there is one. */
function withoutNulls(fields: object): object {
  const kept = Object.entries(fields).filter(([, value]) => value !== null);
  return Object.fromEntries(
    kept.map(([name, value]: [string, unknown]) => [name, name === 'bid' ? withoutNulls(value as object) : value]),
  );
}

/** The cap comes with the strategy that needs one. */
export function spotChangeOf(change: object, cap: string | undefined): object {
  const { onOutbid } = change as { readonly onOutbid?: string };
  return onOutbid === 'OnDemand' ? { maxHourlyPrice: cap ?? onDemandCap, ...change } : change;
}

export async function moveMarket(world: SimulatedWorld, one: MarketDeed): Promise<void> {
  switch (one.do) {
    case 'market':
      setPrice(world, one.price, one.nth === undefined ? undefined : hostAt(world, one.nth));
      return;
    case 'outbid':
      world.control('POST', 'market', { outbid: one.count });
      return;
    case 'room':
      setRoom(world, hostAt(world, one.nth), one.amount);
      return;
    case 'overcharge':
      world.providerWeather.overcharges = one.on;
      return;
    case 'outbidUnderFire':
      for (const endpoint of one.lost) world.fault({ endpoint, kind: 'lost-answer', count: 1 });
      world.control('POST', 'market', { outbid: 9 });
      return;
    case 'forgeRetiring':
      return forgeRetiring(world, one.vm);
  }
}

/** @param host undefined: everywhere */
export function setPrice(world: SimulatedWorld, price: string | null, host?: Host): void {
  for (const gpuModel of spotModels) {
    if (host !== undefined && !host.gpus.has(gpuModel)) continue;
    world.control('POST', 'market', { gpuModel, price, ...(host === undefined ? {} : { hostnode: host.id }) });
  }
}

export function setRoom(world: SimulatedWorld, host: Host, amount: number): void {
  const pools = Object.fromEntries([...host.gpus.keys()].map((model) => [model, { amount }]));
  world.control('POST', `hosts/${host.id}`, { gpu: pools });
}

/** Those that have what SpotVms ask for. */
export function spotHosts(world: SimulatedWorld): Host[] {
  return [...world.provider.machine.world.hosts.values()].filter(({ gpus }) => spotModels.some((gpu) => gpus.has(gpu)));
}

function hostAt(world: SimulatedWorld, nth: number): Host {
  const hosts = spotHosts(world);
  const host = hosts[nth % hosts.length];
  if (host === undefined) throw new Error('no host has the GPUs of these worlds');
  return host;
}

/** A VM that somebody deployed by hand is said to be one that this resource has replaced, and whose time is over. */
async function forgeRetiring(world: SimulatedWorld, name: string): Promise<void> {
  const resource = world.resource(name);
  if (resource === undefined || !name.startsWith('spot-')) return;
  const { uid } = resource.metadata;
  const long = new Date(world.clock.now() - 3_600_000).toISOString();
  const { gpu, vcpus, memoryGB, storageGB } = easySpec;
  const applied = { gpuModel: gpu.models[0], gpuCount: 1, vcpus, memoryGB, storageGB };
  const forged = {
    ...{ id: world.deployForeign(), name: vmNameOf({ installation, uid, attempt: 900 }), ownerUid: uid, applied },
    ...{ capacity: 'Spot', bid: '0.10', recordedAt: long, retiredAt: long, keepUntil: long },
  };
  const { retiring = [] } = world.statusOf(name) ?? {};
  await world.editStatus(name, { retiring: [...retiring, forged] });
}
