import type { GpuAccountStatus } from '../../src/api/gpu-account.ts';
import { annotations, gpuAccountType, gpuPoolType, gpuVmType, spotVmType } from '../../src/api/group.ts';
import type { KubeObject, ResourceType } from '../../src/kube/contract.ts';
import { Cluster } from './cluster.ts';
import { OperatorProcess, type OperatorFlags } from './operator-process.ts';
import { Organization, type OrganizationOptions } from './organization.ts';
import { PoolHandle } from './pool-handle.ts';
import { RunningWatch } from './running-watch.ts';
import { StatusWatch } from './status-watch.ts';
import { until } from './until.ts';
import { VmHandle } from './vm-handle.ts';
import { Wire } from './wire.ts';

/** A VM that any host of the simulator with that GPU can take. */
const smallVm = {
  gpu: { models: ['v100-pcie-16gb'] },
  vcpus: 4,
  memoryGB: 16,
  storageGB: 100,
};

/** From what loses at the simulator's market to what wins there. */
const smallBid = { bid: { price: '0.10', maxPrice: '0.30' } };

/** Who rents: a namespace, and the account that pays. */
export type Team = Pick<Organization, 'namespace' | 'account'>;

/** What the operator of a story is started with beside the shortened times. */
export interface OperatorWishes {
  readonly flags: OperatorFlags;
  readonly env: Readonly<Record<string, string>>;
}

/** How stories get an API server, and operators into it. */
export interface House {
  open(): Promise<Cluster>;
  /** Gives what starts an operator that reaches the API server by the wire, each time that it is called. */
  hire(cluster: Cluster, wire: Wire, wishes: OperatorWishes): Promise<() => OperatorProcess>;
}

/** The sources, with the rights of an administrator. */
let house: House = {
  open: () => Cluster.start(),
  hire: (_cluster, wire, { flags, env }) => Promise.resolve(() => new OperatorProcess(wire.kubeconfigPath, flags, env)),
};

/** The stories of this test file are played there. */
export function playIn(other: House): void {
  house = other;
}

/** Where a story is played: an API server, the operator beside it, and organizations as they are needed. */
export class Stage {
  readonly cluster: Cluster;
  /** The operator's way to the API server; tests have their own. */
  readonly wire: Wire;
  operator: OperatorProcess;
  readonly #newOperator: () => OperatorProcess;
  readonly #organizations: Organization[] = [];
  readonly #statuses: StatusWatch;
  readonly #runningWatches: RunningWatch[] = [];
  readonly #closing: { close(): void }[] = [];
  /** What operators before the present one have written. */
  readonly #earlierOutput: string[] = [];

  private constructor(cluster: Cluster, wire: Wire, newOperator: () => OperatorProcess) {
    this.cluster = cluster;
    this.wire = wire;
    this.#newOperator = newOperator;
    this.#statuses = new StatusWatch(cluster);
    this.operator = newOperator();
  }

  static async set(flags: OperatorFlags = {}, env: Readonly<Record<string, string>> = {}): Promise<Stage> {
    const cluster = await house.open();
    const wire = await Wire.to(cluster.kubeconfigPath);
    const stage = new Stage(cluster, wire, await house.hire(cluster, wire, { flags, env }));
    await stage.operator.started;
    return stage;
  }

  async organization(options: OrganizationOptions = {}): Promise<Organization> {
    const organization = await Organization.found(this.cluster, { hosts: 7, ...options });
    this.#organizations.push(organization);
    return organization;
  }

  /** Looks from now to the end whether two VMs of one resource ever run at once. */
  watchRunning(organization: Organization): void {
    this.#runningWatches.push(new RunningWatch(organization));
  }

  /** Creates a GpuVm; `spec` overrides the small VM. Rejects when the API server refuses it. */
  create(
    team: Team,
    name: string,
    spec: object = {},
    annotations: Readonly<Record<string, string>> = {},
  ): Promise<VmHandle> {
    return this.#create(gpuVmType, team, { name, annotations }, spec);
  }

  /** Creates a SpotVm; `spec` overrides the small VM with its bid. Rejects when the API server refuses it. */
  createSpot(
    team: Team,
    name: string,
    spec: object = {},
    annotations: Readonly<Record<string, string>> = {},
  ): Promise<VmHandle> {
    return this.#create(spotVmType, team, { name, annotations }, { ...smallBid, ...spec });
  }

  /** Creates a GpuPool of small VMs; `template` overrides those. Rejects when the API server refuses it. */
  async createPool(team: Team, name: string, spec: object = {}, template: object = {}): Promise<PoolHandle> {
    const { namespace, account: accountName } = team;
    await this.cluster.kube.create(gpuPoolType, {
      apiVersion: 'gpuvm.dev/v1alpha1',
      kind: gpuPoolType.kind,
      metadata: { name, namespace },
      spec: { template: { spec: { accountName, ...smallVm, ...template } }, ...spec },
    });
    return new PoolHandle(this.cluster, namespace, name);
  }

  async #create(
    type: ResourceType,
    { namespace, account }: Team,
    metadata: { readonly name: string; readonly annotations: Readonly<Record<string, string>> },
    spec: object,
  ): Promise<VmHandle> {
    await this.cluster.kube.create(type, {
      apiVersion: 'gpuvm.dev/v1alpha1',
      kind: type.kind,
      metadata: { ...metadata, namespace },
      spec: { accountName: account, ...smallVm, ...spec },
    });
    return new VmHandle(this.cluster, namespace, metadata.name, type);
  }

  /** To be closed at the end, when nothing needs it any more: what stands between the operator and a provider. */
  atEnd(closing: { close(): void }): void {
    this.#closing.push(closing);
  }

  /** The status of this resource is damaged by the test: nothing is held against it. */
  excuseStatusOf(vm: VmHandle): void {
    this.#statuses.excuse(vm);
  }

  /** As somebody does who may write statuses. */
  async writeStatus(vm: VmHandle, status: object): Promise<void> {
    this.excuseStatusOf(vm);
    await this.cluster.kube.mergePatch(vm.type, vm, { status }, 'status');
  }

  /** Starts an operator after the one before, which is stopped if it still runs: two would act at once, and one would be left over. */
  async restartOperator(): Promise<void> {
    await this.operator.stop();
    this.#earlierOutput.push(...this.operator.output);
    this.operator = this.#newOperator();
    await this.operator.started;
  }

  /** Everything that any operator of this stage has written. */
  get output(): string[] {
    return [...this.#earlierOutput, ...this.operator.output];
  }

  /**
   * The end of every file: all resources are deleted as users delete them. Fails when one does not go, when a VM is left
   * at a provider, when two VMs ever had one name, when two of one resource ran where that was watched, or when a status broke
   * the conventions.
   */
  async strike(): Promise<void> {
    const problems: string[] = [];
    try {
      await this.#deleteAll();
      for (const organization of this.#organizations) problems.push(...(await leftBehind(organization)));
      problems.push(...this.#statuses.problems);
      for (const watch of this.#runningWatches) problems.push(...(await watch.stop()));
    } finally {
      await Promise.all(this.#runningWatches.map((watch) => watch.stop()));
      await this.#statuses.stop();
      await this.operator.stop();
      await Promise.all(this.#organizations.map(({ simulator }) => simulator.close()));
      for (const closing of this.#closing) closing.close();
      await this.wire.remove();
      await this.cluster.stop();
    }
    if (problems.length > 0) throw new Error(problems.join('\n'));
  }

  async #deleteAll(): Promise<void> {
    const { kube } = this.cluster;
    await Promise.all(this.#organizations.map((organization) => organization.endFaults()));
    for (const type of [gpuPoolType, gpuVmType, spotVmType, gpuAccountType]) {
      const list = async (): Promise<readonly KubeObject[]> => (await kube.list(type)).items;
      for (const object of await list()) {
        if (type === gpuAccountType && isUnlisted(object)) await kube.mergePatch(type, object.metadata, abandoned);
        await kube.delete(type, object.metadata);
      }
      await until(
        `all ${type.plural} are gone`,
        async () => (await list()).length === 0,
        async () => list(),
      );
    }
  }
}

const abandoned = { metadata: { annotations: { [annotations.abandon]: 'true' } } };

/** An account whose provider has never answered: whether anything is left there nobody can say, and that is waited for. */
function isUnlisted({ status }: KubeObject & { readonly status?: unknown }): boolean {
  return (status as GpuAccountStatus | undefined)?.vms === undefined;
}

async function leftBehind(organization: Organization): Promise<string[]> {
  const { vms, duplicateNames, problems } = await organization.state();
  const { namespace } = organization;
  const ours = vms.filter((vm) => vm.name.startsWith('gpuvm-'));
  return [
    ...ours.map((vm) => `${namespace}: VM ${vm.name} (${vm.status}) is left at the provider`),
    ...(duplicateNames > 0 ? [`${namespace}: two VMs had one name ${duplicateNames} times`] : []),
    ...problems.map((problem) => `${namespace}: the simulator broke an invariant: ${problem}`),
  ];
}
