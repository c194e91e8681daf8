import type { Connect } from '../../src/controllers/prober.ts';
import type { KubeApi, ResourceType } from '../../src/kube/contract.ts';
import { alwaysLeading, type Leadership } from '../../src/kube/leader.ts';
import { LeaseElector } from '../../src/kube/lease.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Logger } from '../../src/lib/logger.ts';
import { Redactor } from '../../src/lib/redact.ts';
import { createOperator, type Operator } from '../../src/operator/operator.ts';
import type { OperatorOptions } from '../../src/operator/options.ts';
import { createTensorDockProvider } from '../../src/provider/tensordock/provider.ts';
import type { Exchange, Machine, SimRequest } from '../../src/sim/machine.ts';
import { Random } from '../../src/sim/random.ts';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.ts';
import { KubeLink, type KubeWeather } from './kube-link.ts';
import { Lifetime } from './lifetime.ts';
import { ProviderLink, type ProviderWeather } from './provider-link.ts';

/** What a replica finds around it. */
export interface ReplicaPlace {
  readonly clock: Clock;
  readonly api: KubeApi;
  readonly machine: Machine;
  readonly kubeWeather: KubeWeather;
  readonly providerWeather: ProviderWeather;
  readonly options: OperatorOptions;
  /** Whether replicas agree by a Lease on who acts, or each believes that it is alone. */
  readonly election: 'lease' | 'none';
  readonly seed: number;
  readonly connect: Connect;
  /** How far the clock of the machine is ahead of the world's on which its process runs after so many others. */
  readonly skewMsOf: (start: number) => number;
  newPassword(chance: Random): string;
  note(what: string): void;
  complain(what: string): void;
  logger(redactor: Redactor, name: string): Logger;
  /** The process has come to a moment at which it could die or freeze with a difference. */
  passPoint(replica: Replica, name: string): void;
  onSend(replica: Replica, request: SimRequest): void;
  onArrival(request: SimRequest): void;
  onExchange(request: SimRequest, exchange: Exchange): void;
  onWrite(type: ResourceType): void;
  /** The process has ended by itself. */
  onEnd(replica: Replica): void;
  /** The process runs in circles, and has to be ended. */
  onSpin(replica: Replica): void;
}

/** One operator process after the other, as a pod's container is restarted: each composed as in production. */
export class Replica {
  readonly name: string;
  /** While true it does not reach the API server, which others do. */
  isCutOff = false;
  /** How long it was frozen, all in all: whoever freezes again right away may write what was decided before the first time. */
  frozenMs = 0;
  readonly #place: ReplicaPlace;
  #life: Lifetime;
  #operator: Operator | undefined;
  #metrics: Metrics | undefined;
  #isStarting = false;
  #leadership: Leadership = alwaysLeading;
  #starts = 0;

  constructor(name: string, place: ReplicaPlace) {
    this.name = name;
    this.#place = place;
    this.#life = new Lifetime(place.clock);
  }

  get isAlive(): boolean {
    return this.#operator !== undefined && this.#life.isAlive;
  }

  get isFrozen(): boolean {
    return this.#life.isFrozen;
  }

  /** Whether it would act at this moment. */
  get isLeading(): boolean {
    return this.isAlive && this.#leadership.isLeader();
  }

  /** What Prometheus would get from the process that runs, or ran last. */
  async scrape(): Promise<string> {
    return (await this.#metrics?.exposition())?.text ?? '';
  }

  /** Starts a process. It does nothing before the clock goes on. */
  async start(): Promise<void> {
    const { seed, clock, skewMsOf } = this.#place;
    const life = new Lifetime(clock, {
      skewMs: skewMsOf(this.#starts),
      onSpin: () => {
        this.#place.onSpin(this);
      },
    });
    this.#life = life;
    this.#starts += 1;
    this.#place.note(`${this.name} starts`);
    const chance = new Random(seed, `operator ${this.name} ${this.#starts}`);
    this.#operator = await this.#compose(life, chance);
    this.#isStarting = true;
    void this.#operator.start().then(() => {
      if (life === this.#life) this.#isStarting = false;
    });
  }

  /** SIGKILL, now. */
  kill(): void {
    if (!this.isAlive) return;
    this.#place.note(`${this.name} is killed`);
    this.#end();
  }

  /**
   * Ends a process that runs in circles, between two of its steps. It has no turn for anything else, so that its loops have
   * to be told.
   */
  breakOff(): void {
    queueMicrotask(() => {
      void this.#operator?.stop(0);
      this.kill();
    });
  }

  /** SIGSTOP now, SIGCONT after so long. */
  freeze(ms: number): void {
    const life = this.#life;
    if (!this.isAlive || life.isFrozen) return;
    this.#place.note(`${this.name} freezes for ${String(ms)} ms`);
    life.freeze();
    this.#place.clock.after(ms, () => {
      this.frozenMs += ms;
      if (life.isAlive) this.#place.note(`${this.name} goes on`);
      life.thaw();
    });
  }

  /** SIGTERM. Resolves when the process has ended, by whatever. */
  async stop(graceMs: number): Promise<void> {
    const operator = this.#operator;
    const life = this.#life;
    if (operator === undefined) return;
    this.#place.note(`${this.name} is asked to stop`);
    const ended = new Promise<void>((resolve) => {
      life.signal.addEventListener('abort', () => {
        resolve();
      });
    });
    void life.running().then(async () => {
      await operator.stop(graceMs);
      if (life.isAlive && life.isWaiting) {
        this.#place.complain(`${this.name} has stopped, but its process does not end: a timer is set`);
      }
      if (life.isAlive && this.#isStarting) {
        this.#place.complain(`${this.name} has stopped, but its start goes on for ever`);
      }
      if (life === this.#life) this.#end();
    });
    return ended;
  }

  #end(): void {
    this.#life.end();
    this.#operator = undefined;
    this.#place.onEnd(this);
  }

  #compose(life: Lifetime, chance: Random): Promise<Operator> {
    const place = this.#place;
    const redactor = new Redactor();
    const log = place.logger(redactor, this.name);
    const random = (): number => chance.next();
    const { kube, transport } = this.#links(life);
    const { clock } = life;
    this.#leadership = this.#leadershipOf({ kube, clock, random, log });
    const metrics = createMetrics({ version: 'world', costLabels: place.options.costLabels });
    this.#metrics = metrics;
    return createOperator({
      ...{ kube, clock, random, redactor, log, metrics, leadership: this.#leadership },
      newPassword: () => place.newPassword(chance),
      connect: place.connect,
      onDeposed: () => {
        place.note(`${this.name} was deposed`);
        if (life === this.#life) this.#end();
      },
      instance: this.name,
      options: place.options,
      createProvider: (given) => createTensorDockProvider({ ...given, transport }),
      startTelemetry: () => Promise.resolve({ url: '', host: '', port: 0, close: () => Promise.resolve() }),
    });
  }

  #links(life: Lifetime): { kube: KubeLink; transport: ProviderLink } {
    const { clock, seed, api, machine, kubeWeather, providerWeather, options, ...place } = this.#place;
    const chance = new Random(seed, `links ${this.name} ${this.#starts}`);
    const passPoint = (name: string): void => {
      if (life.isAlive && life === this.#life) place.passPoint(this, name);
    };
    const around = { clock, chance, life, passPoint };
    const kube = new KubeLink(around, {
      ...{ api, weather: kubeWeather },
      isCutOff: () => this.isCutOff,
      onWrite: (_verb, type) => {
        place.onWrite(type);
      },
    });
    const transport = new ProviderLink(around, {
      ...{ machine, weather: providerWeather, timeoutMs: options.providerTimeoutMs },
      onSend: (request) => {
        place.onSend(this, request);
      },
      onArrival: (request) => {
        place.onArrival(request);
      },
      onExchange: (request, exchange) => {
        place.onExchange(request, exchange);
      },
    });
    return { kube, transport };
  }

  #leadershipOf(deps: {
    readonly kube: KubeApi;
    readonly clock: Clock;
    readonly random: () => number;
    readonly log: Logger;
  }): Leadership {
    if (this.#place.election === 'none') return alwaysLeading;
    const { kube: api, ...rest } = deps;
    return new LeaseElector({
      ...{ ...rest, api },
      lease: { namespace: 'gpuvm-system', name: 'gpuvm-operator' },
      identity: `${this.name}-${String(this.#starts)}`,
    });
  }
}
