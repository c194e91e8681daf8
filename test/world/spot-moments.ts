import { annotations } from '../../src/api/group.ts';
import type { RecordedVm } from '../../src/api/vm-status.ts';
import { setPrice } from './spot-perform.ts';
import { easySpec, type SimulatedWorld } from './world.ts';

/** What users of spot VMs meet in several steps, each of which needs the one before: chance alone hardly ever gets to the end. */
export type SpotMoment =
  /** A spot VM that somebody made by hand is taken over, and outbid on its host while bids win elsewhere. */
  | { readonly do: 'outbidAdopted'; readonly vm: string; readonly onOutbid: 'Replace' | 'OnDemand' }
  /** The market rises, falls for long enough that the resource goes back to spot, and rises again as soon as it has. */
  | { readonly do: 'fickleMarket'; readonly vm: string; readonly after: string }
  /** An outbid VM is started, and that takes effect late; by then its host was too dear for it, and its owner wants another one. */
  | { readonly do: 'lateStart'; readonly vm: string; readonly lateMs: number };

/** Below every limit, and above all of them. */
const [low, high] = ['0.04', '5.00'];

const minute = 60_000;

/** Somebody wants this SpotVm, from now on at the latest, and with these fields of its spec. */
type Want = (vm: string, spec: object, annotations?: Readonly<Record<string, string>>) => Promise<void>;

const names = ['spot-a', 'spot-b', 'spot-c'];

/** Each step is waited for; where trouble keeps it from coming, the rest is left out. */
export async function meetSpotMoment(world: SimulatedWorld, one: SpotMoment, want: Want): Promise<void> {
  switch (one.do) {
    case 'outbidAdopted':
      return outbidAdopted(world, one, want);
    case 'fickleMarket':
      return turnTwice(world, one, want);
    case 'lateStart':
      return startLate(world, one, want);
  }
}

async function outbidAdopted(
  world: SimulatedWorld,
  { vm, onOutbid }: Extract<SpotMoment, { do: 'outbidAdopted' }>,
  want: Want,
): Promise<void> {
  // What has a VM takes over no other one.
  const name = [vm, ...names].find((one) => names.includes(one) && world.resource(one) === undefined);
  if (name === undefined) return;
  setPrice(world, low);
  const id = world.deployForeign('0.30');
  await want(name, { onOutbid, storageGB: easySpec.storageGB }, { [annotations.adopt]: id });
  if ((await world.until(() => recorded(world, name)?.adopted === true, 2 * minute)) === undefined) return;
  // While it is there nothing is deployed at all.
  await world.annotate(name, { [annotations.adopt]: null });
  const host = world.provider.machine.world.hosts.get(world.vms().find((one) => one.id === id)?.host.id ?? '');
  if (host !== undefined) setPrice(world, high, host);
}

async function turnTwice(
  world: SimulatedWorld,
  { vm, after }: Extract<SpotMoment, { do: 'fickleMarket' }>,
  want: Want,
): Promise<void> {
  const name = names.includes(vm) ? vm : 'spot-a';
  setPrice(world, high);
  await want(name, { powerState: 'Running', onOutbid: 'OnDemand', outbidRetention: '0s', returnToSpot: { after } });
  if (!(await runsAs(world, name, 'OnDemand'))) return;
  setPrice(world, low);
  if (await runsAs(world, name, 'Spot')) setPrice(world, high);
}

async function startLate(
  world: SimulatedWorld,
  { vm, lateMs }: Extract<SpotMoment, { do: 'lateStart' }>,
  want: Want,
): Promise<void> {
  const name = names.includes(vm) ? vm : 'spot-a';
  setPrice(world, low);
  await want(name, { powerState: 'Running', onOutbid: 'Wait' });
  if (!(await runsAs(world, name, 'Spot'))) return;
  setPrice(world, high);
  if ((await world.until(() => world.statusOf(name)?.phase === 'Outbid', minute)) === undefined) return;
  world.providerWeather.heldUp = { path: 'client/start/single', ms: lateMs };
  setPrice(world, low);
  const isUnderWay = (): boolean => world.providerWeather.heldUp === undefined;
  if ((await world.until(isUnderWay, 10 * minute)) === undefined) return;
  const host = world.vms().find(({ id }) => id === recorded(world, name)?.id)?.host;
  if (host === undefined) return;
  setPrice(world, high, host);
  await want(name, { onOutbid: 'Replace' });
  // It wins again at the moment at which the call takes effect.
  world.clock.after(lateMs - 1_000, () => {
    setPrice(world, low, host);
  });
}

/** Any on-demand VM has been given up for it by then, if one is waited for. */
async function runsAs(world: SimulatedWorld, name: string, capacity: 'Spot' | 'OnDemand'): Promise<boolean> {
  const runs = (): boolean => recorded(world, name)?.capacity === capacity && world.statusOf(name)?.phase === 'Running';
  return (await world.until(runs, 10 * minute)) !== undefined;
}

function recorded(world: SimulatedWorld, name: string): RecordedVm | undefined {
  return world.statusOf(name)?.vm;
}
