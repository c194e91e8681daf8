import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { once } from 'node:events';

import type { Clock } from '../../lib/clock.ts';
import { defaultOptions, startSimulator, type RunningSimulator } from '../../sim/index.ts';
import { DemoCluster } from './cluster.ts';
import { OperatorProcess } from './operator-process.ts';

/** Everything that the demo runs. */
export interface Stage extends AsyncDisposable {
  readonly kubeconfigPath: string;
  readonly cluster: DemoCluster;
  readonly simulator: RunningSimulator;
  readonly operator: OperatorProcess;
  /** Whether guests can be probed. */
  readonly guestsAnswer: boolean;
  readonly logPath: string;
  /** The directory of the log stays after the end, for whoever wants to know why it failed. */
  keepLog(): void;
  /** When the API server was up, in milliseconds of the clock. */
  readonly upAt: number;
}

/** Hosts of the provider's examples and a few generated ones, always the same; times that one can watch. */
const simulated = { seed: 1, hosts: 20, latencyMs: 50, bootDelayMs: 4_000, stopDelayMs: 1_000, deleteDelayMs: 1_000 };

/** The pair that the simulator accepts; it opens nothing else. */
export const simulatedCredentials = { apiKey: defaultOptions.apiKey, apiToken: defaultOptions.apiToken };

/**
 * Starts API server, simulator and operator. Ends again whatever had been started when one of them fails; disposing the
 * stage ends all, the operator first, so that none of them sees another one vanish.
 *
 * @param port of the simulator; 0 takes any free one
 */
export async function startStage({ port, clock }: { port: number; clock: Clock }): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(new RunDirectory());
  const guestsAnswer = await canListenAt('127.64.0.1');
  const simulator = await startSimulator({ ...simulated, port, guests: guestsAnswer });
  stack.defer(() => simulator.close());
  const controlPlane = await startApiServer(directory);
  stack.defer(() => controlPlane.stop());
  const upAt = clock.now();
  const { kubeconfigPath } = controlPlane;
  const cluster = stack.use(new DemoCluster(kubeconfigPath, clock));
  await cluster.settle(AbortSignal.timeout(settleWithinMs));
  const logPath = path.join(directory.path, 'operator.log');
  const operator = stack.use(new OperatorProcess({ kubeconfigPath, logPath, clock }));
  const running = stack.move();
  return {
    ...{ kubeconfigPath, cluster, simulator, operator, guestsAnswer, logPath, upAt },
    keepLog() {
      directory.keep();
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

const settleWithinMs = 30_000;

/** A directory for all files of one run. It goes with the process, however that ends, unless it is to be kept. */
class RunDirectory implements Disposable {
  readonly path = mkdtempSync(path.join(tmpdir(), 'gpuvm-demo-'));
  #isKept = false;
  readonly #remove = (): void => {
    try {
      if (!this.#isKept) rmSync(this.path, { recursive: true, force: true, maxRetries: 3 });
    } catch {
      // After a second Ctrl-C etcd may still be writing. A rest in the temporary directory is no reason to fail.
    }
  };

  constructor() {
    process.on('exit', this.#remove);
  }

  keep(): void {
    this.#isKept = true;
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#remove);
    this.#remove();
  }
}

/**
 * The API server comes from a development dependency, which exists in a checkout only. Loaded when it is needed, so that the
 * other commands start without it.
 */
async function startApiServer(
  directory: RunDirectory,
): Promise<{ readonly kubeconfigPath: string; stop(): Promise<void> }> {
  const { startControlPlane } = await import('../../../hack/control-plane/start.ts');
  // Where the API server's files go, so that they go with ours.
  process.env['TMPDIR'] = directory.path;
  return startControlPlane({ crds: path.join(checkout(), 'crds') });
}

/** The top of the checkout, seen from the sources and from the bundle in dist/. */
export function checkout(): string {
  const here = fileURLToPath(import.meta.url);
  const parts = here.split(path.sep);
  const depth = Math.max(parts.lastIndexOf('src'), parts.lastIndexOf('dist'));
  return parts.slice(0, depth).join(path.sep) || path.sep;
}

/** Linux answers at all of 127.0.0.0/8; elsewhere the addresses have to be set up first. */
async function canListenAt(host: string): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(0, host);
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
