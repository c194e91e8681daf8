import type { PoolBreaker, GpuPoolStatus } from '../../api/gpu-pool.ts';
import { annotations, labels } from '../../api/group.ts';
import { fallbackOf } from './capacity.ts';
import { clockworkOf, type Clockwork } from './clockwork.ts';
import { activeOf, availableAt, freeNames, isInTrouble, isNamesake, lacksSecret } from './members.ts';
import type { MemberKind, PoolMember, PoolObservation } from './observation.ts';
import { patchesOf, type MemberPatch } from './patches.ts';
import { mostOfRow, planRepair, type Repair } from './repair.ts';
import { sizeOf, sortMembers, type Sorted } from './rollout.ts';
import { statusOfPool } from './status.ts';
import { lookAtTroublesMs } from './troubles.ts';
import { memberAnnotations, memberLabels, memberSpec } from './template.ts';

/** What is to be done about a pool now, all of it: deletions first, then what is made in their place. */
export interface PoolPlan {
  /** The pool is older than it may become: it is deleted, and nothing else is done. */
  readonly isExpired: boolean;
  readonly deletions: readonly MemberDeletion[];
  readonly creations: readonly NewMember[];
  readonly patches: readonly MemberPatch[];
  readonly breaker: PoolBreaker | undefined;
  readonly isBreakerClosed: boolean;
  readonly status: GpuPoolStatus;
  /** When to look again though nothing has changed; undefined: not. */
  readonly lookAt: number | undefined;
}

export interface MemberDeletion {
  readonly member: PoolMember;
  /** For people: "it was not Ready for 20m (NotReachable)". */
  readonly why: string;
}

export interface NewMember {
  readonly kind: MemberKind;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: Readonly<Record<string, unknown>>;
}

/** What the words of a status are made from. */
export interface Findings {
  readonly sorted: Sorted;
  readonly repair: Repair;
  readonly clockwork: Clockwork;
}

export function planPool(observation: PoolObservation): PoolPlan {
  const { now, meta, blocked } = observation;
  const active = activeOf(observation);
  const repair = planRepair(observation);
  const clockwork = clockworkOf(observation);
  const { expiresAt } = clockwork;
  const findings: Findings = { sorted: sortMembers(observation, active), repair, clockwork };
  const common = {
    ...{ breaker: repair.breaker, isBreakerClosed: repair.isClosed },
    status: statusOfPool(observation, findings),
    lookAt: nextLook(observation, findings),
  };
  const isExpired = expiresAt !== undefined && expiresAt <= now;
  const rests = { ...common, isExpired, deletions: [], creations: [], patches: [] };
  if (isExpired || meta.isPaused) return rests;
  const namesakes = blocked === undefined ? active.filter(isNamesake) : [];
  const staying = active.filter((member) => !repair.victims.includes(member) && !namesakes.includes(member));
  const sizing = sizeOf(observation, staying);
  const going = sizing.delete.map(({ member }) => member);
  return {
    ...rests,
    deletions: [
      ...repair.victims.map((member) => ({ member, why: whyBroken(observation, member) })),
      ...namesakes.map((member) => ({ member, why: reasonsToGo.namesake })),
      ...sizing.delete.map(({ member, why }) => ({ member, why: reasonsToGo[why] })),
    ],
    creations: blocked === undefined ? newMembers(observation, sizing.create, repair) : [],
    patches: patchesOf(
      observation,
      staying.filter((member) => !going.includes(member)),
    ),
  };
}

const reasonsToGo = {
  tooMany: 'there are more members than are wanted',
  outdated: 'it was made from an older template',
  namesake: 'a resource of the other kind has its name, and with it its connection Secret',
} as const;

function whyBroken({ spec }: PoolObservation, { ready }: PoolMember): string {
  return `its VM was not Ready for ${spec.repair.readyDeadline} (${ready.reason})`;
}

function newMembers(
  observation: PoolObservation,
  create: Readonly<Record<MemberKind, number>>,
  repair: Repair,
): NewMember[] {
  const { spec, meta, hash } = observation;
  const kinds = [...Array<MemberKind>(create.GpuVm).fill('GpuVm'), ...Array<MemberKind>(create.SpotVm).fill('SpotVm')];
  const names = freeNames(observation, kinds.length);
  const most = mostOfRow(repair, activeOf(observation));
  const repaired = { [annotations.repairedSince]: repair.breaker?.since ?? '' };
  return kinds.map((kind, index) => ({
    kind,
    name: names[index] ?? '',
    labels: { ...memberLabels(meta.name, spec), [labels.templateHash]: hash },
    annotations: { ...memberAnnotations(spec), ...(index < most ? repaired : {}) },
    spec: memberSpec(spec, kind, 'Replace'),
  }));
}

/** Whose Secret it is that a member lacks may be told by the watch of the other kind, which does not wake a pool. */
const lookForNamesakesMs = 60_000;

function nextLook(observation: PoolObservation, { repair, clockwork }: Findings): number | undefined {
  const ofMembers = activeOf(observation).flatMap((member) => [
    availableAt(member, observation),
    member.kind === 'SpotVm' ? fallbackOf(member, observation).at : undefined,
    lacksSecret(member) ? observation.now + lookForNamesakesMs : undefined,
    isInTrouble(member) ? observation.now + lookAtTroublesMs : undefined,
  ]);
  const times = [...ofMembers, repair.nextAt, clockwork.nextAt].filter(
    (at) => at !== undefined && at > observation.now,
  );
  return times.length === 0 ? undefined : Math.min(...(times as number[]));
}
