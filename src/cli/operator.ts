import { hostname } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';

import packageJson from '../../package.json' with { type: 'json' };
import { KubeClient } from '../kube/client.ts';
import { requestLimitMs } from '../kube/lease.ts';
import { systemClock } from '../lib/clock.ts';
import { Redactor } from '../lib/redact.ts';
import { probeConnect } from '../operator/connect.ts';
import { createOperator } from '../operator/operator.ts';
import { defaultOperatorOptions, type OperatorOptions } from '../operator/options.ts';
import { createLogger, logLevels, type LogLevel } from '../telemetry/log.ts';
import { kubeRequestHook } from '../telemetry/runtime-hooks.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { connect } from './common/session.ts';
import { logLastWords } from './last-words.ts';
import { leaderElectionOptions, leadershipFrom, type LeaderElectionFlags } from './leader-election.ts';
import { countOption, durationOption, labelsOption, portOption, proxyOption } from './option-types.ts';
import { newPassword } from './password.ts';
import { endSoon, untilToldToStop } from './shutdown.ts';
import { assertTlsIsVerified } from './tls-environment.ts';

interface Flags extends OperatorOptions, LeaderElectionFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly logLevel: LogLevel;
  readonly shutdownGraceMs: number;
}

/** `gpuvm operator`: runs the control loops until SIGTERM or SIGINT. */
export function operatorCommand(): Command {
  const command = new Command('operator')
    .description('run the control loops against a cluster')
    .option('--kubeconfig <file>', "kubeconfig; default: KUBECONFIG, ~/.kube/config, or the pod's service account")
    .option('--context <name>', 'context of the kubeconfig')
    .option('--allow-private-probes', 'let readiness probes go to loopback and private addresses (for try-outs)', false)
    .option(
      '--allow-private-endpoints',
      'let the endpoints of accounts have loopback and private addresses (for a simulator)',
      false,
    )
    .allowExcessArguments(false);
  for (const option of [...generalOptions(), ...durationOptions(), ...leaderElectionOptions()])
    command.addOption(option);
  return command.action(async (parsed: Record<string, unknown>) => {
    await run(withOptionNames(parsed));
  });
}

function generalOptions(): Option[] {
  const { maxInFlight, concurrency, telemetryHost, telemetryPort } = defaultOperatorOptions;
  return [
    new Option('--log-level <level>', 'least level that is logged').choices(logLevels).default('info'),
    new Option(
      '--telemetry-host <address>',
      'where /metrics, /healthz and /readyz are served; :: is all addresses, of IPv6 and IPv4',
    ).default(telemetryHost),
    portOption('--telemetry-port <port>', 'their port; 0 takes any free one', telemetryPort),
    countOption('--max-in-flight <n>', 'most calls to the provider at once, per account', maxInFlight),
    countOption('--concurrency <n>', 'reconciles at once, per kind', concurrency),
    labelsOption(
      '--cost-labels <labels>',
      'labels of resources that gpuvm_cost_dollars_total is told apart by, such as team,gpuvm.dev/pool',
    ),
    proxyOption('--provider-proxy <url>', 'HTTP proxy on the way to the provider, such as http://proxy.example:3128'),
    text(
      '--installation <id>',
      'eight hexadecimal digits that mark the VMs of this installation; default: from the cluster',
      /^[0-9a-f]{8}$/,
    ),
  ];
}

const durations: readonly (readonly [flag: string, name: DurationOption, description: string])[] = [
  [
    '--poll-active',
    'pollActiveMs',
    'between two lists of VMs while something is on its way; while calls that spend stand in line, one list in 30 calls, or --poll-idle',
  ],
  ['--poll-idle', 'pollIdleMs', 'between two lists of VMs while nothing is on its way'],
  ['--balance-interval', 'balanceIntervalMs', 'between two answers about the balance; a fifth of it while that is low'],
  ['--absence-proof', 'absenceProofMs', 'least time between the two lists that prove a VM absent'],
  ['--provider-timeout', 'providerTimeoutMs', 'longest time of one call to the provider'],
  ['--call-margin', 'callMarginMs', 'longest time between the intent of a deploy call and its leaving'],
  ['--late-effect', 'lateEffectMs', 'how long a call that was given up may still take effect'],
  ['--retry', 'retryMs', 'how often something missing is looked for again'],
  ['--inventory-max-age', 'inventoryMaxAgeMs', 'oldest inventory of hosts that a choice is made from'],
  ['--bid-max-age', 'bidMaxAgeMs', 'how long an answer that a bid wins is believed'],
];

function durationOptions(): Option[] {
  return [
    ...durations.map(([flag, name, description]) =>
      durationOption(`${flag} <duration>`, description, defaultOperatorOptions[name]),
    ),
    durationOption(
      '--shutdown-grace <duration>',
      'how long calls in flight may take to end after SIGTERM; the process ends at most 4s later',
      25_000,
    ),
  ];
}

async function run(flags: Flags): Promise<void> {
  assertTlsIsVerified(process.env);
  const redactor = new Redactor();
  const log = createLogger({ level: flags.logLevel, redactor, clock: systemClock });
  logLastWords(log);
  const told = untilToldToStop(log, { graceMs: flags.shutdownGraceMs });
  const { version } = packageJson;
  const metrics = createMetrics({ version, processMetrics: true, costLabels: flags.costLabels });
  const reach = {
    connection: connect(flags),
    clock: systemClock,
    random: Math.random,
    userAgent: `gpuvm-operator/${version}`,
    fieldManager: 'gpuvm-operator',
    onRequest: kubeRequestHook(metrics),
  };
  const kube = new KubeClient(reach);
  // Calls that hang on dead connections by the dozen do not keep a renewal waiting, and its own it lets go of in time.
  const timeoutMs = requestLimitMs({ renewDeadlineMs: flags.leaderElectRenewDeadline });
  const leaseKube = new KubeClient({ ...reach, timeoutMs });
  const clock = systemClock;
  const random = Math.random;
  const instance = hostname().slice(0, 128);
  const creating = createOperator({
    ...{ kube, redactor, log, metrics, clock, random, newPassword, instance },
    connect: probeConnect({ allowPrivate: flags.allowPrivateProbes }),
    leadership: leadershipFrom(flags, { kube: leaseKube, clock, random, log, instance }),
    onDeposed: () => {
      process.exit(1);
    },
    options: flags,
  });
  try {
    const operator = await Promise.race([creating, told]);
    if (operator === undefined) return;
    await Promise.race([operator.start(), told]);
    await told;
    await operator.stop(flags.shutdownGraceMs);
  } finally {
    await Promise.all([kube.close(), leaseKube.close()]);
    endSoon(log);
  }
}

/** Commander names an option by its flag; the operator's options carry their unit. */
function withOptionNames(parsed: Record<string, unknown>): Flags {
  const {
    pollActive,
    pollIdle,
    balanceInterval,
    absenceProof,
    providerTimeout,
    callMargin,
    lateEffect,
    retry,
    inventoryMaxAge,
    bidMaxAge,
    shutdownGrace,
    ...rest
  } = parsed;
  return {
    ...rest,
    pollActiveMs: pollActive,
    pollIdleMs: pollIdle,
    balanceIntervalMs: balanceInterval,
    absenceProofMs: absenceProof,
    providerTimeoutMs: providerTimeout,
    callMarginMs: callMargin,
    lateEffectMs: lateEffect,
    retryMs: retry,
    inventoryMaxAgeMs: inventoryMaxAge,
    bidMaxAgeMs: bidMaxAge,
    shutdownGraceMs: shutdownGrace,
  } as unknown as Flags;
}

type DurationOption = {
  [K in keyof OperatorOptions]: OperatorOptions[K] extends number ? K : never;
}[keyof OperatorOptions];

function text(flags: string, description: string, pattern: RegExp): Option {
  return new Option(flags, description).argParser((value) => {
    if (!pattern.test(value)) throw new InvalidArgumentError(`does not match ${pattern.source}`);
    return value;
  });
}
