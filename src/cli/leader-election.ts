import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Option } from 'commander';

import type { KubeApi } from '../kube/contract.ts';
import { alwaysLeading, type Leadership } from '../kube/leader.ts';
import { defaultLeaseTiming, LeaseElector } from '../kube/lease.ts';
import type { Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { durationOption } from './option-types.ts';

/** The flags of leader election as commander gives them, named as those of the Kubernetes components. */
export interface LeaderElectionFlags {
  readonly leaderElect: boolean;
  readonly leaderElectResourceName: string;
  readonly leaderElectResourceNamespace: string | undefined;
  /** Milliseconds. */
  readonly leaderElectLeaseDuration: number;
  readonly leaderElectRenewDeadline: number;
  readonly leaderElectRetryPeriod: number;
}

export function leaderElectionOptions(): Option[] {
  const { durationMs, renewDeadlineMs, retryMs } = defaultLeaseTiming;
  return [
    new Option('--leader-elect', 'act only while holding a Lease, so that several replicas can run').default(false),
    new Option('--leader-elect-resource-name <name>', 'name of the Lease').default('gpuvm-operator'),
    new Option('--leader-elect-resource-namespace <namespace>', "its namespace; default: the pod's own"),
    durationOption('--leader-elect-lease-duration <duration>', 'how long others wait for a silent leader', durationMs),
    durationOption(
      '--leader-elect-renew-deadline <duration>',
      'after which a leader stands down by itself',
      renewDeadlineMs,
    ),
    durationOption('--leader-elect-retry-period <duration>', 'between two attempts to acquire or renew', retryMs),
  ];
}

/** The right to act, as the flags want it. Throws with what to do when they contradict each other. */
export function leadershipFrom(
  flags: LeaderElectionFlags,
  deps: {
    readonly kube: KubeApi;
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Logger;
    readonly instance: string;
  },
): Leadership {
  if (!flags.leaderElect) return alwaysLeading;
  const { kube: api, clock, random, log, instance } = deps;
  return new LeaseElector({
    ...{ api, clock, random, log },
    lease: { namespace: namespaceFrom(flags), name: flags.leaderElectResourceName },
    identity: `${instance}_${randomUUID()}`,
    timing: timingFrom(flags),
  });
}

function timingFrom(flags: LeaderElectionFlags): typeof defaultLeaseTiming {
  const {
    leaderElectLeaseDuration: durationMs,
    leaderElectRenewDeadline: renewDeadlineMs,
    leaderElectRetryPeriod: retryMs,
  } = flags;
  if (durationMs < 1000 || durationMs <= renewDeadlineMs || renewDeadlineMs <= 1.2 * retryMs) {
    throw new Error(
      '--leader-elect-lease-duration must be at least 1s and longer than --leader-elect-renew-deadline, and that longer than 1.2 times --leader-elect-retry-period',
    );
  }
  return { durationMs, renewDeadlineMs, retryMs };
}

function namespaceFrom({ leaderElectResourceNamespace: given }: LeaderElectionFlags): string {
  if (given !== undefined) return given;
  try {
    return readFileSync('/var/run/secrets/kubernetes.io/serviceaccount/namespace', 'utf8').trim();
  } catch {
    throw new Error('outside of a pod --leader-elect needs --leader-elect-resource-namespace');
  }
}
