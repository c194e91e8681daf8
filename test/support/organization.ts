import { gpuAccountType } from '../../src/api/group.ts';
import type { GpuAccountStatus } from '../../src/api/gpu-account.ts';
import type { Condition } from '../../src/api/conditions.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import { startSimulator, type RunningSimulator, type StartOptions } from '../../src/sim/index.ts';
import type { Cluster } from './cluster.ts';
import { until } from './until.ts';

/** What `GET /sim/state` says, as far as tests read it. */
export interface SimState {
  readonly vms: readonly SimVm[];
  readonly requests: Readonly<Record<string, number>>;
  readonly duplicateNames: number;
  readonly problems: readonly string[];
  readonly hourlyCost: number;
  readonly faults: readonly unknown[];
}

export interface SimVm {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  /** US dollars per hour; null on demand. */
  readonly bid: number | null;
  readonly computePrice: number;
  readonly storagePrice: number;
  readonly hostnode: string;
  readonly gpuModel: string;
  readonly gpuCount: number;
  readonly vcpus: number;
  readonly ram: number;
  readonly storage: number;
  readonly ipAddress: string;
  readonly portForwards: Readonly<Record<string, string>>;
}

export interface SimVmInFull extends SimVm {
  readonly password: string | null;
  readonly sshKeys: readonly string[];
  readonly cloudInit: string | null;
}

export interface SimRequestLine {
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly status?: number;
  readonly fault?: string;
  readonly carriedOut: boolean;
}

export interface OrganizationOptions extends StartOptions {
  /** That of the VMs, which is there already. Default: a new one. */
  readonly namespace?: string;
  readonly requestsPerSecond?: number;
  /** Address of the API that the GpuAccount is given. Default: the simulator's own. */
  readonly endpoint?: (url: string) => string | Promise<string>;
  /** What the credentials Secret holds. Default: what the simulator accepts; undefined: there is no Secret. */
  readonly credentials?: { readonly api_key: string; readonly api_token: string } | undefined;
}

/** What the simulators of all organizations accept. */
export const pair = { api_key: 'test-api-key-1f7a2b9c', api_token: 'test-api-token-7d1e4f8a2b' };

let seeds = 0;

/** A customer of the provider: a simulator of its own, a GpuAccount for it, and a namespace for the VMs. */
export class Organization {
  readonly account: string;
  readonly namespace: string;
  readonly simulator: RunningSimulator;
  readonly #cluster: Cluster;
  readonly #spec: object;

  private constructor(
    cluster: Cluster,
    {
      simulator,
      namespace,
      ...spec
    }: { simulator: RunningSimulator; namespace: string; endpoint: string; requestsPerSecond: number },
  ) {
    this.#cluster = cluster;
    this.simulator = simulator;
    this.namespace = namespace;
    this.account = `org-${namespace}`;
    this.#spec = { ...spec, credentialsSecretRef: { namespace, name: 'tensordock' } };
  }

  static async found(cluster: Cluster, options: OrganizationOptions = {}): Promise<Organization> {
    const { requestsPerSecond = 1000, endpoint = (url: string) => url, namespace: given, ...rest } = options;
    // A seed of its own: ids of VMs are unique at the provider, whoever's they are.
    const simulator = await startSimulator({ seed: ++seeds, apiKey: pair.api_key, apiToken: pair.api_token, ...rest });
    const namespace = given ?? (await cluster.createNamespace('team'));
    const credentials = 'credentials' in options ? options.credentials : pair;
    if (credentials !== undefined) await cluster.createSecret(namespace, 'tensordock', { ...credentials });
    const url = await endpoint(simulator.url);
    const organization = new Organization(cluster, { simulator, namespace, endpoint: url, requestsPerSecond });
    await organization.makeAccount();
    return organization;
  }

  /** It is there from the beginning: again, once it was deleted. */
  async makeAccount(): Promise<void> {
    await this.#cluster.kube.create(gpuAccountType, {
      apiVersion: 'gpuvm.dev/v1alpha1',
      kind: 'GpuAccount',
      metadata: { name: this.account },
      spec: this.#spec,
    });
  }

  state(): Promise<SimState> {
    return this.control<SimState>('GET', 'state');
  }

  async requests(path?: string): Promise<SimRequestLine[]> {
    const { requests } = await this.control<{ requests: SimRequestLine[] }>('GET', 'requests');
    return path === undefined ? requests : requests.filter((request) => request.path === path);
  }

  vm(id: string): Promise<SimVmInFull> {
    return this.control<SimVmInFull>('GET', `vms/${id}`);
  }

  async changeVm(id: string, change: object): Promise<void> {
    await this.control('POST', `vms/${id}`, change);
  }

  async changeHost(id: string, change: object): Promise<void> {
    await this.control('POST', `hosts/${id}`, change);
  }

  /** What a bid must reach from now on, in US dollars per VM and hour; null: what the simulator thinks. */
  async market(
    price: string | null,
    place: { readonly gpuModel?: string; readonly hostnode?: string } = {},
  ): Promise<void> {
    await this.control('POST', 'market', { price, ...place });
  }

  async fault(fault: object): Promise<void> {
    await this.control('POST', 'faults', fault);
  }

  async endFaults(): Promise<void> {
    await this.control('DELETE', 'faults');
  }

  /** A call of the control surface; rejects when it is refused. */
  async control<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<T> {
    const answer = await fetch(`${this.simulator.controlUrl}/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`/sim/${path}: ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** A call of the provider's API by somebody else than the operator. */
  async call(path: string, params: Readonly<Record<string, string | number>>): Promise<Record<string, unknown>> {
    const form = new URLSearchParams(pair);
    for (const [name, value] of Object.entries(params)) form.set(name, `${value}`);
    const answer = await fetch(`${this.simulator.url}/${path}`, { method: 'POST', body: form });
    return (await answer.json()) as Record<string, unknown>;
  }

  /** Waits for so many more lists than there were: for what nothing else shows. */
  async untilListed(times: number): Promise<void> {
    const count = async (): Promise<number> => (await this.state()).requests['client/list'] ?? 0;
    const wanted = (await count()) + times;
    await until(`the operator has listed ${times} times more`, async () => (await count()) >= wanted);
  }

  accountObject(): Promise<(CustomObject & { status?: GpuAccountStatus }) | undefined> {
    return this.#cluster.kube.get(gpuAccountType, { name: this.account });
  }

  async accountCondition(type: string): Promise<Condition | undefined> {
    return (await this.accountObject())?.status?.conditions?.find((condition) => condition.type === type);
  }

  async deleteAccount(): Promise<void> {
    await this.#cluster.kube.delete(gpuAccountType, { name: this.account });
  }
}
