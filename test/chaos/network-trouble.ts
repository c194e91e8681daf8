import { Random } from '../../src/sim/random.ts';
import type { OperatorProcess } from '../support/operator-process.ts';
import { until } from '../support/until.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import type { ChaosOptions } from './options.ts';
import { isExpiredWatch } from './replica.ts';
import { keepOn, rest } from './rest.ts';
import type { Account, Scene } from './scene.ts';
import { mostLateMs, providerTimeoutMs } from './times.ts';

/** What happens to the API server, and to connections to it and to the provider. */

type Trouble = (proxy: TcpProxy, random: Random, signal: AbortSignal) => Promise<void>;

async function disturb(proxy: TcpProxy): Promise<void> {
  proxy.disturb();
  return Promise.resolve();
}

async function cut(proxy: TcpProxy, random: Random, signal: AbortSignal): Promise<void> {
  await proxy.cut();
  try {
    await rest(random.integer(100, 2_000), signal);
  } finally {
    await proxy.mend();
  }
}

async function slowDown(proxy: TcpProxy, random: Random, signal: AbortSignal): Promise<void> {
  // Two chunks or three make a request, and all of it must be within what a late effect may take.
  proxy.slowDown(random.integer(10, mostLateMs / 4));
  try {
    await rest(random.integer(500, 3_000), signal);
  } finally {
    proxy.slowDown(0);
  }
}

/** Half-open for so short that whoever waits has not given up, or gave up just now; then what was held arrives. */
async function freezeShortly(proxy: TcpProxy, random: Random, signal: AbortSignal): Promise<void> {
  proxy.freeze();
  try {
    await rest(random.integer(100, providerTimeoutMs + mostLateMs / 2), signal);
  } finally {
    proxy.thaw();
  }
}

/** Half-open for longer than anybody waits; what was held never arrives. */
async function freezeLong(proxy: TcpProxy, random: Random, signal: AbortSignal): Promise<void> {
  proxy.freeze();
  try {
    await rest(random.integer(providerTimeoutMs, 2 * providerTimeoutMs), signal);
  } finally {
    proxy.disturb();
    proxy.thaw();
  }
}

const troubles: readonly (readonly [trouble: Trouble, name: string])[] = [
  [disturb, 'is reset'],
  [disturb, 'is reset'],
  [cut, 'is cut'],
  [slowDown, 'is slow'],
  [freezeShortly, 'is frozen shortly'],
  [freezeLong, 'is frozen'],
];

/** On the way to the provider. */
export async function troubleWay(scene: Scene, account: Account, seed: number, signal: AbortSignal): Promise<void> {
  const random = new Random(seed, `way to ${account.organization.account}`);
  await keepOn(signal, async () => {
    await rest(random.integer(1_000, 8_000), signal);
    const [trouble, name] = random.pick(troubles);
    scene.diary.count(`way to provider ${name}`, account.organization.account);
    await trouble(account.proxy, random, signal);
  });
}

/** On the way to the API server and with it, until it was restarted often enough. */
export class ApiServerTrouble {
  readonly #scene: Scene;
  readonly #random: Random;
  readonly #options: ChaosOptions;

  constructor(scene: Scene, options: ChaosOptions) {
    this.#scene = scene;
    this.#options = options;
    this.#random = new Random(options.seed, 'api server');
  }

  /** Restarts are spread evenly over the kills of the operator. Resolves after the last one. */
  async run(signal: AbortSignal): Promise<void> {
    const { kills, restarts } = this.#options;
    const { diary } = this.#scene;
    for (let done = 0; done < restarts; done++) {
      const dueAfter = Math.floor(((done + 1) * kills) / (restarts + 1));
      while (diary.counted('SIGKILL') < dueAfter) await this.#disturb(signal);
      const isHard = done % 2 === 0;
      if (done % 3 === 2) await this.#restart(isHard, signal);
      else await this.#scene.operators.lifeAndDeath.run(() => this.#restartAndForget(isHard, signal));
    }
  }

  async #disturb(signal: AbortSignal): Promise<void> {
    const random = this.#random;
    const { diary, wire } = this.#scene;
    await rest(random.integer(500, 5_000), signal);
    if (random.next() < 0.15) {
      await this.#pause(signal);
      return;
    }
    const [trouble, name] = random.pick(troubles);
    diary.count(`way to API server ${name}`);
    await trouble(wire.proxy, random, signal);
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const { controlPlane, diary } = this.#scene;
    diary.count('API server hangs');
    controlPlane.pauseApiServer();
    try {
      await rest(this.#random.integer(300, 3_000), signal);
    } finally {
      controlPlane.resumeApiServer();
    }
  }

  /** Nobody is spared meanwhile: operators that are started now do not come far. */
  async #restart(isHard: boolean, signal: AbortSignal): Promise<void> {
    await this.#end(isHard);
    try {
      await rest(this.#random.integer(0, 1_500), signal);
    } finally {
      await this.#begin();
    }
  }

  /**
   * The operator lives on and hears nothing while users go on, the API server is restarted, and etcd forgets what was
   * before. Then its connections break, and it has to find that it cannot go on from where it was.
   */
  async #restartAndForget(isHard: boolean, signal: AbortSignal): Promise<void> {
    const { controlPlane, cluster, diary, operators, wire, sharedNamespace } = this.#scene;
    const current = (): OperatorProcess[] => operators.all.map((replica) => replica.current);
    await until('the operators have started', () => current().every(({ isStarted }) => isStarted));
    const told = new Map(current().map((operator) => [operator, countExpired(operator)]));
    wire.proxy.freeze();
    try {
      await cluster.createConfigMap(sharedNamespace, `unseen-${String(operators.lives)}`, {});
      await rest(this.#random.integer(0, 500), signal);
      await this.#end(isHard);
      await controlPlane.compact();
      diary.count('etcd compacted');
      await this.#begin();
    } finally {
      wire.disturb();
      wire.proxy.thaw();
    }
    // A leader may have lost its lease meanwhile, and ended itself.
    await until(
      'an operator was told that its version is too old',
      () => [...told].some(([operator, before]) => countExpired(operator) > before),
      () => [...told.keys()].map(({ output }) => output.slice(-5)),
    );
  }

  async #end(isHard: boolean): Promise<void> {
    const { controlPlane, diary } = this.#scene;
    diary.count(isHard ? 'API server killed' : 'API server stopped');
    await (isHard ? controlPlane.killApiServer() : controlPlane.stopApiServer());
  }

  async #begin(): Promise<void> {
    const { controlPlane, cluster, diary } = this.#scene;
    controlPlane.startApiServer();
    await until('the API server is ready again', () => isReady(cluster));
    diary.count('API server restarted');
  }
}

function countExpired({ output }: OperatorProcess): number {
  return output.filter(isExpiredWatch).length;
}

export async function isReady(cluster: Scene['cluster']): Promise<boolean> {
  await cluster.raw('/readyz');
  return true;
}
