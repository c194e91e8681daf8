import type { Clock } from '../../lib/clock.ts';
import type { ProxyAddress } from '../../lib/proxy-address.ts';
import type { Redactor } from '../../lib/redact.ts';
import type { Provider, ProviderCapabilities, VmListing } from '../contract.ts';
import { ProviderError } from '../error.ts';
import * as api from './client.ts';
import { endpoints } from './endpoint.ts';
import type { RevenueQuestion } from '../reports.ts';
import { toInstantVms } from './instant.ts';
import { ListingReader, toCloudVm, toHost, toReceipt } from './normalize.ts';
import { toRevenue, toSummary } from './reports.ts';

export interface TensorDockOptions {
  /** "https://dashboard.tensordock.com/api/v0". Throws at creation for anything but a plain http(s) URL. */
  readonly endpoint: string;
  /** Asked before each call, so that a rotated Secret takes effect without a new provider. */
  readonly credentials: () => api.Credentials;
  readonly redactor: Redactor;
  readonly clock: Clock;
  /** Of one call, connecting included. Default 30 s. */
  readonly timeoutMs?: number;
  readonly maxConnections?: number;
  /** Whether the endpoint may have a private or loopback address, as a simulator has. Default false. */
  readonly allowPrivate?: boolean;
  /** An HTTP proxy on the way to an https endpoint. Default: none. */
  readonly proxy?: ProxyAddress | undefined;
  readonly maxAnswerBytes?: number;
  /** List hosts reserved for the organization too, at the price of credentials in a query string. Default false. */
  readonly includeReservedHosts?: boolean;
  /** See ProviderCapabilities. Default 120 s: the proxy before the API gives a request up after 100. */
  readonly lateEffectMs?: number;
  /** What carries the requests. Default: undici. Another one lets the client run against a provider in this process. */
  readonly transport?: api.HttpTransport;
}

export interface TensorDockProvider extends Provider {
  /** Closes the connections once running calls have ended. */
  close(): Promise<void>;
}

/** Which endpoint each method calls, for metrics and logs. */
export const endpointOfMethod = {
  checkCredentials: endpoints.authTest.path,
  listVms: endpoints.list.path,
  getVm: endpoints.getSingle.path,
  listHosts: endpoints.hostnodes.path,
  listInstantVms: endpoints.instantVms.path,
  getBalance: endpoints.billingBalance.path,
  getRevenue: endpoints.billingRevenue.path,
  getSummary: endpoints.billingSummary.path,
  deploy: endpoints.deploySingle.path,
  deployInstant: endpoints.deployInstantSingle.path,
  startVm: endpoints.startSingle.path,
  stopVm: endpoints.stopSingle.path,
  modifyVm: endpoints.modifySingle.path,
  deleteVm: endpoints.deleteSingle.path,
  validateBid: endpoints.spotValidateNew.path,
  validateBidOf: endpoints.spotValidateExisting.path,
} as const satisfies Record<Exclude<keyof Provider, 'capabilities'>, string>;

/** The contract over API v0. Each method makes exactly one HTTP request, so that a ticket of the gate is one request. */
export function createTensorDockProvider(options: TensorDockOptions): TensorDockProvider {
  const transport = options.transport ?? httpTransport(options);
  const { credentials, redactor, clock } = options;
  const call = api.createCaller({ transport, clock, credentials, redactor });
  const reader = new ListingReader();
  const listing = { read: reader.read.bind(reader), memory: new api.AnswerMemory<VmListing>() };
  return {
    capabilities: capabilitiesOf(options.lateEffectMs ?? 120_000),
    checkCredentials: async (callOptions) => {
      if (!(await api.authTest(call, callOptions))) throw badCredentials();
    },
    listVms: (callOptions) => api.listInto(call, listing, callOptions),
    getVm: async (id, callOptions) => toCloudVm(id, await api.getSingle(call, id, callOptions)),
    listHosts: async (callOptions) => {
      const hosts = await api.hostnodes(call, { includeReserved: options.includeReservedHosts ?? false }, callOptions);
      return [...hosts].map(([id, host]) => toHost(id, host));
    },
    listInstantVms: async (callOptions) => toInstantVms(await api.instantVms(call, callOptions)),
    getBalance: async (callOptions) => {
      const answer = await api.billingBalance(call, callOptions);
      return { balance: answer.balance, hourlyCost: answer.hourly_cost };
    },
    getRevenue: async (question, callOptions) =>
      toRevenue(await api.billingRevenue(call, revenueRequest(question), callOptions)),
    getSummary: async (month, callOptions) => toSummary(await api.billingSummary(call, month, callOptions)),
    deploy: async (request, callOptions) => toReceipt(await api.deploySingle(call, request, callOptions)),
    deployInstant: async ({ instantId, ...request }, callOptions) => {
      const id = await api.deployInstantSingle(call, { ...request, instanceUuid: instantId }, callOptions);
      return { id, address: undefined, portForwards: [], price: undefined };
    },
    startVm: (id, callOptions) => api.startSingle(call, id, callOptions),
    stopVm: (id, { release }, callOptions) => api.stopSingle(call, { id, release }, callOptions),
    modifyVm: async (id, size, callOptions) => {
      await api.modifySingle(call, { id, size }, callOptions);
    },
    deleteVm: (id, callOptions) => api.deleteSingle(call, id, callOptions),
    validateBid: ({ hostnode, size, bid }, callOptions) =>
      api.spotValidateNew(call, { hostnode, size, price: bid }, callOptions),
    validateBidOf: (id, bid, callOptions) => api.spotValidateExisting(call, { id, price: bid }, callOptions),
    close: () => transport.close(),
  };
}

function revenueRequest({ from, to, hostnode }: RevenueQuestion): api.RevenueRequest {
  return {
    ...(from === undefined ? {} : { startTimestamp: from }),
    ...(to === undefined ? {} : { endTimestamp: to }),
    ...(hostnode === undefined ? {} : { hostnodeId: hostnode }),
  };
}

function httpTransport(options: TensorDockOptions): api.HttpTransport {
  return api.createHttpTransport({
    baseUrl: options.endpoint,
    clock: options.clock,
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    allowPrivate: options.allowPrivate ?? false,
    proxy: options.proxy,
    ...(options.maxConnections === undefined ? {} : { maxConnections: options.maxConnections }),
    ...(options.maxAnswerBytes === undefined ? {} : { maxAnswerBytes: options.maxAnswerBytes }),
  });
}

function capabilitiesOf(lateEffectMs: number): ProviderCapabilities {
  return {
    name: 'TensorDock API v0',
    maxNameLength: 60,
    choosesExternalPorts: true,
    modifyNeedsStop: true,
    vcpuStep: 2,
    memoryStepGB: 2,
    minStorageGB,
    lateEffectMs,
    bids: true,
    instantVms: true,
  };
}

/** The storefront's table (API reference 14.2, A28). */
function minStorageGB(operatingSystem: string): number {
  if (/^windows/i.test(operatingSystem)) return 90;
  if (!/^tensorml/i.test(operatingSystem)) return 20;
  return /everything/i.test(operatingSystem) ? 60 : 40;
}

function badCredentials(): ProviderError {
  return new ProviderError('the provider refused the API key or token', {
    kind: 'unauthorized',
    outcome: 'notDone',
    endpoint: endpoints.authTest.path,
  });
}
