import { createHosts } from './host-generator.ts';
import { instantHostId } from './host-catalog.ts';
import { Ledger } from './ledger.ts';
import { ListHistory } from './list-history.ts';
import { parseNanos } from './nanos.ts';
import type { SimulatorOptions } from './options.ts';
import { Random } from './random.ts';
import { firstMarketTick } from './spot-market.ts';
import type { Host, InstantVm, PreconfiguredKind, World } from './state.ts';
import { hasCompute, takeCompute, takeStorage } from './stock.ts';

const h100 = 'h100-sxm5-80gb';

/** The kinds of the example; the first needs a whole host. */
const kinds: readonly PreconfiguredKind[] = [
  {
    id: 'd9e19f66-210a-47ea-b8dc-4c60f6e239db',
    operatingSystem: 'Ubuntu 22.04 LTS',
    size: { gpuModel: h100, gpuCount: 8, vcpus: 208, ram: 906, storage: 12_000 },
  },
  {
    id: '583ac5b9-ee88-4e0c-91ba-d8cf6061ba19',
    operatingSystem: 'Ubuntu 22.04 LTS',
    size: { gpuModel: h100, gpuCount: 1, vcpus: 22, ram: 112, storage: 1500 },
  },
];

/** The first id is shown in the list of the example, the second is the one its saved deployment asks for. */
const exampleInstants = ['04df99e1-9242-416c-88f5-16bb65bb1342', '5255d6ed-adaf-4356-90a9-d3b766dfc471'];

/** A fresh provider: hosts with all their stock, no VMs, the opening balance. */
export function createWorld(options: SimulatorOptions, now: number): World {
  const hosts = new Map(createHosts(options, new Random(options.seed, 'hosts')).map((host) => [host.id, host]));
  const ids = new Random(options.seed, 'ids');
  const world: World = {
    options,
    now,
    startedAt: now,
    ids,
    marketChance: new Random(options.seed, 'market'),
    hosts,
    vms: new Map(),
    terminated: new Set(),
    kinds: [...kinds],
    instants: createInstants(hosts.get(instantHostId), ids),
    containers: new Map(),
    ledger: new Ledger(openingBalance(options), now),
    history: new ListHistory(),
    names: new Map(),
    inTransition: [],
    credentials: { key: options.apiKey, token: options.apiToken },
    duplicateNames: 0,
    nextExecutionId: 1690,
    nextDedicatedAddress: 0,
    nextMarketTick: firstMarketTick(options, now),
    overdrawnSince: undefined,
  };
  return world;
}

function openingBalance(options: SimulatorOptions): number {
  const balance = parseNanos(options.balance);
  if (balance === undefined) throw new Error(`balance must be an amount of dollars, not ${options.balance}`);
  return balance;
}

/** Ready-made VMs hold their resources before anybody rents them. */
function createInstants(host: Host | undefined, ids: Random): Map<string, InstantVm> {
  const instants = new Map<string, InstantVm>();
  const kind = kinds[1];
  if (host === undefined || kind === undefined) return instants;
  for (let i = 0; i < 4 && hasCompute(host, kind.size); i++) {
    const id = exampleInstants[i] ?? ids.uuid();
    takeCompute(host, kind.size);
    takeStorage(host, kind.size.storage);
    instants.set(id, { id, kind, host, listedPrice: undefined });
  }
  return instants;
}
