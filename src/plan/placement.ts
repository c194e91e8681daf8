import type { VmSpec } from '../api/vm.ts';
import type { Money } from '../lib/money.ts';
import type { Host, HostGpu, PortForward, Range, SizeRange, VmPrice, VmSize } from '../provider/contract.ts';
import { chooseExternalPorts } from './ports.ts';
import { quote } from './price.ts';

/** The part of a spec that decides where its VM may go. */
export type PlacementRequest = Pick<VmSpec, 'gpu' | 'vcpus' | 'memoryGB' | 'storageGB' | 'placement' | 'ports'>;

export interface Offer {
  readonly host: Host;
  readonly size: VmSize;
  readonly price: VmPrice;
  readonly ports: readonly PortForward[];
}

export interface PlacementLimits {
  /** Absent: no cap. */
  readonly maxHourlyPrice: Money | undefined;
  readonly isCoolingDown: (hostnode: string) => boolean;
  /** Whether as many members of the pool are there as may be. Absent: there is no such limit. */
  readonly isFull?: ((host: Host) => boolean) | undefined;
  /** What limits of others leave for it per hour; absent: nobody limits that. */
  readonly mostHourly?: Money | undefined;
  /** What a VM costs there, to be compared with the cap. Default: by the unit prices of the inventory. */
  readonly priceOf?: (host: Host, gpu: HostGpu, size: VmSize) => VmPrice;
  /** Which price decides between offers. Default: what the VM costs there. */
  readonly rankBy?: (offer: Offer) => Money;
  /** What else may be wrong with one that has the size. */
  readonly rejects?: (host: Host) => Rejection | undefined;
  /** What it is that is chosen from, one and many. Default: hosts. */
  readonly things?: readonly [string, string];
}

export type Placement = { readonly kind: 'offer'; readonly offer: Offer } | NoPlacement;

export interface NoPlacement {
  readonly kind: 'none';
  /** True when price alone is in the way on at least one host. */
  readonly onlyPrice: boolean;
  /** Lowest price of a host that fits but for the price. */
  readonly cheapest: Money | undefined;
  /** Lowest price of a host that fits but for what limits of others leave. */
  readonly cheapestOverRoom: Money | undefined;
  /** "31 hosts: 12 over price, 9 with too few vCPUs, 4 cooling down". */
  readonly tally: string;
}

/**
 * Why a host does not fit, in the order in which it is checked: the later, the nearer the host came. The text goes
 * behind a number: "9 with too few vCPUs".
 */
const rejections = {
  offline: 'offline or not listed',
  excluded: 'excluded by placement.hostnodes or excludeHostnodes',
  location: 'in other locations',
  uptime: 'below minUptimePercent',
  model: 'without the GPU model',
  gpus: 'with too few free GPUs',
  otherGpus: 'with more GPUs',
  vcpus: 'with too few vCPUs',
  memory: 'with too little memory',
  storage: 'with too little storage',
  restricted: 'that restrict the size',
  system: 'with another operating system',
  ports: 'without a free port',
  spread: 'with as many members of the pool as its spread allows',
  cooling: 'cooling down after a failure',
  price: 'over price',
  room: 'over what budgets leave',
} as const;
type Rejection = keyof typeof rejections;
const checkOrder = Object.keys(rejections) as Rejection[];

/**
 * Chooses the host and model for a VM: the first model of the preference list that any host offers within the limits,
 * and among its hosts the best by the strategy. Pure; ties are broken by the host's id so that the choice is repeatable.
 *
 * @param hosts inventory, already less what launches in flight have taken
 * @param limits what else keeps a host from being taken
 */
export function choosePlacement(request: PlacementRequest, hosts: readonly Host[], limits: PlacementLimits): Placement {
  const attempts = tryHosts(request, hosts, limits);
  const compare = comparison(request.placement.strategy, limits);
  for (const ofModel of attempts) {
    const [first, ...others] = offersIn(ofModel);
    if (first === undefined) continue;
    return { kind: 'offer', offer: others.reduce((best, offer) => (compare(offer, best) < 0 ? offer : best), first) };
  }
  return explain(hosts, attempts, limits);
}

export type Ranking = { readonly kind: 'offers'; readonly offers: readonly [Offer, ...Offer[]] } | NoPlacement;

/** All that fits, the best first: as in `choosePlacement`, and the later models of the preference list behind the earlier. */
export function rankOffers(request: PlacementRequest, hosts: readonly Host[], limits: PlacementLimits): Ranking {
  const attempts = tryHosts(request, hosts, limits);
  const compare = comparison(request.placement.strategy, limits);
  const [first, ...others] = attempts.flatMap((ofModel) => offersIn(ofModel).sort(compare));
  return first === undefined ? explain(hosts, attempts, limits) : { kind: 'offers', offers: [first, ...others] };
}

type Attempt =
  | { readonly kind: 'fits'; readonly offer: Offer }
  | { readonly kind: 'rejected'; readonly why: Rejection; readonly price?: Money };

/** By model of the preference list, and in the order of the hosts. */
function tryHosts(
  request: PlacementRequest,
  hosts: readonly Host[],
  limits: PlacementLimits,
): readonly (readonly Attempt[])[] {
  return request.gpu.models.map((model) => hosts.map((host) => tryHost(request, host, model, limits)));
}

function offersIn(attempts: readonly Attempt[]): Offer[] {
  return attempts.flatMap((attempt) => (attempt.kind === 'fits' ? [attempt.offer] : []));
}

function tryHost(request: PlacementRequest, host: Host, model: string, limits: PlacementLimits): Attempt {
  const gpu = host.gpus.find((candidate) => candidate.model === model);
  const why = rejectHost(request, host) ?? rejectSize(request, host, gpu);
  if (why !== undefined || gpu === undefined) return { kind: 'rejected', why: why ?? 'model' };

  const ports = chooseExternalPorts(request.ports, host);
  if (ports === undefined) return { kind: 'rejected', why: 'ports' };
  const limited = rejectByLimits(host, limits);
  if (limited !== undefined) return { kind: 'rejected', why: limited };

  const size: VmSize = {
    gpuModel: model,
    gpuCount: request.gpu.count,
    vcpus: request.vcpus,
    memoryGB: request.memoryGB,
    storageGB: request.storageGB,
  };
  const price = (limits.priceOf ?? quote)(host, gpu, size);
  const tooDear = rejectPrice(price.total, limits);
  if (tooDear !== undefined) return { kind: 'rejected', why: tooDear, price: price.total };
  return { kind: 'fits', offer: { host, size, price, ports } };
}

function rejectPrice(price: Money, { maxHourlyPrice, mostHourly }: PlacementLimits): Rejection | undefined {
  if (maxHourlyPrice !== undefined && price.gt(maxHourlyPrice)) return 'price';
  return mostHourly !== undefined && price.gt(mostHourly) ? 'room' : undefined;
}

function rejectByLimits(host: Host, { rejects, isFull, isCoolingDown }: PlacementLimits): Rejection | undefined {
  const why = rejects?.(host);
  if (why !== undefined) return why;
  if (isFull?.(host) === true) return 'spread';
  return isCoolingDown(host.id) ? 'cooling' : undefined;
}

function rejectHost({ placement }: PlacementRequest, host: Host): Rejection | undefined {
  if (!host.online || !host.listed) return 'offline';
  if (isExcluded(placement, host.id)) return 'excluded';
  if (!isInLocations(host, placement.locations)) return 'location';
  const leastUptime = placement.minUptimePercent ?? 0;
  return (host.uptimePercent ?? 0) < leastUptime ? 'uptime' : undefined;
}

function isExcluded({ hostnodes, excludeHostnodes }: PlacementRequest['placement'], id: string): boolean {
  const isChosen = hostnodes?.includes(id) ?? true;
  return !isChosen || excludeHostnodes?.includes(id) === true;
}

function rejectSize(request: PlacementRequest, host: Host, gpu: HostGpu | undefined): Rejection | undefined {
  if (gpu === undefined) return 'model';
  if (gpu.available < request.gpu.count) return 'gpus';
  if (host.vcpus.available < request.vcpus) return 'vcpus';
  if (host.memoryGB.available < request.memoryGB) return 'memory';
  if (host.storageGB.available < request.storageGB) return 'storage';
  return isAllowed(host.restrictions.get(request.gpu.count), request) ? undefined : 'restricted';
}

function isAllowed(range: SizeRange | undefined, size: PlacementRequest): boolean {
  return (
    isWithin(range?.vcpus, size.vcpus) &&
    isWithin(range?.memoryGB, size.memoryGB) &&
    isWithin(range?.storageGB, size.storageGB)
  );
}

function isWithin(range: Range | undefined, amount: number): boolean {
  return range === undefined || (amount >= range.min && amount <= range.max);
}

function isInLocations(host: Host, locations: PlacementRequest['placement']['locations']): boolean {
  if (locations === undefined) return true;
  return locations.some(
    (wanted) =>
      isSame(wanted.country, host.location.country) &&
      isSame(wanted.region, host.location.region) &&
      isSame(wanted.city, host.location.city),
  );
}

/** A part that is not asked for matches anything. */
function isSame(wanted: string | undefined, actual: string | undefined): boolean {
  return wanted === undefined || wanted.toLowerCase() === actual?.toLowerCase();
}

/** Which of two offers is the better one. */
function comparison(
  strategy: 'Cheapest' | 'MostReliable',
  { rankBy = ({ price }) => price.total }: PlacementLimits,
): (a: Offer, b: Offer) => number {
  const costs = new Map<Offer, Money>();
  const costOf = (offer: Offer): Money => {
    const cost = costs.get(offer) ?? rankBy(offer);
    costs.set(offer, cost);
    return cost;
  };
  const byPrice = (a: Offer, b: Offer): number => costOf(a).cmp(costOf(b));
  const byUptime = (a: Offer, b: Offer): number => (b.host.uptimePercent ?? 0) - (a.host.uptimePercent ?? 0);
  const byId = (a: Offer, b: Offer): number => (a.host.id < b.host.id ? -1 : 1);
  const [first, second] = strategy === 'Cheapest' ? [byPrice, byUptime] : [byUptime, byPrice];
  return (a, b) => first(a, b) || second(a, b) || byId(a, b);
}

function explain(
  hosts: readonly Host[],
  attempts: readonly (readonly Attempt[])[],
  { things: [thing, things] = ['host', 'hosts'] }: PlacementLimits,
): NoPlacement {
  const counts = new Map<Rejection, number>();
  const cheapest: { price?: Money; room?: Money } = {};
  hosts.forEach((_, index) => {
    let nearest: Rejection = 'offline';
    for (const ofModel of attempts) {
      const attempt = ofModel[index];
      if (attempt?.kind !== 'rejected') continue;
      if (checkOrder.indexOf(attempt.why) > checkOrder.indexOf(nearest)) nearest = attempt.why;
      const kind = attempt.why === 'room' ? 'room' : 'price';
      const known = cheapest[kind];
      if (attempt.price !== undefined && (known === undefined || attempt.price.lt(known)))
        cheapest[kind] = attempt.price;
    }
    counts.set(nearest, (counts.get(nearest) ?? 0) + 1);
  });
  const parts = [...counts].sort(([, a], [, b]) => b - a).map(([why, count]) => `${count} ${rejections[why]}`);
  const total = `${hosts.length} ${hosts.length === 1 ? thing : things}`;
  return {
    kind: 'none',
    onlyPrice: cheapest.price !== undefined,
    cheapest: cheapest.price,
    cheapestOverRoom: cheapest.room,
    tally: parts.length === 0 ? `the provider lists no ${things}` : `${total}: ${parts.join(', ')}`,
  };
}
