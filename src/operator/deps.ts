import type { Connect } from '../controllers/prober.ts';
import type { KubeApi } from '../kube/contract.ts';
import type { Leadership } from '../kube/leader.ts';
import type { Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Redactor } from '../lib/redact.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { startTelemetryServer } from '../telemetry/server.ts';
import type { RuntimeDeps } from './account-runtime.ts';
import type { OperatorOptions } from './options.ts';

/** Everything that the operator takes from outside: with other ones it runs under a virtual clock as it does here. */
export interface OperatorDeps {
  readonly kube: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly newPassword: () => string;
  readonly connect: Connect;
  readonly redactor: Redactor;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly leadership: Leadership;
  /**
   * The right to act was lost while it was in use, and all work has been told to stop. What is under way in this process
   * knows nothing of its successor: end the process, as client-go's users do.
   */
  readonly onDeposed: () => void;
  /** Name of this process in Events. */
  readonly instance: string;
  readonly options: OperatorOptions;
  readonly createProvider?: RuntimeDeps['createProvider'];
  /** Opens the port for metrics and health. Default: a real one, which a simulated world has no use for. */
  readonly startTelemetry?: typeof startTelemetryServer;
}
