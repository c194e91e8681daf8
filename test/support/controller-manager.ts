import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { ensureControllerManager } from '../../hack/control-plane/binaries.ts';
import { useExistingCluster } from '../../hack/control-plane/start.ts';

/** Long enough to build it, where nobody has run `make setup` before. */
export const obtainingMs = 15 * 60_000;

/** What it says matters when a test has failed, and then the end of it. */
const mostLines = 400;

/**
 * What an API server alone does not do: the garbage collector, the deletion of a namespace's content, the autoscaler, and
 * roles that are made of others. Of a whole kube-controller-manager these loops and no others, so that nothing else
 * happens to what tests make.
 */
const controllers = [
  'garbage-collector-controller',
  'namespace-controller',
  'horizontal-pod-autoscaler-controller',
  'clusterrole-aggregation-controller',
];

/** Its own times are made for clusters of thousands; nothing that is waited for here should take longer than it has to. */
const shortenedTimes = [
  '--horizontal-pod-autoscaler-sync-period=1s',
  '--horizontal-pod-autoscaler-downscale-stabilization=0s',
];

/** A kube-controller-manager beside the API server of one test file. */
export class ControllerManager {
  readonly #child: ChildProcess | undefined;
  readonly #lines: string[] = [];
  readonly #ended: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcess | undefined) {
    this.#child = child;
    if (child === undefined) return;
    const killAtExit = (): void => void child.kill('SIGKILL');
    process.once('exit', killAtExit);
    this.#ended = once(child, 'close').then(() => process.off('exit', killAtExit));
    if (child.stderr === null) return;
    createInterface(child.stderr).on('line', (line) => {
      // It names each loop that was not asked for.
      if (line.includes('controller is disabled')) return;
      this.#lines.push(line);
      if (this.#lines.length > mostLines) this.#lines.shift();
    });
  }

  /** With the rights of the kubeconfig. A cluster that exists has one already. */
  static async start(kubeconfigPath: string): Promise<ControllerManager> {
    if (useExistingCluster(process.env)) return new ControllerManager(undefined);
    const flags = [
      `--kubeconfig=${kubeconfigPath}`,
      `--controllers=${controllers.join(',')}`,
      '--leader-elect=false',
      // It serves nothing: neither metrics nor health are asked for.
      '--secure-port=0',
      ...shortenedTimes,
    ];
    return new ControllerManager(
      spawn(await ensureControllerManager(), flags, { stdio: ['ignore', 'ignore', 'pipe'] }),
    );
  }

  /** What it has written last, for whoever has to find out why a test failed. */
  get output(): string {
    return this.#lines.join('\n');
  }

  async stop(): Promise<void> {
    this.#child?.kill('SIGTERM');
    await this.#ended;
  }
}
