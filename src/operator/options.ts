import { allAddresses } from '../lib/listen-host.ts';
import type { ProxyAddress } from '../lib/proxy-address.ts';
import type { VmTimings } from '../plan/vm/observation.ts';

/** How the operator runs. Durations in milliseconds. */
export interface OperatorOptions {
  /** Names this installation in the names of its VMs; eight hexadecimal digits. Absent: derived from the cluster. */
  readonly installation: string | undefined;
  /** Between two lists of VMs while something is on its way, and while nothing is. */
  readonly pollActiveMs: number;
  readonly pollIdleMs: number;
  /** Between two answers about the balance while no limit is near; a fifth of it while one is. */
  readonly balanceIntervalMs: number;
  /** Two lists that prove a VM's absence are requested at least this far apart. */
  readonly absenceProofMs: number;
  /** Longest time of one call to the provider. */
  readonly providerTimeoutMs: number;
  /**
   * Added to the longest call where nobody knows when it left: longest time between writing an intent and the call's
   * leaving. A process that is held up for two thirds of it does not call any more.
   */
  readonly callMarginMs: number;
  /** Longest time that a call may still take effect at the provider after it was given up. */
  readonly lateEffectMs: number;
  /** How often something that is missing is looked for again. */
  readonly retryMs: number;
  /** How old an inventory of hosts may be that a choice is made from. */
  readonly inventoryMaxAgeMs: number;
  /** How long it is believed that a bid wins; that it does not is believed twice as long. */
  readonly bidMaxAgeMs: number;
  /** Most calls to the provider at the same time, per account. */
  readonly maxInFlight: number;
  /** Reconciles at the same time, per kind. */
  readonly concurrency: number;
  /** Whether readiness probes may go to loopback and private addresses. For try-outs on one machine. */
  readonly allowPrivateProbes: boolean;
  /** Whether an account's endpoint may have a loopback or private address. For a simulator. */
  readonly allowPrivateEndpoints: boolean;
  /** An HTTP proxy on the way to providers with https endpoints. Absent: none. */
  readonly providerProxy: ProxyAddress | undefined;
  /** Labels of resources by which the counter of costs is told apart. */
  readonly costLabels: readonly string[];
  /** Where metrics and health are served: `::` for all addresses, of IPv6 and IPv4; port 0 takes any free one. */
  readonly telemetryHost: string;
  readonly telemetryPort: number;
}

export const defaultOperatorOptions: OperatorOptions = {
  installation: undefined,
  pollActiveMs: 5_000,
  pollIdleMs: 30_000,
  balanceIntervalMs: 300_000,
  absenceProofMs: 60_000,
  providerTimeoutMs: 30_000,
  callMarginMs: 15_000,
  lateEffectMs: 120_000,
  retryMs: 30_000,
  inventoryMaxAgeMs: 30_000,
  bidMaxAgeMs: 30_000,
  maxInFlight: 64,
  concurrency: 128,
  allowPrivateProbes: false,
  allowPrivateEndpoints: false,
  providerProxy: undefined,
  costLabels: [],
  telemetryHost: allAddresses,
  telemetryPort: 8080,
};

export function vmTimings(options: OperatorOptions): VmTimings {
  const backoff = { baseMs: Math.min(5_000, options.retryMs), maxMs: 300_000 };
  return {
    absenceProofMs: options.absenceProofMs,
    callTimeoutMs: options.providerTimeoutMs + options.callMarginMs,
    intentFreshMs: (options.callMarginMs * 2) / 3,
    retryMs: options.retryMs,
    launchBackoff: backoff,
    callBackoff: backoff,
    transitionMs: 15 * 60_000,
  };
}
