import { conditionOf, type Condition, type ConditionType } from '../../api/conditions.ts';
import { gpuPoolSpecSchema, gpuPoolStatusSchema, type GpuPoolStatus } from '../../api/gpu-pool.ts';
import { labels } from '../../api/group.ts';
import type { CustomObject } from '../../controllers/objects.ts';
import { aligned, section } from '../common/columns.ts';
import type { Paint } from '../common/io.ts';
import { amountOf, perMonth, priceText } from '../common/prices.ts';
import { vmLines } from './overview.ts';
import { accountProblems, type BadAccount } from './bad-account.ts';
import type { Problem, Surroundings } from './problems.ts';
import { age, conditionLines, problemLines } from './render-vm.ts';
import type { VmReport } from './vm-report.ts';

/** What `status` says of a pool. */
export interface PoolReport {
  readonly kind: 'GpuPool';
  readonly namespace: string;
  readonly name: string;
  readonly createdAt: string | undefined;
  readonly desired: number;
  readonly current: number;
  readonly ready: number;
  readonly updated: number;
  readonly available: number;
  readonly deleting: number;
  readonly hourlyCost: string | undefined;
  readonly maxHourlyCost: string | undefined;
  readonly nextEvent: GpuPoolStatus['nextEvent'];
  readonly service: string | undefined;
  readonly conditions: readonly Condition[];
  readonly members: readonly VmReport[];
  /** Its own; those of the members are theirs. */
  readonly problems: readonly Problem[];
  /** Of one that is shown by itself: accounts that it uses and that something is the matter with. */
  readonly accounts?: readonly BadAccount[];
  readonly nextStep: string;
}

/** Label selector of a pool's members. */
export function memberSelector(pool: string): string {
  return `${labels.pool}=${pool}`;
}

export function reportOfPool(
  object: CustomObject,
  members: readonly VmReport[],
  surroundings: Surroundings,
): PoolReport {
  const { metadata } = object;
  const { replicas = 0, maxHourlyCost } = gpuPoolSpecSchema.safeParse(object.spec).data ?? {};
  const status = gpuPoolStatusSchema.safeParse(object.status ?? {}).data ?? {};
  const { namespace = '', name } = metadata;
  return {
    ...{ kind: 'GpuPool', namespace, name, createdAt: metadata.creationTimestamp },
    ...{ desired: replicas, ...counts(status) },
    ...{ hourlyCost: status.hourlyCost, maxHourlyCost },
    ...{ nextEvent: status.nextEvent, service: status.serviceName },
    conditions: status.conditions ?? [],
    members,
    problems: poolProblems(status, members, surroundings),
    nextStep: nextStepOf(name, replicas, members, surroundings),
  };
}

/** The first member that has a problem is the one to look at. */
function nextStepOf(name: string, replicas: number, members: readonly VmReport[], { program }: Surroundings): string {
  const worst = members.find((member) => member.problems.length > 0);
  if (worst !== undefined) return `${program} status ${worst.kind.toLowerCase()}/${worst.name}`;
  return `kubectl scale gpupool/${name} --replicas=${replicas + 1}    one more`;
}

type Counts = Pick<PoolReport, 'current' | 'ready' | 'updated' | 'available' | 'deleting'>;

function counts(status: GpuPoolStatus): Counts {
  const { replicas = 0, readyReplicas = 0, updatedReplicas = 0, availableReplicas = 0, deletingReplicas = 0 } = status;
  return {
    current: replicas,
    ready: readyReplicas,
    updated: updatedReplicas,
    available: availableReplicas,
    deleting: deletingReplicas,
  };
}

/** Conditions that are False only when something is the matter. */
const wanted: readonly ConditionType[] = ['Available', 'Repairing', 'Synced'];

function poolProblems(
  { conditions, observedGeneration }: GpuPoolStatus,
  members: readonly VmReport[],
  { program }: Surroundings,
): Problem[] {
  if (observedGeneration === undefined) {
    return [{ what: 'No operator has looked at the pool yet.', fix: `${program} doctor` }];
  }
  // Members that are being made are no problem: they become available by themselves.
  const isOnItsWay =
    conditionOf(conditions, 'Progressing')?.status === 'True' && members.every(({ problems }) => problems.length === 0);
  return wanted.flatMap((type) => {
    const condition = conditionOf(conditions, type);
    if (condition?.status !== 'False' || (type === 'Available' && isOnItsWay)) return [];
    return [{ what: `${condition.reason}: ${condition.message}` }];
  });
}

function memberProblems(members: readonly VmReport[]): Problem[] {
  return members.flatMap(({ name, problems: [first] }) =>
    first === undefined ? [] : [{ ...first, what: `${name}: ${first.what}` }],
  );
}

function allProblems({ problems, members, accounts }: PoolReport): Problem[] {
  return [...problems, ...memberProblems(members), ...accountProblems(accounts)];
}

export function renderPool(
  pool: PoolReport,
  { now, paint }: { readonly now: number; readonly paint: Paint },
): string[] {
  const cost = amountOf(pool.hourlyCost);
  const rows: (readonly [string, string])[] = [
    ['Members:', `${pool.ready} ready of ${pool.desired}, ${pool.available} available, ${pool.updated} up to date`],
    ['Deleting:', pool.deleting === 0 ? '' : `${pool.deleting}`],
    ['Price now:', cost === undefined ? '' : `${priceText(pool.hourlyCost)} per hour, ${perMonth(cost)} per month`],
    ['At most:', priceText(pool.maxHourlyCost)],
    ['Service:', pool.service ?? ''],
    ['Next:', pool.nextEvent === undefined ? '' : `${pool.nextEvent.what} at ${pool.nextEvent.at}`],
    ['Age:', pool.createdAt === undefined ? '' : age(pool.createdAt, now)],
  ];
  const summary = rows.filter(([, value]) => value !== '');
  return [
    paint('heading', `GpuPool ${pool.namespace}/${pool.name}`),
    ...section('Summary', aligned(summary, paint), paint),
    ...section('Members', vmLines(pool.members, false, { now, paint }), paint),
    ...section('Conditions', conditionLines(pool, now, paint), paint),
    ...section('Problems', problemLines(allProblems(pool), paint), paint),
    ...section('Next step', [pool.nextStep], paint),
  ];
}
