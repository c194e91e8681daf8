import { keyFingerprint } from '../api/key-fingerprint.ts';
import type { AccountRuntime, AccountSettings, Credentials, StartAccount } from '../controllers/accounts.ts';
import { HostSuspicions } from '../controllers/host-suspicions.ts';
import type { Snapshot } from '../fleet/contract.ts';
import type { FleetDiff } from '../fleet/diff.ts';
import { createBalanceBook, type RunningBalanceBook } from '../fleet/balance.ts';
import { createCredentialsCheck, type RunningCredentialsCheck } from '../fleet/credentials-check.ts';
import { createFleet, type RunningFleet } from '../fleet/fleet.ts';
import { createReportBook } from '../fleet/reports.ts';
import type { Leadership } from '../kube/leader.ts';
import type { Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Redactor } from '../lib/redact.ts';
import { ratesOf } from '../plan/balance/burn-rate.ts';
import { balanceTimings } from '../plan/balance/view.ts';
import type { Provider } from '../provider/contract.ts';
import { createGate, type RunningGate } from '../provider/gate.ts';
import { allHooks, instrumented, type ProviderHooks } from '../provider/instrumented.ts';
import { pauseWhenLimited } from '../provider/rate-limits.ts';
import {
  createTensorDockProvider,
  endpointOfMethod,
  type TensorDockOptions,
  type TensorDockProvider,
} from '../provider/tensordock/provider.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { Line } from './line.ts';
import type { OperatorOptions } from './options.ts';

export interface RuntimeDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly redactor: Redactor;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly options: OperatorOptions;
  readonly leadership: Pick<Leadership, 'isLeader'>;
  /** Makes the provider's client of an account. Default: the one that speaks HTTP. */
  readonly createProvider?: ((options: TensorDockOptions) => TensorDockProvider) | undefined;
  /** Ids of the VMs that resources of this account have recorded as their own. */
  recordedVms(account: string): Iterable<string>;
  /** Keys among all kinds, to be reconciled. */
  wake(keys: readonly string[]): void;
  /** The list of this account changed. */
  listChanged(account: string, diff: FleetDiff, snapshot: Snapshot): void;
  /** Whether the list of this account can be read has changed, or it was read with another key. */
  pollTurned(account: string): void;
  /** The provider has said what is left of the balance, or does not say it. */
  balanceTold(account: string): void;
  /** Calls carry another key or token from now on. */
  credentialsChanged(account: string): void;
  /** The provider has said whether key and token are good. */
  credentialsTold(account: string): void;
}

/** Everything that runs for one account: the provider's client, the gate before it, and the fleet. */
export function accountStarter(deps: RuntimeDeps): StartAccount {
  const names = new Set<string>();
  return (account) => {
    const runtime = startAccount(deps, account);
    // An account that is made anew starts with an empty bucket: what the one before has spent was of the same rate.
    if (names.has(account.name)) runtime.gate.pauseUntil(deps.clock.now() + msToFill(account.requestsPerSecond));
    names.add(account.name);
    return runtime;
  };
}

function startAccount(deps: RuntimeDeps, account: AccountSettings): AccountRuntime {
  const { clock, random, log, options } = deps;
  let held = holding(account, account.credentials, clock.now());
  const line = new Line(account.requestsPerSecond);
  const gate = gateOf(deps, account, line);
  const client = (deps.createProvider ?? createTensorDockProvider)({
    endpoint: account.endpoint,
    credentials: () => held.credentials,
    redactor: deps.redactor,
    clock,
    timeoutMs: options.providerTimeoutMs,
    lateEffectMs: options.lateEffectMs,
    maxConnections: options.maxInFlight,
    ...{ allowPrivate: options.allowPrivateEndpoints, proxy: options.providerProxy },
  });
  const provider = instrumented(client, {
    clock,
    endpointOfMethod,
    hooks: allHooks(requestMetrics(deps.metrics, account.name), pauseWhenLimited({ gate, clock })),
  });
  const askedAs = (): string => held.fingerprint;
  const reports = createReportBook({
    ...{ provider, gate, clock, random, askedAs },
    log: log.child({ account: account.name }),
  });
  const check = createCredentialsCheck({
    ...{ provider, gate, log },
    told: () => {
      deps.credentialsTold(account.name);
    },
  });
  const fleet = fleetOf(deps, account.name, { provider, gate, line, askedAs, check });
  const balance = balanceOf(deps, account.name, { provider, gate, fleet, askedAs });
  fleet.start();
  check.begin();
  return {
    provider,
    gate,
    ...{ fleet, balance, check, reports },
    suspicions: new HostSuspicions(clock, deps.random),
    get keyFingerprint() {
      return held.fingerprint;
    },
    get credentialsSince() {
      return held.since;
    },
    setCredentials: (next) => {
      if (next.apiKey === held.credentials.apiKey && next.apiToken === held.credentials.apiToken) return;
      held = holding(account, next, clock.now());
      log.info({ account: account.name }, 'credentials changed');
      fleet.refresh();
      balance.refresh();
      check.begin();
      deps.credentialsChanged(account.name);
    },
    setRate: (requestsPerSecond) => {
      line.requestsPerSecond = requestsPerSecond;
      gate.setRate(rateOf(requestsPerSecond));
    },
    stop: () => {
      fleet.stop();
      reports.stop();
      balance.stop();
      check.stop();
      gate.close();
      void client.close();
    },
  };
}

/** What calls carry, and since when. */
interface Held {
  readonly credentials: Credentials;
  readonly fingerprint: string;
  readonly since: number;
}

function holding(account: AccountSettings, credentials: Credentials, since: number): Held {
  return { credentials, fingerprint: keyFingerprint({ ...account, ...credentials }), since };
}

function gateOf(deps: RuntimeDeps, account: AccountSettings, line: Line): RunningGate {
  const { clock, metrics, options, leadership } = deps;
  return createGate({
    clock,
    ...rateOf(account.requestsPerSecond),
    maxInFlight: options.maxInFlight,
    // A process that was frozen until its lease had run out may come to a call before it comes to the news.
    mayCall: () => leadership.isLeader(),
    onTurn: (key) => {
      deps.wake([key]);
    },
    hooks: {
      started: (lane, waitedMs) => {
        line.noteTurn(lane, waitedMs);
        metrics.gateWaitSeconds.observe({ account: account.name, lane }, waitedMs / 1000);
      },
      queueLength: (lane, length) => {
        line.noteLength(lane, length);
        metrics.gateQueueLength.set({ account: account.name, lane }, length);
      },
    },
  });
}

interface Through {
  readonly provider: Provider;
  readonly gate: RunningGate;
  readonly askedAs: () => string;
}

function balanceOf(
  deps: RuntimeDeps,
  account: string,
  { fleet, ...through }: Through & { readonly fleet: RunningFleet },
): RunningBalanceBook {
  const { clock, random, options, log } = deps;
  const { nearMs, idleMs } = balanceTimings(options.balanceIntervalMs);
  return createBalanceBook({
    ...{ ...through, clock, random, log: log.child({ account }) },
    backoff: { baseMs: nearMs / 2, maxMs: idleMs },
    mostListed: () => (fleet.snapshot === undefined ? undefined : ratesOf(fleet.snapshot).most),
    told: () => {
      deps.balanceTold(account);
    },
  });
}

function fleetOf(
  deps: RuntimeDeps,
  account: string,
  { line, check, ...through }: Through & { readonly line: Line; readonly check: RunningCredentialsCheck },
): RunningFleet {
  const { clock, random, options, metrics, log } = deps;
  const intervals = { activeMs: options.pollActiveMs, idleMs: options.pollIdleMs };
  let hasFailed = false;
  let listedAs: string | undefined;
  const turned = (failed: boolean, isFirst: boolean): void => {
    if (hasFailed !== failed || isFirst) deps.pollTurned(account);
    hasFailed = failed;
  };
  const fleet = createFleet({
    ...{ ...through, clock, random },
    intervals: { ...intervals, crowdedMs: () => line.msBetweenLists(intervals) },
    offers: { maxAgeMs: options.inventoryMaxAgeMs },
    bids: {
      winsMaxAgeMs: options.bidMaxAgeMs,
      refusedMaxAgeMs: 2 * options.bidMaxAgeMs,
      turnMs: () => line.waitMs,
    },
    recorded: () => deps.recordedVms(account),
    wake: (keys) => {
      deps.wake(keys);
    },
    onChange: (diff, snapshot) => {
      deps.listChanged(account, diff, snapshot);
    },
    hooks: {
      polled: ({ vms }) => {
        metrics.pollVms.set({ account }, vms);
        const isFirstOfKey = fleet.snapshot?.askedAs !== listedAs;
        listedAs = fleet.snapshot?.askedAs;
        turned(false, isFirstOfKey);
      },
      pollFailed: ({ kind }) => {
        if (kind === 'unauthorized') check.again();
        turned(true, false);
      },
      distrusted: () => {
        metrics.listingsDistrusted.inc({ account });
      },
    },
    log: log.child({ account }),
  });
  return fleet;
}

/**
 * A second's worth of calls may start at once, and two at the least: a launch holds its token while it writes its intent, and
 * a bucket of one token could not refill meanwhile.
 */
function rateOf(requestsPerSecond: number): { requestsPerSecond: number; burst: number } {
  return { requestsPerSecond, burst: Math.max(2, Math.ceil(requestsPerSecond)) };
}

function msToFill(requestsPerSecond: number): number {
  return (1000 * rateOf(requestsPerSecond).burst) / requestsPerSecond;
}

function requestMetrics(metrics: Metrics, account: string): ProviderHooks {
  return {
    ended: ({ endpoint, result, durationMs }) => {
      metrics.providerRequests.inc({ account, endpoint, outcome: result });
      metrics.providerSeconds.observe({ account, endpoint }, durationMs / 1000);
    },
  };
}
