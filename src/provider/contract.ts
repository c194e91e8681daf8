import type { Money } from '../lib/money.ts';
import type { InstantRequest, InstantVm } from './instant.ts';
import type { HostRevenue, MonthlySummary, RevenueQuestion } from './reports.ts';

/**
 * What the operator asks of a marketplace of GPU VMs, and what it may rely on. Neutral: it fits the provider's API v0
 * and its newer v2; what only one of them can do is data in `capabilities`, never a version check.
 *
 * Rules for every implementation:
 * - A method resolves only when the provider said, in an answer that could be parsed, that the thing was done.
 * - Everything else rejects with a ProviderError, whose `outcome` says whether the call may have been carried out.
 * - Only read-only calls are ever repeated by the implementation. A repeated deploy is a second VM.
 * - No credential appears in an error, at any depth.
 */
export interface Provider {
  readonly capabilities: ProviderCapabilities;

  /** Succeeds when the credentials are good. Rejects `unauthorized` when they are not. */
  checkCredentials(options?: CallOptions): Promise<void>;

  /**
   * All live VMs of the organization, whoever made them. Entries that cannot be understood are not dropped: they are in
   * `unreadable` by id, so that "I could not read it" is never taken for "it is gone".
   */
  listVms(options?: CallOptions): Promise<VmListing>;

  /** One VM. Rejects `notFound` only if the provider said that there is none with that id. */
  getVm(id: string, options?: CallOptions): Promise<CloudVm>;

  /** Hosts with what they have free now. The answer may hold hosts and GPU models that fit no one: filter again. */
  listHosts(options?: CallOptions): Promise<Host[]>;

  /** VMs that are ready to be taken. None where `capabilities.instantVms` is false. */
  listInstantVms(options?: CallOptions): Promise<readonly InstantVm[]>;

  /** Money: what is left and what is being spent per hour, for the whole organization. */
  getBalance(options?: CallOptions): Promise<Balance>;

  /** What the organization's hosts have earned, for those who rent out hosts. Rejects `invalid` for bounds that cannot be read. */
  getRevenue(question: RevenueQuestion, options?: CallOptions): Promise<readonly HostRevenue[]>;

  /** One month of the organization's account, such as "2026-11", for those who rent out hosts. */
  getSummary(month: string, options?: CallOptions): Promise<MonthlySummary>;

  /**
   * Makes one VM. NOT idempotent: each success is another VM. After a rejection whose outcome is `uncertain` the VM may
   * exist, and may even appear later; look for its name in listings requested after the call before trying again.
   * Rejects `bidTooLow` when the bid does not win on that host.
   */
  deploy(request: DeployRequest, options?: CallOptions): Promise<DeployReceipt>;

  /**
   * Takes a ready-made VM, under the name that is given. NOT idempotent, as `deploy`, and its outcome is found out in the same
   * way. Rejects `notFound` when somebody else was faster. The receipt may have neither address nor ports nor price.
   */
  deployInstant(request: InstantRequest, options?: CallOptions): Promise<DeployReceipt>;

  /**
   * Files a request to start; the listing tells when it runs. Rejects `noCapacity` when the host has no room now,
   * `bidTooLow` when the bid of a spot VM does not win now, and `wrongState` when the VM runs already (which a caller who
   * re-reads the listing may take for success).
   */
  startVm(id: string, options?: CallOptions): Promise<void>;

  /** Files a request to stop. `release` gives GPU, vCPUs and memory back: only storage is billed then. */
  stopVm(id: string, request: { readonly release: boolean }, options?: CallOptions): Promise<void>;

  /** Sets absolute sizes of a stopped VM. Repeating it is harmless. */
  modifyVm(id: string, size: VmSize, options?: CallOptions): Promise<void>;

  /** Deletes for good. A VM that was deleted before counts as success. Rejects `notFound` for an id nobody knows. */
  deleteVm(id: string, options?: CallOptions): Promise<void>;

  /**
   * Whether a new VM of this size would win on this host with this bid. Changes nothing and reserves nothing: a
   * deployment a moment later may be refused all the same. False: bid more, or there is no room; the two cannot be told
   * apart. Only where `capabilities.bids`. Rejects `notFound` for an unknown host, `invalid` for a size that is none.
   */
  validateBid(question: BidQuestion, options?: CallOptions): Promise<boolean>;

  /**
   * Whether this VM would start, or go on running, with this bid. Changes nothing, the VM's own bid included. False: bid
   * more, or there is no room, or it is no spot VM. Only where `capabilities.bids`. Rejects `notFound`.
   */
  validateBidOf(vmId: string, bid: Money, options?: CallOptions): Promise<boolean>;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface ProviderCapabilities {
  /** What the provider calls itself, for messages: "TensorDock API v0". */
  readonly name: string;
  /** Longest VM name in characters. */
  readonly maxNameLength: number;
  /** A deploy call needs the external port of each forward (v0); otherwise the provider assigns them. */
  readonly choosesExternalPorts: boolean;
  /** A VM has to be stopped before its size can be changed. */
  readonly modifyNeedsStop: boolean;
  /** vCPUs and memory go in steps of this; v0 takes even numbers only. */
  readonly vcpuStep: number;
  readonly memoryStepGB: number;
  /** Least storage in GB for an operating system. */
  minStorageGB(operatingSystem: string): number;
  /** Longest time a call may go on at the provider after the client gave it up, in milliseconds. */
  readonly lateEffectMs: number;
  /** There are spot VMs, which are held by a bid, and bids can be asked about. */
  readonly bids: boolean;
  /** There may be VMs that were made beforehand, and can be taken under a name of one's own. */
  readonly instantVms: boolean;
}

/** Power state as the operator understands it. `unknown`: a word we do not know; hands off. */
export type VmState =
  | 'running'
  /** Stopped with its resources kept: billed as a running one. */
  | 'stopped'
  /** Stopped with GPU, vCPUs and memory given back: only storage is billed. */
  | 'released'
  /** A spot VM that lost its place to a higher bid. */
  | 'outbid'
  /** Still listed, but over: deleted or ended by the provider. */
  | 'terminated'
  | 'unknown';

export interface CloudVm {
  readonly id: string;
  readonly name: string;
  readonly state: VmState;
  /** The provider's own word, as it came: "StoppedDisassociated". */
  readonly providerStatus: string;
  readonly type: 'ondemand' | 'spot' | 'unknown';
  readonly size: VmSize;
  readonly operatingSystem: string | undefined;
  readonly hostnode: string | undefined;
  readonly location: Location;
  /** IP address or host name to reach it at; undefined when the answer has none. */
  readonly address: string | undefined;
  readonly user: string | undefined;
  readonly portForwards: readonly PortForward[];
  /** Rates of the VM when it runs, per hour. Not what is billed now: see `billedNow`. */
  readonly price: VmPrice | undefined;
  /** Milliseconds since the epoch. */
  readonly createdAt: number | undefined;
}

export interface VmSize {
  readonly gpuModel: string;
  readonly gpuCount: number;
  readonly vcpus: number;
  readonly memoryGB: number;
  readonly storageGB: number;
}

export interface VmPrice {
  readonly compute: Money;
  /** Undefined when the answer has only the compute rate (API v0, get/single). */
  readonly storage: Money | undefined;
  readonly total: Money;
}

export interface Location {
  readonly city: string | undefined;
  /** State, province or region. */
  readonly region: string | undefined;
  readonly country: string | undefined;
}

export interface PortForward {
  readonly external: number;
  readonly internal: number;
}

export interface VmListing {
  readonly vms: readonly CloudVm[];
  /** Ids of entries that were there but could not be understood. */
  readonly unreadable: readonly string[];
  /** Names of those of them whose name at least could be read. */
  readonly unreadableNames?: ReadonlyMap<string, string>;
}

export interface Host {
  readonly id: string;
  readonly location: Location;
  readonly online: boolean;
  readonly listed: boolean;
  /** 0 to 100. */
  readonly uptimePercent: number | undefined;
  readonly gpus: readonly HostGpu[];
  readonly vcpus: Stock;
  readonly memoryGB: Stock;
  readonly storageGB: Stock;
  /** External ports free on that host. */
  readonly freePorts: readonly number[];
  /** The host gives a whole address and needs no port forwards. */
  readonly dedicatedIp: boolean;
  /** By number of GPUs: the range of each resource that may be ordered with that many. Absent: no restriction. */
  readonly restrictions: ReadonlyMap<number, SizeRange>;
}

export interface Stock {
  readonly available: number;
  /** Per unit and hour. */
  readonly price: Money;
}

export interface HostGpu extends Stock {
  readonly model: string;
  readonly vramGB: number | undefined;
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

export interface SizeRange {
  readonly vcpus: Range | undefined;
  readonly memoryGB: Range | undefined;
  readonly storageGB: Range | undefined;
}

export interface DeployRequest {
  readonly name: string;
  readonly hostnode: string;
  readonly size: VmSize;
  readonly operatingSystem: string;
  readonly ports: readonly PortForward[];
  readonly password: string | undefined;
  /** One OpenSSH public key line. */
  readonly sshKey: string | undefined;
  /** A cloud-config fragment with real line breaks and without the `#cloud-config` line; the client encodes it. */
  readonly cloudInit: string | undefined;
  /** Present for a spot VM: the bid on the compute price, per VM and hour. */
  readonly bid?: Money;
}

export interface BidQuestion {
  readonly hostnode: string;
  readonly size: VmSize;
  /** On the compute price, per VM and hour, as in a DeployRequest. */
  readonly bid: Money;
}

export interface DeployReceipt {
  readonly id: string;
  readonly address: string | undefined;
  readonly portForwards: readonly PortForward[];
  /** The rates that the provider will bill; undefined when the answer had none. */
  readonly price: VmPrice | undefined;
}

export interface Balance {
  readonly balance: Money;
  readonly hourlyCost: Money;
}

/** What is billed for a VM at this moment, per hour: the table of API reference section 10. */
export function billedNow(vm: Pick<CloudVm, 'state' | 'price'>): Money | undefined {
  if (vm.price === undefined) return undefined;
  switch (vm.state) {
    case 'running':
    case 'stopped':
    case 'unknown':
      return vm.price.total;
    case 'released':
    case 'outbid':
      return vm.price.storage;
    case 'terminated':
      return vm.price.total.times(0);
  }
}
