import { customResourceDefinition } from '../../src/api/crd.ts';
import type { GpuAccountStatus } from '../../src/api/gpu-account.ts';
import { gpuAccountType, gpuBudgetType, gpuPoolType } from '../../src/api/group.ts';
import type { VmStatus } from '../../src/api/vm.ts';
import { kinds } from '../../src/api/kinds.ts';
import {
  configMapType,
  endpointSliceType,
  namespaceType,
  secretType,
  serviceType,
  type CustomObject,
} from '../../src/controllers/objects.ts';
import type { Connect } from '../../src/controllers/prober.ts';
import { keyOf, type ResourceType } from '../../src/kube/contract.ts';
import { eventType } from '../../src/kube/events.ts';
import { leaseType } from '../../src/kube/lease.ts';
import { MemoryApi } from '../../src/kube/testing/memory-api.ts';
import { customKind } from '../../src/kube/testing/kind-rules.ts';
import type { Logger } from '../../src/lib/logger.ts';
import type { Redactor } from '../../src/lib/redact.ts';
import { VirtualClock } from '../../src/lib/virtual-clock.ts';
import { mostStoppingMs } from '../../src/operator/operator.ts';
import { defaultOperatorOptions, type OperatorOptions } from '../../src/operator/options.ts';
import {
  createSimulator,
  type SimRequest,
  type FaultSpec,
  type SimulatorOptions,
  type Simulator,
} from '../../src/sim/index.ts';
import { Random } from '../../src/sim/random.ts';
import type { Vm } from '../../src/sim/state.ts';
import { CallBudget } from './call-budget.ts';
import type { KubeWeather } from './kube-link.ts';
import { typeOfName, vmTypes } from './kinds.ts';
import { fairWeather, type ProviderWeather } from './provider-link.ts';
import { Replica } from './replica.ts';
import { noDelay } from './surroundings.ts';
import { Watchdog } from './watchdog.ts';
import { Witness } from './witness.ts';

export interface WorldOptions {
  /** Everything that is chance here follows from it: the same seed and the same calls give the same world. */
  readonly seed: number;
  readonly simulator?: Partial<SimulatorOptions>;
  readonly operator?: Partial<OperatorOptions>;
  readonly requestsPerSecond?: number;
  /** What the spec of the account has beside that. */
  readonly account?: object;
  /** Namespaces beside the one that names without a namespace are of. */
  readonly namespaces?: readonly string[];
  /** Operator processes; 1 unless given. */
  readonly replicas?: number;
  /** How several of them agree on who acts. Default `lease`; with one replica there is nothing to agree on. */
  readonly election?: 'lease' | 'none';
  /** How far the clock of each replica's machine is ahead of the world's. */
  readonly skewsMs?: readonly number[];
  /** Each process runs on another of these machines than the one before it. Default: each replica stays where it is. */
  readonly movesMachines?: boolean;
  /** Things that are due in the same millisecond happen in an order that the seed chooses. Default: as they were set. */
  readonly shuffles?: boolean;
}

export const installation = '1a2b3c4d';
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

/** More requests than this in one millisecond are no burst any more. */
const mostPointsAtAMoment = 5_000;

/** A watch that was interrupted is opened again within half a minute; then there is one more try of everything else. */
const longestRecoveryMs = 60_000;
/** A reconcile that the API server has failed is tried again after five minutes at most, and so much on top. */
const longestKubeRecoveryMs = 330_000;

/** What is to befall a process at one of the moments it comes to. */
interface Doom {
  readonly isNow: (points: number, point: string) => boolean;
  readonly strike: (replica: Replica, point: string) => void;
}

/**
 * The whole operator, as one process of production composes it, between an API server and a provider in memory, on a
 * clock that stands still until told to go on. A test is its user, its platform team and its bad luck.
 */
export class SimulatedWorld {
  readonly clock: VirtualClock;
  readonly api: MemoryApi;
  readonly provider: Simulator;
  readonly watchdog: Watchdog;
  readonly replicas: readonly Replica[];
  readonly kubeWeather: KubeWeather = {
    delay: noDelay,
    lostRequests: 0,
    lostAnswers: 0,
    duplicates: 0,
    isDown: false,
  };
  readonly providerWeather: ProviderWeather = { delay: noDelay, ...fairWeather() };
  /** How VMs answer to probes. */
  connect: Connect = () => Promise.resolve();
  /** Requests that left for the provider, by endpoint. */
  readonly requests = new Map<string, number>();
  /** Writes that operators have made at the API server, Events and Leases apart. */
  writes = 0;
  /** Nothing that was to go wrong later goes wrong any more. */
  isTroubleOver = false;
  /** Processes that have ended, however. */
  crashes = 0;
  /** How long after its end a process is followed by the next one. Absent: not by itself. */
  restartAfterMs: number | undefined;
  /** Moments so far at which a process could have died with a difference. */
  points = 0;
  /** The latest of what happened, for whoever has to find out why. */
  readonly trace: string[] = [];
  readonly logLines: string[] = [];
  readonly #options: WorldOptions;
  readonly #witness: Witness;
  readonly #budgets = new Map<Replica, CallBudget>();
  readonly #retired = new Set<Replica>();
  readonly #observers: ((request: SimRequest) => void)[] = [];
  /** Ids of VMs that were over once: one that is deleted after that is on its way out, and not there again. */
  readonly #over = new Set<string>();
  #dooms: Doom[] = [];
  #areWatchesHeld = false;
  #disturbedAt = 0;
  #kubeTroubledAt = -Infinity;
  #momentAt = 0;
  #pointsAtMoment = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    const { seed, replicas = 1 } = options;
    const order = new Random(seed, 'order');
    this.clock = new VirtualClock(undefined, options.shuffles === true ? () => order.next() : undefined);
    const { clock } = this;
    const { apiKey, apiToken } = plantedSecrets;
    this.provider = createSimulator(
      { seed, hosts: 8, balance: '100000', apiKey, apiToken, ...options.simulator },
      clock,
    );
    this.#witness = new Witness({
      api: () => this.api,
      clock,
      watchdog: () => this.watchdog,
      note: (what) => {
        this.note(what);
      },
    });
    this.api = apiServer(clock, this.#witness, options.namespaces ?? []);
    this.watchdog = new Watchdog(installation, {
      now: () => clock.now(),
      writersClocks: () => this.#writersClocks(),
      frozenMs: () => this.#frozenMs(),
      liveVms: () => this.vms().filter(({ id, status }) => status !== 'Terminated' && !this.#over.has(id)),
      instants: () => this.provider.machine.world.instants,
      resourceOf: (uid) => this.resources().find((object) => object.metadata.uid === uid),
      resources: () => this.resources(),
      pools: () => this.#witness.pools(),
      account: () => this.api.peek(gpuAccountType, accountName) as CustomObject | undefined,
      isOneActing: this.isOneActing,
      isCalm: () => this.isCalm,
    });
    const names = ['operator', 'standby', 'third'];
    this.replicas = names.slice(0, replicas).map((name, index) => this.#newReplica(name, index));
    this.#sendBookmarks();
  }

  /** The account and its Secret, and operators that run. */
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
        requestsPerSecond: this.#rate,
        ...this.#options.account,
      },
    });
    await this.start();
  }

  // The operator's processes.

  get isOperatorAlive(): boolean {
    return this.replicas.some((replica) => replica.isAlive);
  }

  /** Starts the processes that do not run. They do nothing before the clock goes on. */
  async start(): Promise<void> {
    for (const replica of this.replicas) {
      if (!replica.isAlive && !this.#retired.has(replica)) await replica.start();
    }
  }

  /** SIGKILL for all, now. */
  crash(): void {
    for (const replica of this.replicas) replica.kill();
  }

  /** SIGKILL for the process that comes to the moment after so many others. */
  crashAfter(points: number): void {
    this.#atPoint(points, (replica) => {
      replica.kill();
    });
  }

  /** SIGSTOP for the process that comes to the moment after so many others, and SIGCONT after as long as `msAt` says. */
  freezeAfter(points: number, msAt: (point: string) => number): void {
    this.#atPoint(points, (replica, point) => {
      replica.freeze(msAt(point));
    });
  }

  /** SIGSTOP for the process that comes to a moment of this name next, and SIGCONT after so long. */
  freezeAt(name: string, ms: number): void {
    this.atNext(name, (replica) => {
      replica.freeze(ms);
    });
  }

  /** What befalls the process that comes to a moment of this name next. */
  atNext(name: string, strike: (replica: Replica) => void): void {
    this.#dooms.push({ isNow: (_, point) => point === name, strike });
  }

  /** SIGTERM for one; resolves when it has ended. */
  async stop(graceMs = 25_000, replica = this.replicas[0]): Promise<void> {
    if (replica?.isAlive !== true) return;
    const progress = { isOver: false };
    void replica.stop(graceMs).then(() => {
      progress.isOver = true;
    });
    const isOver = (): boolean => progress.isOver || replica.isFrozen;
    if ((await this.until(isOver, graceMs + mostStoppingMs, 100)) === undefined)
      this.watchdog.complain(`${replica.name} does not stop in time`);
  }

  /** Nothing runs any more. What still waits for an answer would keep the whole world in memory, and thousands are played. */
  end(): void {
    this.restartAfterMs = undefined;
    this.crash();
  }

  /** One of the replicas is scaled away: its process is killed, and none follows. */
  retire(index: number): void {
    const replica = this.replicas[index];
    if (replica === undefined) return;
    this.#retired.add(replica);
    replica.kill();
  }

  async restart(): Promise<void> {
    this.crash();
    await this.start();
  }

  // Its users.

  /** Creates the GpuVm, or the SpotVm where the name begins with "spot-", or changes the fields of its spec that are given. */
  async apply(
    name: string,
    spec: object = easySpec,
    annotations: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const ref = { namespace, name };
    const type = this.#typeOf(name);
    this.note(`apply ${name} ${JSON.stringify(spec)}`);
    if (this.resource(name) === undefined) {
      await this.api.create(type, {
        apiVersion: 'gpuvm.dev/v1alpha1',
        kind: type.kind,
        metadata: { ...ref, annotations },
        spec,
      });
    } else {
      await this.api.mergePatch(type, ref, { metadata: { annotations }, spec });
    }
  }

  async annotate(name: string, annotations: Readonly<Record<string, string | null>>): Promise<void> {
    this.note(`annotate ${name} ${JSON.stringify(annotations)}`);
    await this.api.mergePatch(this.#typeOf(name), { namespace, name }, { metadata: { annotations } });
  }

  /** `kubectl delete` without waiting. */
  async delete(name: string): Promise<void> {
    this.note(`delete ${name}`);
    await this.#deleteAsUser(this.#typeOf(name), name);
  }

  /** Somebody takes the finalizer off by hand, and deletes the resource: nobody gets to look at its VM. */
  async deleteByForce(name: string): Promise<void> {
    const object = this.resource(name);
    if (object === undefined) return;
    this.note(`delete ${name} by force`);
    this.watchdog.expectForce(object);
    this.#witness.isUserCalling = true;
    const [type, ref] = [this.#typeOf(name), { namespace, name }];
    const isHeld = object.metadata.finalizers !== undefined;
    const patched = isHeld ? this.api.mergePatch(type, ref, { metadata: { finalizers: null } }) : undefined;
    // One that was being deleted already goes with its finalizer.
    const isGone = this.resource(name) === undefined;
    const deleted = isGone ? undefined : this.api.delete(type, ref);
    this.#witness.isUserCalling = false;
    await Promise.all([patched, deleted]);
  }

  /** The platform team changes the account. */
  async changeAccount(spec: object): Promise<void> {
    this.note(`account ${JSON.stringify(spec)}`);
    await this.api.mergePatch(gpuAccountType, { name: accountName }, { spec });
  }

  async deletePool(name: string): Promise<void> {
    this.note(`delete ${name}`);
    await this.#deleteAsUser(gpuPoolType, name);
  }

  /** What the namespace may have; null: as much as it wants. */
  async allow(hard: object | null, onExceeded = 'BlockCreate'): Promise<void> {
    const ref = { namespace, name: 'budget' };
    const isThere = this.api.peek(gpuBudgetType, keyOf(ref)) !== undefined;
    if (hard === null && !isThere) return;
    this.note(`allow ${JSON.stringify(hard)}, else ${onExceeded}`);
    if (hard === null) return this.api.delete(gpuBudgetType, ref);
    const wholly = { vms: null, gpus: null, hourlyCost: null, ...hard };
    if (isThere) await this.api.mergePatch(gpuBudgetType, ref, { spec: { hard: wholly, onExceeded } });
    else
      await this.api.create(gpuBudgetType, {
        apiVersion: 'gpuvm.dev/v1alpha1',
        kind: 'GpuBudget',
        metadata: ref,
        spec: { hard, onExceeded },
      });
  }

  /** Undefined while the namespace may have as much as it wants. */
  budget(): CustomObject | undefined {
    return this.api.peek(gpuBudgetType, keyOf({ namespace, name: 'budget' })) as CustomObject | undefined;
  }

  async #deleteAsUser(type: ResourceType, name: string): Promise<void> {
    this.#witness.isUserCalling = true;
    // Carried out before anything is awaited.
    const deletion = this.api.delete(type, { namespace, name });
    this.#witness.isUserCalling = false;
    await deletion;
  }

  /** Of one that exists, by what it is: members of pools are of either kind. */
  #typeOf(name: string): ResourceType {
    const key = keyOf({ namespace, name });
    return vmTypes.find((type) => this.api.peek(type, key) !== undefined) ?? typeOfName(name);
  }

  pool(name: string): CustomObject | undefined {
    return this.api.peek(gpuPoolType, keyOf({ namespace, name })) as CustomObject | undefined;
  }

  pools(): CustomObject[] {
    return this.#witness.pools();
  }

  /** Somebody who may write statuses does: what they write is held to nothing. */
  async editStatus(name: string, status: object): Promise<void> {
    this.note(`edit the status of ${name}: ${JSON.stringify(status)}`);
    this.#witness.isLookingAway = true;
    await this.api.mergePatch(this.#typeOf(name), { namespace, name }, { status }, 'status');
    this.#witness.isLookingAway = false;
    this.watchdog.excuse(this.resource(name)?.metadata.uid ?? '');
  }

  /** The same, and leave nothing. */
  async emptyStatus(name: string): Promise<void> {
    const keys = Object.keys(this.statusOf(name) ?? {});
    if (keys.length > 0) await this.editStatus(name, Object.fromEntries(keys.map((key) => [key, null])));
  }

  statusOf(name: string): VmStatus | undefined {
    return this.resource(name)?.status;
  }

  conditionOf(name: string, type: string): string | undefined {
    const condition = this.statusOf(name)?.conditions?.find((one) => one.type === type);
    return condition === undefined ? undefined : `${condition.status} ${condition.reason}`;
  }

  resource(name: string): CustomObject | undefined {
    return this.api.peek(this.#typeOf(name), keyOf({ namespace, name })) as CustomObject | undefined;
  }

  resources(): CustomObject[] {
    return this.#witness.resources();
  }

  /** One process acts at a time; else two believe that they are alone. */
  get isOneActing(): boolean {
    const { replicas = 1, election } = this.#options;
    return replicas === 1 || election !== 'none';
  }

  /** UIDs of resources that went and were to leave their VM behind, and the ids of VMs that they had recorded. */
  get released(): ReadonlySet<string> {
    return this.#witness.released;
  }

  // Bad luck.

  fault(spec: FaultSpec): void {
    this.note(`fault ${JSON.stringify(spec)}`);
    this.provider.machine.faults.add(spec);
  }

  /** All trouble that lasts is over; what was under way goes on. */
  clearFaults(): void {
    this.note('faults are cleared');
    this.isTroubleOver = true;
    this.#noteTrouble();
    this.#disturbedAt = this.clock.now();
    this.provider.machine.faults.clear();
    Object.assign(this.kubeWeather, { lostRequests: 0, lostAnswers: 0, duplicates: 0, isDown: false });
    Object.assign(this.providerWeather, fairWeather());
    for (const replica of this.replicas) replica.isCutOff = false;
    this.#dooms = [];
  }

  /** Watches tell nothing more for a while, or go on where they were. */
  holdWatches(on: boolean): void {
    this.api.holdWatches(on);
    this.#disturbedAt = this.clock.now();
    this.#areWatchesHeld = on;
  }

  /** Nothing is in the operator's way, and nothing was for long enough that it has found back after the last trouble. */
  get isCalm(): boolean {
    this.#noteTrouble();
    const now = this.clock.now();
    return now - this.#disturbedAt > longestRecoveryMs && now - this.#kubeTroubledAt > longestKubeRecoveryMs;
  }

  #noteTrouble(): void {
    const now = this.clock.now();
    const { lostRequests, lostAnswers, duplicates, isDown } = this.kubeWeather;
    const isCutOff = this.replicas.some((replica) => replica.isCutOff);
    if (isDown || isCutOff || lostRequests + lostAnswers + duplicates > 0) this.#kubeTroubledAt = now;
    if (!this.#isUndisturbed()) this.#disturbedAt = now;
  }

  /** The operator runs, its calls arrive, it hears of changes, and lists tell the truth. */
  #isUndisturbed(): boolean {
    const { late, omits } = this.providerWeather;
    const isAwake = this.replicas.some((replica) => replica.isLeading && !replica.isFrozen);
    const isProvider = this.provider.machine.faults.list().length === 0 && late.chance === 0 && omits === undefined;
    return isAwake && isProvider && this.#isAccountReady() && !this.#areWatchesHeld;
  }

  #isAccountReady(): boolean {
    const account = this.api.peek(gpuAccountType, accountName) as CustomObject | undefined;
    const { conditions = [] } = (account?.status ?? {}) as GpuAccountStatus;
    const isReady = conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
    return isReady && !conditions.some(({ type }) => type === 'ListDistrusted' || type === 'OrganizationUnproven');
  }

  // The provider.

  /** VMs that live at the provider, ours and others. */
  vms(): Vm[] {
    return [...this.provider.machine.world.vms.values()];
  }

  /**
   * Somebody deploys a VM by hand, such as `easySpec` describes. Returns its id; one that nobody knows if there is no room.
   * @param bid of a spot VM, in dollars per hour
   * @param name what they call it
   */
  deployForeign(bid?: string, name?: string): string {
    const { gpu, vcpus, memoryGB: ram, storageGB: storage } = easySpec;
    if (name !== undefined) this.watchdog.expectStray(name);
    for (const host of this.provider.machine.world.hosts.values()) {
      const model = gpu.models.find((one) => (host.gpus.get(one)?.free ?? 0) >= gpu.count);
      const [port] = host.freePorts;
      if (model === undefined || port === undefined) continue;
      const answer = this.provider.call('client/deploy/single', {
        ...{
          name: name ?? `by-hand-${String(port)}-${host.id.slice(0, 8)}`,
          hostnode: host.id,
          gpu_model: model,
          gpu_count: gpu.count,
          vcpus,
          ram,
          storage,
        },
        ...{ external_ports: `{${String(port)}}`, internal_ports: '{22}', operating_system: 'Ubuntu 22.04 LTS' },
        password: 'Some-pass0rd',
        ...(bid === undefined ? {} : { price_type: 'spot', price: bid }),
      });
      const { server } = JSON.parse(answer.body) as { server?: string };
      if (server !== undefined) return server;
    }
    return '00000000-0000-4000-8000-000000000000';
  }

  /** What the control surface of the simulator can do: `control('POST', 'vms/<id>', {remove: true})`. */
  control(method: string, path: string, body?: unknown): void {
    this.note(`control ${method} ${path} ${JSON.stringify(body)}`);
    const answer = this.provider.control({ method, path, body });
    for (const { id, status } of this.vms()) if (status === 'Terminated') this.#over.add(id);
    this.watchdog.look();
    if (answer.status !== 200) throw new Error(answer.body);
  }

  /** Tells of each request to the provider as it leaves. */
  onRequest(observe: (request: SimRequest) => void): void {
    this.#observers.push(observe);
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

  get #rate(): number {
    return this.#options.requestsPerSecond ?? 1;
  }

  #writersClocks(): { aheadMs: number; behindMs: number } {
    const skews = [0, ...(this.#options.skewsMs ?? [])];
    return { aheadMs: Math.max(...skews), behindMs: this.#frozenMs() - Math.min(...skews) };
  }

  #frozenMs(): number {
    return Math.max(...this.replicas.map((replica) => replica.frozenMs));
  }

  #atPoint(points: number, strike: Doom['strike']): void {
    const at = this.points + points;
    this.#dooms.push({ isNow: (passed) => passed >= at, strike });
  }

  #newReplica(name: string, index: number): Replica {
    const { seed, replicas = 1, election = 'lease', operator, skewsMs = [], movesMachines } = this.#options;
    const skewMsOf = (start: number): number =>
      (movesMachines === true ? skewsMs[(index + start) % skewsMs.length] : skewsMs[index]) ?? 0;
    return new Replica(name, {
      ...{ seed, skewMsOf, clock: this.clock, api: this.api, machine: this.provider.machine },
      kubeWeather: this.kubeWeather,
      providerWeather: this.providerWeather,
      connect: (...given) => this.connect(...given),
      options: { ...defaultOperatorOptions, installation, ...operator },
      election: replicas === 1 ? 'none' : election,
      newPassword: (chance) => `${plantedSecrets.password}${String(chance.integer(0, 999_999))}`,
      note: (what) => {
        this.note(what);
      },
      complain: (what) => {
        this.watchdog.complain(what);
      },
      logger: (redactor, replica) => this.#logger(redactor, replicas === 1 ? {} : { replica }),
      passPoint: (replica, point) => {
        this.#passPoint(replica, point);
      },
      onSend: (replica, request) => {
        this.#onSend(replica, request.path);
        for (const observe of this.#observers) observe(request);
        this.watchdog.onSend(replica.name, request);
      },
      onArrival: () => {
        this.watchdog.onArrival();
      },
      onExchange: (request, exchange) => {
        this.watchdog.afterExchange(request, exchange);
      },
      onWrite: ({ plural }) => {
        if (plural !== eventType.plural && plural !== leaseType.plural) this.writes += 1;
      },
      onEnd: (replica) => {
        this.#onEnd(replica);
      },
      onSpin: (replica) => {
        this.watchdog.complain(`${replica.name} runs in circles, and hardly any time goes by`);
        // The next one would do the same, for hours.
        this.#retired.add(replica);
        replica.breakOff();
      },
    });
  }

  #onEnd(replica: Replica): void {
    this.crashes += 1;
    this.#disturbedAt = this.clock.now();
    this.#budgets.delete(replica);
    this.watchdog.onEnd(replica.name);
    if (this.restartAfterMs === undefined) return;
    this.clock.after(this.restartAfterMs, () => {
      if (!replica.isAlive && !this.#retired.has(replica)) void replica.start();
    });
  }

  #passPoint(replica: Replica, point: string): void {
    this.#guardAgainstHotLoops();
    // Renewals come every two seconds: as moments to die they would drown all others.
    if (point.endsWith(leaseType.plural)) return;
    this.points += 1;
    if (!point.endsWith('client/list')) this.note(this.replicas.length === 1 ? point : `${replica.name}: ${point}`);
    const due = this.#dooms.filter(({ isNow }) => isNow(this.points, point));
    if (due.length === 0) return;
    this.#dooms = this.#dooms.filter((doom) => !due.includes(doom));
    for (const { strike } of due) strike(replica, point);
  }

  /** A loop that never lets time go on would hang the test instead of failing it. */
  #guardAgainstHotLoops(): void {
    const now = this.clock.now();
    if (now !== this.#momentAt) {
      this.#momentAt = now;
      this.#pointsAtMoment = 0;
    }
    this.#pointsAtMoment += 1;
    if (this.#pointsAtMoment < mostPointsAtAMoment) return;
    this.watchdog.complain('a hot loop: requests without end, and no time goes by');
    this.crash();
  }

  #onSend(replica: Replica, endpoint: string): void {
    this.requests.set(endpoint, (this.requests.get(endpoint) ?? 0) + 1);
    const budget = this.#budgets.get(replica) ?? new CallBudget(this.#rate, this.clock);
    this.#budgets.set(replica, budget);
    if (!budget.allows()) this.watchdog.complain('requests to the provider leave faster than the account allows');
    if (this.replicas.length === 1 || this.#options.election === 'none') return;
    if (!replica.isLeading) this.watchdog.complain(`${replica.name} calls ${endpoint} and does not lead`);
    const other = this.replicas.find((one) => one !== replica && one.isLeading);
    if (other !== undefined) this.watchdog.complain(`${replica.name} calls ${endpoint} while ${other.name} leads`);
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
        const isExpected = /cannot reach the API server|conflict/.test(line);
        if (level === 'error' && message === 'reconcile failed' && !isExpected) {
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

/** A world with its account, in which operators have just been started. */
export async function createWorld(options: WorldOptions): Promise<SimulatedWorld> {
  const world = new SimulatedWorld(options);
  await world.begin();
  return world;
}

/** Compiled once: a world is made thousands of times. */
const customKinds = kinds.map((kind) => customKind(customResourceDefinition(kind)));

function apiServer(clock: VirtualClock, witness: Witness, more: readonly string[]): MemoryApi {
  const plain = [secretType, configMapType, namespaceType, eventType, leaseType, serviceType, endpointSliceType];
  return new MemoryApi({
    clock,
    kinds: [...customKinds, ...plain.map((type) => ({ type }))],
    namespaces: ['gpuvm-system', namespace, ...more],
    before: (call) => {
      witness.before(call);
    },
    after: (call) => {
      witness.after(call);
    },
  });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
