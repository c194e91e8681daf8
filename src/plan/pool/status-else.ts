import { conditionOf, mergeConditions, type Condition, type ConditionDraft } from '../../api/conditions.ts';
import type { GpuPoolStatus } from '../../api/gpu-pool.ts';
import type { PoolMember } from './observation.ts';
import { finished } from './status.ts';
import { reasonsOf } from './words.ts';

/** Statuses of a pool whose members are not planned for. What was counted last stands where nothing else is known. */

interface When {
  readonly now: number;
  readonly generation: number | undefined;
}

/** The pool goes once they are gone. */
export function statusOfDeletion(status: GpuPoolStatus, members: readonly PoolMember[], when: When): GpuPoolStatus {
  const count = `${members.length} ${members.length === 1 ? 'member' : 'members'}`;
  const message = `Being deleted: ${count} left, whose VMs may still be billed; ${reasonsOf(members)}`;
  const drafts: ConditionDraft[] = [
    { type: 'Available', status: 'False', reason: 'Deleting', message },
    { type: 'ScalingDown', status: 'True', reason: 'Deleting', message },
    { type: 'Synced', status: 'True', reason: 'ReconcileSuccess', message: 'The last reconcile went through.' },
    { type: 'Reconciling', status: 'True', reason: 'Deleting', message },
  ];
  return finished({
    ...status,
    ...{ observedGeneration: when.generation, replicas: 0, readyReplicas: 0, availableReplicas: 0, updatedReplicas: 0 },
    deletingReplicas: members.length,
    conditions: mergeConditions(status.conditions ?? [], drafts, when),
    message,
  });
}

/** Nothing is done before somebody corrects it. */
export function statusOfInvalid(status: GpuPoolStatus, problem: string, when: When): GpuPoolStatus {
  return finished({
    ...status,
    observedGeneration: when.generation,
    conditions: withDrafts(status, when, [
      { type: 'Synced', status: 'False', reason: 'InvalidSpec', message: problem },
      { type: 'Stalled', status: 'True', reason: 'InvalidSpec', message: problem },
    ]),
    message: problem,
  });
}

/** The last reconcile did not go through; tried again by itself. */
export function statusOfFailure(status: GpuPoolStatus, message: string, when: When): GpuPoolStatus {
  const drafts: ConditionDraft[] = [{ type: 'Synced', status: 'False', reason: 'ReconcileFailed', message }];
  return finished({
    ...status,
    observedGeneration: status.observedGeneration ?? when.generation,
    conditions: withDrafts(status, when, drafts),
    message,
  });
}

function withDrafts({ conditions = [] }: GpuPoolStatus, when: When, drafts: readonly ConditionDraft[]): Condition[] {
  const said = mergeConditions(conditions, drafts, when);
  const others = conditions.filter(({ type }) => conditionOf(said, type as ConditionDraft['type']) === undefined);
  return [...others, ...said];
}
