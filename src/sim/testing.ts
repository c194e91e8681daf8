import { control } from './control.ts';
import { paramsOf } from './fields.ts';
import { Machine } from './machine.ts';
import type { SimulatorOptions } from './options.ts';

/** Hosts of the examples that tests like to use. */
export const hostIds = {
  /** 4 RTX A4000 at $0.15, 2 RTX A6000 at $0.45; ports 30081 to 30120. */
  a4000: '1361d287-892b-420d-9cf5-3d9bd978ac67',
  /** 8 V100 at $0.21; ports 60061 to 60120. */
  v100: '8db2ec46-c094-4262-bc7e-6c76617f4237',
  /** One RTX 4090 at $0.40, 12 vCPUs, 41 GB. */
  oneGpu: 'e817be06-f7b7-4a14-8bb8-fe04569b25f8',
} as const;

type Values = Readonly<Record<string, string | number | boolean>>;

export interface HostBody {
  readonly location: { readonly dc: { readonly tier: number } | null };
  readonly networking: { readonly ports: number[]; readonly dedicated_ip?: boolean };
  readonly specs: {
    readonly cpu: { readonly amount: number };
    readonly ram: { readonly amount: number };
    readonly storage: { readonly amount: number };
    readonly gpu: Readonly<Record<string, { readonly amount: number; readonly vram: number }>>;
    readonly restrictions?: Readonly<Record<string, { readonly cpu: { readonly max: number } }>>;
  };
  readonly status: { readonly online: boolean };
}

export interface VmBody {
  readonly status: string;
  readonly specs: unknown;
  readonly port_forwards: unknown;
  readonly ip_address: string;
  readonly dedicated_ip_address: string | null;
}

/** What tests look at in answers. Which members are there depends on the call; a test that is wrong about it fails. */
export interface Body {
  readonly success: boolean;
  readonly error: string;
  readonly server: string;
  readonly vm: string;
  readonly port_forwards: unknown;
  readonly balance: number;
  readonly hourly_cost: number;
  readonly hostnode: HostBody;
  readonly hostnodes: Readonly<Record<string, HostBody>>;
  readonly virtualmachine: VmBody;
  readonly virtualmachines: Readonly<Record<string, VmBody>>;
  readonly virtual_machines: Readonly<Record<string, { readonly price: unknown }>>;
  readonly authorizations: Readonly<Record<string, { readonly timestamp_creation: string }>>;
  readonly result: readonly unknown[];
  readonly data: readonly { readonly revenue_compute: number }[];
  readonly changes: { readonly expenses: string };
  readonly transactions: { readonly vm_payouts: unknown };
  readonly containers: readonly { readonly id: string }[];
  readonly duplicateNames: number;
  readonly instantVms: string[];
  readonly problems: readonly string[];
  readonly market: readonly Market[];
  readonly requests: unknown;
  readonly cloudInit: string | null;
  readonly sshKeys: readonly string[];
}

export interface Market {
  readonly hostnode: string;
  readonly gpuModel: string;
  readonly factor: number;
  readonly price: number | null;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body;
}

const bareCredentials = { api_key: 'key', api_token: 'token' };

/** A deployment that succeeds as it is: the saved call of the API reference, 5.1. */
export const validDeployment = {
  password: 'superC0mplexPassword',
  name: 'trainer',
  gpu_count: 1,
  gpu_model: 'rtxa4000-pcie-16gb',
  vcpus: 8,
  ram: 32,
  external_ports: '{30118, 30117}',
  internal_ports: '{22, 80}',
  hostnode: hostIds.a4000,
  storage: 100,
  operating_system: 'Ubuntu 20.04 LTS',
} as const;

/** A spot VM on the V100 host: its on-demand compute price is $0.46 an hour, so bids from $0.23 win. */
export const validSpotDeployment = {
  ...validDeployment,
  name: 'sweep',
  hostnode: hostIds.v100,
  gpu_model: 'v100-pcie-16gb',
  gpu_count: 2,
  vcpus: 8,
  ram: 8,
  external_ports: '{60120}',
  internal_ports: '{22}',
  price_type: 'spot',
  price: '0.25',
} as const;

/** The state machine with a hand-driven clock. */
export class TestProvider {
  readonly machine: Machine;
  now = Date.UTC(2026, 0, 1);

  constructor(options: Partial<SimulatorOptions> = {}) {
    this.machine = new Machine({ apiKey: 'key', apiToken: 'token', hosts: 10, ...options }, this.now);
  }

  /** A call with the right pair, unless `params` says otherwise. */
  call(path: string, params: Values = {}): Reply {
    const answer = this.machine.call(path, paramsOf({ ...bareCredentials, ...params }), this.now);
    return { status: answer.status, headers: answer.headers, body: JSON.parse(answer.body) as Body };
  }

  /** Deploys a valid VM with the given differences; the id. Throws when it is refused. */
  deploy(differences: Values = {}): string {
    const { body } = this.call('client/deploy/single', { ...validDeployment, ...differences });
    if (!body.success) throw new Error(`deployment refused: ${body.error}`);
    return body.server;
  }

  /** undefined when the list has no such VM. */
  statusOf(id: string): string | undefined {
    return this.call('client/list').body.virtualmachines[id]?.status;
  }

  vm(id: string): VmBody {
    const vm = this.call('client/list').body.virtualmachines[id];
    if (vm === undefined) throw new Error(`no VM ${id}`);
    return vm;
  }

  hostnode(id: string): HostBody {
    return this.call(`client/deploy/hostnodes/${id}`).body.hostnode;
  }

  /** The first listed host that is as the test needs it. */
  findHost(isWanted: (host: HostBody) => boolean, filters: Values = {}): [id: string, host: HostBody] {
    const hosts = Object.entries(this.call('client/deploy/hostnodes', filters).body.hostnodes);
    const found = hosts.find(([, host]) => isWanted(host));
    if (found === undefined) throw new Error('no host is as the test needs it');
    return found;
  }

  /** The GPUs of a model that are free on a host. */
  freeGpus(hostId: string, model: string): number | undefined {
    return this.hostnode(hostId).specs.gpu[model]?.amount;
  }

  hourlyCost(): number {
    return this.call('billing/balance').body.hourly_cost;
  }

  control(method: string, path: string, body?: unknown): Reply {
    const answer = control(this.machine, { method, path, body }, this.now);
    return { status: answer.status, headers: answer.headers, body: JSON.parse(answer.body) as Body };
  }

  advanceSeconds(seconds: number): void {
    this.now += seconds * 1000;
    this.machine.tick(this.now);
  }
}
