import { mergeConditions } from '../../api/conditions.ts';
import { fitted } from '../../api/fitted.ts';
import { gpuPoolStatusSchema, type GpuPoolStatus } from '../../api/gpu-pool.ts';
import { labels } from '../../api/group.ts';
import { formatMoney, money } from '../../lib/money.ts';
import { publishedDrafts, shownServiceName } from '../service/words.ts';
import { activeOf, hasVm, isAvailable, isAtRest, isOutdated } from './members.ts';
import type { PoolObservation } from './observation.ts';
import type { Findings } from './plan.ts';
import { handled } from './repair.ts';
import { conditionsOf } from './pool-conditions.ts';
import { messageOf } from './words.ts';

/** Numbers that the words and the conditions of a pool are made from as well. */
export interface Counts {
  readonly wanted: number;
  readonly active: number;
  readonly ready: number;
  readonly available: number;
  readonly updated: number;
  readonly outdated: number;
  readonly withVm: number;
  readonly deleting: number;
  readonly leastAvailable: number;
}

export function countsOf(observation: PoolObservation, { sorted }: Findings): Counts {
  const { spec, members } = observation;
  const active = activeOf(observation);
  const updated = sorted.kept.filter((member) => !isOutdated(member, observation)).length;
  return {
    wanted: spec.replicas,
    active: active.length,
    ready: active.filter(({ ready }) => ready.isTrue).length,
    available: active.filter((member) => isAvailable(member, observation)).length,
    updated,
    outdated: active.filter((member) => isOutdated(member, observation)).length,
    withVm: active.filter((member) => hasVm(member) || isAtRest(member, observation)).length,
    deleting: members.length - active.length,
    leastAvailable: Math.max(0, spec.replicas - spec.updateStrategy.maxUnavailable),
  };
}

export function statusOfPool(observation: PoolObservation, findings: Findings): GpuPoolStatus {
  const { status, meta, now, spec, service } = observation;
  const counts = countsOf(observation, findings);
  const message = messageOf(observation, findings, counts);
  const before = status.conditions ?? [];
  const drafts = [
    ...conditionsOf(observation, { findings, counts, message }),
    ...publishedDrafts(spec.service, service, before),
  ];
  const { reconcileRequestedAt } = meta;
  return finished({
    ...fieldsOf(observation, findings, counts),
    observedGeneration: meta.generation,
    lastHandledReconcileAt:
      reconcileRequestedAt === undefined ? status.lastHandledReconcileAt : handled(reconcileRequestedAt),
    conditions: mergeConditions(before, drafts, { now, generation: meta.generation }),
    message,
    serviceName: shownServiceName(spec.service, service, status),
  });
}

/** Without what there is nothing to say of. */
export function finished(fields: GpuPoolStatus): GpuPoolStatus {
  const made = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  return fitted(gpuPoolStatusSchema, made);
}

function fieldsOf(
  observation: PoolObservation,
  { repair, clockwork: { nextEvent } }: Findings,
  counts: Counts,
): GpuPoolStatus {
  const { meta, members, hash } = observation;
  const active = activeOf(observation);
  return {
    replicas: counts.active,
    readyReplicas: counts.ready,
    availableReplicas: active.filter((member) => member.ready.isTrue && isAvailable(member, observation)).length,
    updatedReplicas: counts.updated,
    spotReplicas: active.filter(({ capacity, outbidSince }) => capacity === 'Spot' && outbidSince === undefined).length,
    onDemandReplicas: active.filter(({ capacity }) => capacity === 'OnDemand').length,
    ...(counts.deleting === 0 ? {} : { deletingReplicas: counts.deleting }),
    hourlyCost: formatMoney(members.reduce((sum, { cost }) => sum.plus(cost), money(0))),
    selector: `${labels.pool}=${meta.name}`,
    templateHash: hash === '' ? undefined : hash,
    ...(repair.breaker === undefined ? {} : { breaker: repair.breaker }),
    ...(nextEvent === undefined ? {} : { nextEvent }),
  };
}
