import { gpuAccountType, gpuVmType } from '../../src/api/group.ts';
import type { GpuVmSpec, GpuVmStatus } from '../../src/api/gpu-vm.ts';
import {
  configMapType,
  namespaceType,
  secretType,
  type CustomObject,
  type SecretObject,
} from '../../src/controllers/objects.ts';
import { keyOf, type ResourceType } from '../../src/kube/contract.ts';
import { eventType } from '../../src/kube/events.ts';
import { alwaysLeading } from '../../src/kube/leader.ts';
import { MemoryApi, type Call } from '../../src/kube/testing/memory-api.ts';
import type { Logger } from '../../src/lib/logger.ts';
import { Redactor } from '../../src/lib/redact.ts';
import { VirtualClock } from '../../src/lib/virtual-clock.ts';
import { createOperator, type Operator } from '../../src/operator/operator.ts';
import { defaultOperatorOptions, type OperatorOptions } from '../../src/operator/options.ts';
import { createTensorDockProvider } from '../../src/provider/tensordock/provider.ts';
import { createSimulator, type FaultSpec, type SimulatorOptions, type Simulator } from '../../src/sim/index.ts';
import { Random } from '../../src/sim/random.ts';
import type { Vm } from '../../src/sim/state.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { KubeLink, type KubeWeather } from './kube-link.ts';
import { Lifetime } from './lifetime.ts';
import { ProviderLink, type ProviderWeather } from './provider-link.ts';
import { noDelay } from './surroundings.ts';
import { Watchdog } from './watchdog.ts';

export interface WorldOptions {
  /** Everything that is chance here follows from it: the same seed and the same calls give the same world. */
  readonly seed: number;
  readonly simulator?: Partial<SimulatorOptions>;
  readonly operator?: Partial<OperatorOptions>;
  readonly requestsPerSecond?: number;
}

export const installation = '1a2b3c4d';
/** Requests that may leave at once after a quiet time, at about one per second. */
const burst = 2;
const accountName = 'default';
const namespace = 'research';

/** What must never be read anywhere but where it belongs. */
export const plantedSecrets = {
  apiKey: 'planted-api-key-0001',
  apiToken: 'planted-api-token-0002',
  password: 'planted-Passw0rd-',
};

/** A spec that the simulator's hosts can serve many times over. */
export const easySpec = {
  gpu: { models: ['v100-pcie-16gb', 'rtxa4000-pcie-16gb'], count: 1 },
  vcpus: 2,
  memoryGB: 4,
  storageGB: 20,
} as const;

/**
 * The whole operator, as one process of production composes it, between an API server and a provider in memory, on a
 * clock that stands still until told to go on. A test is its user, its platform team and its bad luck.
 */
export class SimulatedWorld {
  readonly clock = new VirtualClock();
  readonly api: MemoryApi;
  readonly provider: Simulator;
  readonly watchdog: Watchdog;
  readonly kubeWeather: KubeWeather = { delay: noDelay, lostRequests: 0, lostAnswers: 0, isDown: false };
  readonly providerWeather: ProviderWeather = { delay: noDelay, late: { chance: 0, delay: noDelay } };
  /** Requests that left for the provider, by endpoint. */
  readonly requests = new Map<string, number>();
  /** Writes that operators have made at the API server, Events apart. */
  writes = 0;
  /** Processes that were killed. */
  crashes = 0;
  /** How long after its death a process is followed by the next one. Absent: not by itself. */
  restartAfterMs: number | undefined;
  /** Moments so far at which a process could have died with a difference. */
  points = 0;
  /** The latest of what happened, for whoever has to find out why. */
  readonly trace: string[] = [];
  /** UIDs of resources that went and were to leave their VM behind. */
  readonly released = new Set<string>();
  readonly logLines: string[] = [];
  readonly #options: WorldOptions;
  readonly #statuses = new Map<string, object | undefined>();
  #life = new Lifetime();
  #operator: Operator | undefined;
  #dieAt = Infinity;
  #sentAt = 0;
  #tokens = burst;
  #starts = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    const { clock } = this;
    this.provider = createSimulator(
      {
        seed: options.seed,
        hosts: 8,
        balance: '100000',
        apiKey: plantedSecrets.apiKey,
        apiToken: plantedSecrets.apiToken,
        ...options.simulator,
      },
      clock,
    );
    this.api = new MemoryApi({
      clock,
      kinds: [
        { type: gpuVmType },
        { type: gpuAccountType },
        { type: secretType, statusSubresource: false },
        { type: configMapType, statusSubresource: false },
        { type: namespaceType, statusSubresource: false },
        { type: eventType, statusSubresource: false },
      ],
      before: (call) => {
        this.#remember(call);
      },
      after: (call) => {
        this.#compare(call);
      },
    });
    this.watchdog = new Watchdog(installation, {
      now: () => clock.now(),
      liveVms: () => this.vms(),
      resourceOf: (uid) => this.resources().find((object) => object.metadata.uid === uid),
    });
    this.#sendBookmarks();
  }

  /** The account and its Secret, and an operator that runs. */
  async begin(): Promise<void> {
    await this.api.create(secretType, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: 'gpuvm-system', name: 'tensordock' },
      data: { api_key: base64(plantedSecrets.apiKey), api_token: base64(plantedSecrets.apiToken) },
    });
    await this.api.create(gpuAccountType, {
      apiVersion: 'gpuvm.dev/v1alpha1',
      kind: 'GpuAccount',
      metadata: { name: accountName },
      spec: {
        credentialsSecretRef: { namespace: 'gpuvm-system', name: 'tensordock' },
        requestsPerSecond: this.#options.requestsPerSecond ?? 1,
      },
    });
    await this.start();
  }

  // The operator's process.

  get isOperatorAlive(): boolean {
    return this.#operator !== undefined && this.#life.isAlive;
  }

  /** Starts an operator process. It does nothing before the clock goes on. */
  async start(): Promise<void> {
    const life = new Lifetime();
    this.#life = life;
    this.#starts += 1;
    this.#tokens = burst;
    const chance = new Random(this.#options.seed, `operator ${this.#starts}`);
    const around = { clock: this.clock, chance: new Random(this.#options.seed, `links ${this.#starts}`), life };
    const passPoint = (name: string): void => {
      this.#passPoint(life, name);
    };
    const kube = new KubeLink(
      { ...around, passPoint },
      {
        api: this.api,
        weather: this.kubeWeather,
        onWrite: (_verb, type) => {
          if (type.plural !== eventType.plural) this.writes += 1;
        },
      },
    );
    const options = { ...defaultOperatorOptions, installation, ...this.#options.operator };
    const transport = new ProviderLink(
      { ...around, passPoint },
      {
        machine: this.provider.machine,
        weather: this.providerWeather,
        timeoutMs: options.providerTimeoutMs,
        onSend: (path) => {
          this.#countRequest(path);
        },
        onExchange: () => {
          this.watchdog.afterExchange();
        },
      },
    );
    this.note('the operator starts');
    const redactor = new Redactor();
    this.#operator = await createOperator({
      kube,
      clock: life.clockOf(this.clock),
      random: () => chance.next(),
      newPassword: () => `${plantedSecrets.password}${String(chance.integer(0, 999_999))}`,
      connect: () => Promise.resolve(),
      redactor,
      log: this.#logger(redactor, {}),
      metrics: createMetrics({ version: 'world' }),
      leadership: alwaysLeading,
      instance: 'world',
      options,
      createProvider: (given) => createTensorDockProvider({ ...given, transport }),
      startTelemetry: () => Promise.resolve({ url: '', host: '', port: 0, close: () => Promise.resolve() }),
    });
    void this.#operator.start();
  }

  /** SIGKILL, now. */
  crash(): void {
    if (!this.#life.isAlive) return;
    this.note('the operator is killed');
    this.crashes += 1;
    this.#end();
  }

  /** SIGKILL when the process comes to the moment after so many others. */
  crashAfter(points: number): void {
    this.#dieAt = this.points + points;
  }

  /** SIGTERM. */
  async stop(graceMs = 25_000): Promise<void> {
    const operator = this.#operator;
    const life = this.#life;
    if (operator === undefined) return;
    this.note('the operator is asked to stop');
    const progress = { isOver: false };
    void operator.stop(graceMs).then(() => {
      progress.isOver = true;
    });
    const took = await this.until(() => progress.isOver || this.#life !== life, 4 * graceMs);
    if (took === undefined) this.watchdog.complain('the operator does not stop');
    else if (life.isAlive && life.isWaiting)
      this.watchdog.complain('the operator has stopped, but its process does not end');
    if (this.#life === life) this.#end();
  }

  #end(): void {
    this.#life.end();
    this.#operator = undefined;
    this.#dieAt = Infinity;
    if (this.restartAfterMs === undefined) return;
    this.clock.after(this.restartAfterMs, () => {
      if (!this.isOperatorAlive) void this.start();
    });
  }

  async restart(): Promise<void> {
    this.crash();
    await this.start();
  }

  // Its users.

  /** Creates the GpuVm, or changes the fields of its spec that are given. */
  async apply(
    name: string,
    spec: object = easySpec,
    annotations: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const ref = { namespace, name };
    this.note(`apply ${name} ${JSON.stringify(spec)}`);
    if (this.api.peek(gpuVmType, keyOf(ref)) === undefined) {
      await this.api.create(gpuVmType, {
        apiVersion: 'gpuvm.dev/v1alpha1',
        kind: 'GpuVm',
        metadata: { ...ref, annotations },
        spec,
      });
    } else {
      await this.api.mergePatch(gpuVmType, ref, { metadata: { annotations }, spec });
    }
  }

  async annotate(name: string, annotations: Readonly<Record<string, string | null>>): Promise<void> {
    this.note(`annotate ${name} ${JSON.stringify(annotations)}`);
    await this.api.mergePatch(gpuVmType, { namespace, name }, { metadata: { annotations } });
  }

  /** `kubectl delete` without waiting. */
  async delete(name: string): Promise<void> {
    this.note(`delete ${name}`);
    await this.api.delete(gpuVmType, { namespace, name });
  }

  statusOf(name: string): GpuVmStatus | undefined {
    return this.resource(name)?.status;
  }

  conditionOf(name: string, type: string): string | undefined {
    const condition = this.statusOf(name)?.conditions?.find((one) => one.type === type);
    return condition === undefined ? undefined : `${condition.status} ${condition.reason}`;
  }

  resource(name: string): CustomObject | undefined {
    return this.api.peek(gpuVmType, keyOf({ namespace, name })) as CustomObject | undefined;
  }

  resources(): CustomObject[] {
    return [...this.#names].flatMap((name) => this.resource(name) ?? []);
  }

  // Bad luck.

  fault(spec: FaultSpec): void {
    this.note(`fault ${JSON.stringify(spec)}`);
    this.provider.machine.faults.add(spec);
  }

  clearFaults(): void {
    this.note('faults are cleared');
    this.provider.machine.faults.clear();
    Object.assign(this.kubeWeather, { lostRequests: 0, lostAnswers: 0, isDown: false });
    this.providerWeather.late = { chance: 0, delay: noDelay };
  }

  // The provider.

  /** VMs that live at the provider, ours and others. */
  vms(): Vm[] {
    return [...this.provider.machine.world.vms.values()];
  }

  /** What the control surface of the simulator can do: `control('POST', 'vms/<id>', {remove: true})`. */
  control(method: string, path: string, body?: unknown): void {
    this.note(`control ${method} ${path} ${JSON.stringify(body)}`);
    const answer = this.provider.control({ method, path, body });
    if (answer.status !== 200) throw new Error(answer.body);
  }

  requestsOf(...paths: readonly string[]): number {
    return paths.reduce((sum, path) => sum + (this.requests.get(path) ?? 0), 0);
  }

  get totalRequests(): number {
    return [...this.requests.values()].reduce((sum, count) => sum + count, 0);
  }

  // Time.

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms);
  }

  /** Goes on until it is so, looking every `stepMs`. Returns how long that took; undefined: it did not come within the limit. */
  async until(isSo: () => boolean, limitMs: number, stepMs = 1000): Promise<number | undefined> {
    const startedAt = this.clock.now();
    await this.advance(0);
    while (!isSo()) {
      if (this.clock.now() - startedAt >= limitMs) return undefined;
      await this.advance(stepMs);
    }
    return this.clock.now() - startedAt;
  }

  note(what: string): void {
    this.trace.push(`${new Date(this.clock.now()).toISOString()} ${what}`);
    if (this.trace.length > 4000) this.trace.splice(0, 2000);
  }

  readonly #names = new Set<string>();

  #remember({ verb, type, ref, body }: Call): void {
    if (type.plural !== gpuVmType.plural && type.plural !== gpuAccountType.plural) return;
    const created = (body as { metadata?: { name?: string } } | undefined)?.metadata?.name;
    if (verb === 'create' && type.plural === gpuVmType.plural && created !== undefined) this.#names.add(created);
    if (verb === 'list' || verb === 'watch') return;
    const key = ref === undefined ? undefined : keyOf(ref);
    if (key !== undefined) this.#statuses.set(`${type.plural}/${key}`, this.api.peek(type, key));
  }

  /** What a write has changed, seen from outside. */
  #compare({ verb, type, ref, subresource }: Call): void {
    const isOurs = type.plural === gpuVmType.plural || type.plural === gpuAccountType.plural;
    if (ref === undefined || !isOurs || verb === 'get') return;
    const key = keyOf(ref);
    const before = this.#statuses.get(`${type.plural}/${key}`) as CustomObject | undefined;
    const after = this.api.peek(type, key) as CustomObject | undefined;
    if (after === undefined && before !== undefined && type.plural === gpuVmType.plural) this.#gone(before);
    if (subresource === 'status' && after !== undefined) {
      if (before?.metadata.resourceVersion === after.metadata.resourceVersion)
        this.watchdog.complain(`an idle write to ${key}`);
      this.#noteStatus(type, after);
      this.watchdog.afterStatus(type.kind, after, before?.status);
    }
  }

  #noteStatus(type: ResourceType, after: CustomObject): void {
    if (type.plural !== gpuVmType.plural) return;
    const status = after.status as GpuVmStatus;
    const readyCondition = status.conditions?.find((one) => one.type === 'Ready');
    this.note(
      `${after.metadata.name}: ${status.phase ?? ''} Ready=${readyCondition?.status ?? ''} ${readyCondition?.reason ?? ''}` +
        ` vm=${status.vm?.id.slice(0, 8) ?? '-'} launch=${String(status.launch?.attempt ?? '-')} ${status.launch?.outcome ?? ''}`,
    );
  }

  #gone(last: CustomObject): void {
    this.note(`${last.metadata.name} is gone`);
    if ((last.spec as GpuVmSpec).deletionPolicy === 'Retain') this.released.add(last.metadata.uid);
    this.watchdog.afterGone(last);
    // What kube-controller-manager does a moment later.
    this.clock.after(500, () => void this.#collectGarbage(last.metadata.uid));
  }

  async #collectGarbage(owner: string): Promise<void> {
    const { items } = await this.api.list<SecretObject>(secretType);
    for (const { metadata } of items) {
      if (metadata.ownerReferences?.some(({ uid }) => uid === owner) === true)
        await this.api.delete(secretType, metadata);
    }
  }

  #passPoint(life: Lifetime, name: string): void {
    if (!life.isAlive || life !== this.#life) return;
    this.points += 1;
    if (!name.endsWith('client/list')) this.note(name);
    if (this.points >= this.#dieAt) this.crash();
  }

  #countRequest(path: string): void {
    const [endpoint = path] = path.split('?');
    this.requests.set(endpoint, (this.requests.get(endpoint) ?? 0) + 1);
    // A token bucket of its own: in any window of w seconds no more than burst + w times the rate leave.
    const rate = this.#options.requestsPerSecond ?? 1;
    const now = this.clock.now();
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#sentAt) * rate) / 1000) - 1;
    this.#sentAt = now;
    if (this.#tokens < -0.01) this.watchdog.complain('requests to the provider leave faster than the account allows');
  }

  /** Bookmarks come about once a minute. */
  #sendBookmarks(): void {
    this.clock.after(60_000, () => {
      if (!this.kubeWeather.isDown) this.api.sendBookmarks();
      this.#sendBookmarks();
    });
  }

  #logger(redactor: Redactor, bindings: object): Logger {
    const write =
      (level: string) =>
      (fields: object, message: string): void => {
        if (level === 'debug') return;
        const line = redactor.text(`${level} ${message} ${JSON.stringify({ ...bindings, ...fields })}`);
        this.note(line.slice(0, 400));
        this.logLines.push(line);
        if (this.logLines.length > 2000) this.logLines.splice(0, 1000);
        if (
          level === 'error' &&
          /reconcile failed/.test(message) &&
          !/cannot reach the API server|conflict/.test(line)
        ) {
          this.watchdog.complain(line.slice(0, 600));
        }
      };
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: (more) => this.#logger(redactor, { ...bindings, ...more }),
    };
  }
}

/** A world with its account, in which an operator has just been started. */
export async function createWorld(options: WorldOptions): Promise<SimulatedWorld> {
  const world = new SimulatedWorld(options);
  await world.begin();
  return world;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
