import { sleep, type Clock } from '../../lib/clock.ts';
import { money } from '../../lib/money.ts';
import type { Balance, CloudVm, Host, Provider, VmListing } from '../../provider/contract.ts';
import type { InstantVm } from '../../provider/instant.ts';
import { ProviderError } from '../../provider/error.ts';

/** A VM that runs, with whatever is to be different. */
export function vmOf(id: string, changes: Partial<CloudVm> = {}): CloudVm {
  return {
    id,
    name: `name-of-${id}`,
    state: 'running',
    providerStatus: 'Running',
    type: 'ondemand',
    size: { gpuModel: 'rtxa4000-pcie-16gb', gpuCount: 1, vcpus: 4, memoryGB: 16, storageGB: 100 },
    operatingSystem: 'Ubuntu 22.04 LTS',
    hostnode: 'host-1',
    location: { city: undefined, region: undefined, country: undefined },
    address: '203.0.113.10',
    user: 'user',
    portForwards: [{ external: 30_001, internal: 22 }],
    price: { compute: money('0.2'), storage: money('0.01'), total: money('0.21') },
    createdAt: 0,
    ...changes,
  };
}

export function hostOf(id: string, gpus = 4): Host {
  const priced = (available: number) => ({ available, price: money('0.003') });
  return {
    id,
    location: { city: undefined, region: undefined, country: undefined },
    online: true,
    listed: true,
    uptimePercent: 99.9,
    gpus: [{ model: 'rtxa4000-pcie-16gb', vramGB: 16, ...priced(gpus) }],
    vcpus: priced(32),
    memoryGB: priced(128),
    storageGB: priced(1_000),
    freePorts: [30_001, 30_002, 30_003],
    dedicatedIp: false,
    restrictions: new Map(),
  };
}

type Reading = 'listVms' | 'getBalance' | 'listHosts' | 'listInstantVms';

/** The reading half of a provider, with a state that tests set and a log of what was asked when. */
export class Cloud implements Pick<Provider, Reading> {
  vms: readonly CloudVm[] = [];
  unreadable: readonly string[] = [];
  hosts: readonly Host[] = [];
  instants: readonly InstantVm[] = [];
  hourlyCost = '0';
  latencyMs = 0;
  /** Calls fail while this is set. */
  failure: ProviderError['kind'] | undefined;
  readonly calls: { readonly what: Reading; readonly at: number }[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  timesOf(what: Reading): number[] {
    return this.calls.filter((call) => call.what === what).map((call) => call.at);
  }

  listVms(): Promise<VmListing> {
    const listing = { vms: this.vms.map((vm) => ({ ...vm })), unreadable: this.unreadable };
    return this.#answer('listVms', listing);
  }

  getBalance(): Promise<Balance> {
    return this.#answer('getBalance', { balance: money(100), hourlyCost: money(this.hourlyCost) });
  }

  listHosts(): Promise<Host[]> {
    return this.#answer('listHosts', [...this.hosts]);
  }

  listInstantVms(): Promise<readonly InstantVm[]> {
    return this.#answer('listInstantVms', [...this.instants]);
  }

  async #answer<T>(what: Reading, value: T): Promise<T> {
    this.calls.push({ what, at: this.#clock.now() });
    const kind = this.failure;
    if (this.latencyMs > 0) await sleep(this.#clock, this.latencyMs);
    if (kind === undefined) return value;
    throw new ProviderError('the provider is away', { kind, outcome: 'notDone', endpoint: what });
  }
}
