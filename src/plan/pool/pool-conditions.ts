import type { ConditionDraft } from '../../api/conditions.ts';
import type { PoolObservation } from './observation.ts';
import type { Findings } from './plan.ts';
import { stopReasonOf } from './repair.ts';
import type { Counts } from './status.ts';

interface Said {
  readonly findings: Findings;
  readonly counts: Counts;
  /** What the pool waits for. */
  readonly message: string | undefined;
}

export function conditionsOf(observation: PoolObservation, said: Said): ConditionDraft[] {
  return [
    available(said),
    progressing(observation, said),
    rollingOut(observation, said),
    scalingUp(said),
    scalingDown(said),
    repairing(said),
    synced(observation),
    ...kstatus(observation, said),
  ];
}

function available({ counts, message }: Said): ConditionDraft {
  const { available: now, leastAvailable } = counts;
  const numbers = `${now} available, at least ${leastAvailable} there have to be.`;
  return now >= leastAvailable
    ? { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: numbers }
    : { type: 'Available', status: 'False', reason: 'MinimumReplicasUnavailable', message: message ?? numbers };
}

function progressing(observation: PoolObservation, { counts, findings }: Said): ConditionDraft {
  const { active, wanted, deleting, withVm, updated } = counts;
  return isChanging(observation, { counts, findings })
    ? condition(
        'Progressing',
        'True',
        'ReplicasChanging',
        `${active} of ${wanted} members, ${withVm} of them with a VM, ${updated} up to date, ${deleting} being deleted.`,
      )
    : condition('Progressing', 'False', 'ReplicasAsWanted', 'The pool has the members that it is to have.');
}

function isChanging({ spec }: PoolObservation, { counts }: Pick<Said, 'counts' | 'findings'>): boolean {
  const { active, wanted, deleting, withVm, outdated, updated } = counts;
  const isRolling = spec.updateStrategy.type === 'RollingUpdate' && (outdated > 0 || updated < wanted);
  return active !== wanted || deleting > 0 || withVm < active || isRolling;
}

function rollingOut({ spec }: PoolObservation, { counts }: Said): ConditionDraft {
  const { outdated } = counts;
  if (outdated === 0)
    return condition('RollingOut', 'False', 'ReplicasAsWanted', 'All members are made from the template as it is.');
  const message = `${outdated} made from an older template.`;
  return spec.updateStrategy.type === 'OnDelete'
    ? condition('RollingOut', 'False', 'WaitingForDeletion', message)
    : condition('RollingOut', 'True', 'TemplateChanged', message);
}

function scalingUp({ counts: { withVm, wanted } }: Said): ConditionDraft {
  return withVm < wanted
    ? condition('ScalingUp', 'True', 'ReplicasChanging', `${withVm} of ${wanted} members have their VM.`)
    : condition('ScalingUp', 'False', 'ReplicasAsWanted', 'All members have their VM.');
}

function scalingDown({ counts: { deleting } }: Said): ConditionDraft {
  return deleting > 0
    ? condition('ScalingDown', 'True', 'ReplicasChanging', `${deleting} being deleted.`)
    : condition('ScalingDown', 'False', 'ReplicasAsWanted', 'No member is being deleted.');
}

function repairing({ findings: { repair }, message = '' }: Said): ConditionDraft {
  const stopped = stopReasonOf(repair);
  return stopped === undefined
    ? condition('Repairing', 'True', 'ReplicasAsWanted', 'Members whose VMs do not become Ready are replaced.')
    : condition('Repairing', 'False', stopped, message);
}

function synced({ meta, blocked }: PoolObservation): ConditionDraft {
  if (blocked !== undefined) return condition('Synced', 'False', blocked.reason, blocked.message);
  return meta.isPaused
    ? condition('Synced', 'False', 'Paused', 'Paused by annotation: no member is made, changed or deleted.')
    : condition('Synced', 'True', 'ReconcileSuccess', 'The last reconcile went through.');
}

/** One of the two, and only while it is true. */
function kstatus(observation: PoolObservation, said: Said): ConditionDraft[] {
  const { findings, counts, message = 'Members are being made, replaced or deleted.' } = said;
  const { repair } = findings;
  const stopped = stopReasonOf(repair);
  if (stopped !== undefined && repair.state === 'exhausted') return [condition('Stalled', 'True', stopped, message)];
  const isDone = counts.available >= counts.wanted && !isChanging(observation, said);
  return isDone ? [] : [condition('Reconciling', 'True', 'ReplicasChanging', message)];
}

function condition(
  type: ConditionDraft['type'],
  status: ConditionDraft['status'],
  reason: ConditionDraft['reason'],
  message: string,
): ConditionDraft {
  return { type, status, reason, message };
}
