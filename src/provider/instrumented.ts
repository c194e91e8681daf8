import type { Clock } from '../lib/clock.ts';
import type { Provider } from './contract.ts';
import { ProviderError, type CallOutcome, type ProviderErrorKind } from './error.ts';

export interface CallRecord {
  /** From the given names, else the method's name. */
  readonly endpoint: string;
  /** `ok`, or the error's kind; `unknown` for anything that is no ProviderError, which would be a bug. */
  readonly result: 'ok' | ProviderErrorKind | 'unknown';
  /** Whether a failed call may have had an effect. */
  readonly outcome: CallOutcome | undefined;
  readonly durationMs: number;
  /** What was thrown. Holds no secret. */
  readonly error: unknown;
}

export interface ProviderHooks {
  /** A call is about to leave. */
  started?(endpoint: string): void;
  /** A call has ended. */
  ended?(record: CallRecord): void;
}

type Method = Exclude<keyof Provider, 'capabilities'>;

export interface InstrumentOptions {
  readonly clock: Clock;
  readonly hooks: ProviderHooks;
  /** What each method calls at the provider: "client/list". Default: the methods' own names. */
  readonly endpointOfMethod?: Readonly<Record<Method, string>>;
}

/** Several hooks as one: metrics, logs and the pause of the gate. */
export function allHooks(...hooks: readonly ProviderHooks[]): ProviderHooks {
  return {
    started: (endpoint) => {
      for (const hook of hooks) hook.started?.(endpoint);
    },
    ended: (record) => {
      for (const hook of hooks) hook.ended?.(record);
    },
  };
}

/** The same provider, telling the hooks of every call: for metrics and logs, which thus need not be woven into it. */
export function instrumented(provider: Provider, options: InstrumentOptions): Provider {
  const { clock, hooks } = options;
  const measured = async <T>(method: Method, call: () => Promise<T>): Promise<T> => {
    const endpoint = options.endpointOfMethod?.[method] ?? method;
    const startedAt = clock.now();
    const end = (result: CallRecord['result'], error?: unknown): void => {
      const outcome = error instanceof ProviderError ? error.outcome : undefined;
      hooks.ended?.({ endpoint, result, outcome, durationMs: Math.max(0, clock.now() - startedAt), error });
    };
    hooks.started?.(endpoint);
    try {
      const value = await call();
      end('ok');
      return value;
    } catch (error) {
      end(error instanceof ProviderError ? error.kind : 'unknown', error);
      throw error;
    }
  };
  return {
    capabilities: provider.capabilities,
    checkCredentials: (o) => measured('checkCredentials', () => provider.checkCredentials(o)),
    listVms: (o) => measured('listVms', () => provider.listVms(o)),
    getVm: (id, o) => measured('getVm', () => provider.getVm(id, o)),
    listHosts: (o) => measured('listHosts', () => provider.listHosts(o)),
    listInstantVms: (o) => measured('listInstantVms', () => provider.listInstantVms(o)),
    getBalance: (o) => measured('getBalance', () => provider.getBalance(o)),
    getRevenue: (question, o) => measured('getRevenue', () => provider.getRevenue(question, o)),
    getSummary: (month, o) => measured('getSummary', () => provider.getSummary(month, o)),
    deploy: (request, o) => measured('deploy', () => provider.deploy(request, o)),
    deployInstant: (request, o) => measured('deployInstant', () => provider.deployInstant(request, o)),
    startVm: (id, o) => measured('startVm', () => provider.startVm(id, o)),
    stopVm: (id, request, o) => measured('stopVm', () => provider.stopVm(id, request, o)),
    modifyVm: (id, size, o) => measured('modifyVm', () => provider.modifyVm(id, size, o)),
    deleteVm: (id, o) => measured('deleteVm', () => provider.deleteVm(id, o)),
    validateBid: (question, o) => measured('validateBid', () => provider.validateBid(question, o)),
    validateBidOf: (vmId, bid, o) => measured('validateBidOf', () => provider.validateBidOf(vmId, bid, o)),
  };
}
