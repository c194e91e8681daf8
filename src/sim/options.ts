/**
 * Everything about the simulator that can be chosen. The comments name the ambiguity of the API reference (section 15)
 * that a switch settles; the first value of a union is the default.
 */
export interface SimulatorOptions {
  /** Seed of all chance: hosts, ids, market, fault probabilities. The same seed and calls give the same answers. */
  readonly seed: number;
  /** Number of hostnodes. The first ones are those of the provider's examples, the rest is generated. */
  readonly hosts: number;
  /** Opening balance, US dollars. */
  readonly balance: string;
  readonly apiKey: string;
  readonly apiToken: string;

  /** Delay of every answer, after the call was carried out. */
  readonly latencyMs: number;
  /** How long deploy and start take. 0: `Running` at once (A7). */
  readonly bootDelayMs: number;
  /** Status while a VM is built; invented, the provider documents none (A7). */
  readonly bootStatus: string;
  /** Status while a VM starts again; invented. */
  readonly startStatus: string;
  readonly stopDelayMs: number;
  /** Status while a VM stops; invented. */
  readonly stopStatus: string;
  readonly deleteDelayMs: number;
  /** Status while a VM is deleted; invented. */
  readonly deleteStatus: string;

  /** A1: status of the answer to a wrong pair. */
  readonly authFailureStatus: 401 | 400 | 200;
  /** A2: `distinct` gives 400, 404 and 500 by cause; `200` answers every refusal with 200. */
  readonly refusalStatus: 'distinct' | '200';
  /** A4 */
  readonly getSingleKey: 'virtualmachine' | 'virtualmachines';
  /** A5 */
  readonly hostnodeKey: 'both' | 'uuid' | 'hostnode';
  /** A6: type of the values of `port_forwards` in the answer to a deployment. */
  readonly portForwardValues: 'string' | 'number';
  /** Section 5.1: `ip` of a deployment is a host name in the example; `address` gives the VM's `ip_address`. */
  readonly deployIp: 'hostname' | 'address';
  /** A8: whether new VMs are of the type "network storage", without which modify is refused. */
  readonly networkStorage: boolean;
  /** A10: whether an outbid VM comes back by itself once its bid wins again. */
  readonly outbidReturns: 'by-start' | 'by-itself';
  /** A19: an SSH key stored with the organization makes password and `ssh_key` optional. Empty: none. */
  readonly organizationSshKey: string;
  /** A20 */
  readonly rawNewlines: 'accept' | '500';
  /** A24 */
  readonly balancePolicy: 'delete-at-zero' | 'stop-then-delete-after-96h';
  /** A26: deployments are refused while the balance is at or below this many dollars. */
  readonly minimumBalance: string;
  /** A28: whether the least storage of each operating system is enforced. */
  readonly minimumStorage: boolean;
  /** A30: whether generated hostnodes have `restrictions`. They are enforced wherever they are present. */
  readonly restrictions: boolean;
  /** A33: GET works on POST endpoints, parameters in the query string. */
  readonly allowGet: boolean;
  /** A42: requests per second above which a pair gets 429. 0: no limit. */
  readonly rateLimit: number;
  /** A43: `object` gives generated hostnodes `location.dc` as `{name, tier}`. */
  readonly dataCenters: 'null' | 'object';
  /** A43: how many of the generated hostnodes have `networking.dedicated_ip`. */
  readonly dedicatedIpHosts: number;
  /** How many of the generated hostnodes are reserved for the organization (section 4.1). */
  readonly reservedHosts: number;

  /** The lowest winning bid as a fraction of the on-demand compute price, until it walks or somebody sets a price. */
  readonly spotFloor: number;
  /** Largest relative step per minute of the market's random walk. 0: the market stands still. */
  readonly spotVolatility: number;
  /** `market`: only the market price outbids. `bids`: a higher bid also takes a full hostnode's GPUs from lower bids. */
  readonly spotCompetition: 'market' | 'bids';

  /** Addresses are loopback addresses, one per hostnode, so that guests can really listen. */
  readonly guests: boolean;
}

export const defaultOptions: SimulatorOptions = {
  seed: 1,
  hosts: 40,
  balance: '1000',
  apiKey: '11111111-2222-4333-8444-555555555555',
  apiToken: 'SimulatorSimulatorSimulator00000',
  latencyMs: 0,
  bootDelayMs: 0,
  bootStatus: 'Deploying',
  startStatus: 'Starting',
  stopDelayMs: 0,
  stopStatus: 'Stopping',
  deleteDelayMs: 0,
  deleteStatus: 'Deleting',
  authFailureStatus: 401,
  refusalStatus: 'distinct',
  getSingleKey: 'virtualmachine',
  hostnodeKey: 'both',
  portForwardValues: 'string',
  deployIp: 'hostname',
  networkStorage: true,
  outbidReturns: 'by-start',
  organizationSshKey: '',
  rawNewlines: 'accept',
  balancePolicy: 'delete-at-zero',
  minimumBalance: '1',
  minimumStorage: true,
  restrictions: false,
  allowGet: false,
  rateLimit: 0,
  dataCenters: 'null',
  dedicatedIpHosts: 0,
  reservedHosts: 0,
  spotFloor: 0.5,
  spotVolatility: 0,
  spotCompetition: 'market',
  guests: false,
};

export function resolveOptions(options: Partial<SimulatorOptions> = {}): SimulatorOptions {
  return { ...defaultOptions, ...options };
}
