import { conditionTypes, type Condition } from '../../src/api/conditions.ts';
import { spotVmStatusSchema } from '../../src/api/spot-vm.ts';
import type { VmStatus } from '../../src/api/vm.ts';
import { reasons } from '../../src/api/reasons.ts';
import { isEqualJson } from '../../src/kube/patch.ts';

interface Conditioned {
  readonly observedGeneration?: number | undefined;
  readonly conditions?: readonly Condition[] | undefined;
}

export interface Seen<S> {
  /** The status that was there before; absent for the first one. */
  readonly before?: S | undefined;
  readonly generation: number | undefined;
  readonly now: number;
  /** How long before `now` it may have been decided: a write takes time. Default 0. */
  readonly onTheWayMs?: number;
}

/** What is wrong with the status of a GpuVm by the conventions of the API and by its schema: a sentence for each. */
export function problemsOfVmStatus(status: VmStatus, seen: Seen<VmStatus>): string[] {
  const parsed = spotVmStatusSchema.safeParse(status);
  const bySchema = parsed.success
    ? isEqualJson(parsed.data, status)
      ? []
      : ['the status has fields that its schema does not know']
    : [`the schema refuses the status: ${parsed.error.message}`];
  return [...bySchema, ...problemsOfConditions(status, seen)];
}

/**
 * Conditions by convention: Ready, or what a pool has in its place, and Synced always there, generations and reasons in order, a transition time that moves
 * with the status and with nothing else, and kstatus' two abnormal conditions only where they make sense.
 */
export function problemsOfConditions(
  status: Conditioned,
  seen: Seen<Conditioned>,
  main: 'Ready' | 'Available' = 'Ready',
): string[] {
  const conditions = status.conditions ?? [];
  const of = (type: string): Condition | undefined => conditions.find((condition) => condition.type === type);
  const problems: string[] = [];
  const complain = (isWrong: boolean, sentence: string): void => {
    if (isWrong) problems.push(sentence);
  };
  complain(status.observedGeneration !== seen.generation, 'observedGeneration is not the generation that was seen');
  complain(of(main) === undefined, `${main} is missing`);
  complain(new Set(conditions.map(({ type }) => type)).size !== conditions.length, 'a type is there twice');
  complain(of('Reconciling') !== undefined && of('Stalled') !== undefined, 'Reconciling and Stalled are both there');
  for (const type of ['Reconciling', 'Stalled', 'ListDistrusted']) {
    complain(of(type) !== undefined && of(type)?.status !== 'True', `${type} is there, but not True`);
  }
  for (const type of ['Reconciling', 'Stalled']) {
    complain(of(type) !== undefined && of('Ready')?.status === 'True', `${type} beside Ready=True`);
  }
  for (const condition of conditions) {
    const old = seen.before?.conditions?.find(({ type }) => type === condition.type);
    problems.push(...problemsOfCondition(condition, old, seen));
  }
  return problems;
}

/** Only GpuVms have it: an account's poll has Ready and CredentialsValid. */
export function lacksSynced(status: Conditioned): boolean {
  return !(status.conditions ?? []).some(({ type }) => type === 'Synced');
}

function problemsOfCondition(condition: Condition, old: Condition | undefined, seen: Seen<unknown>): string[] {
  const { type, reason, message, lastTransitionTime } = condition;
  const at = Date.parse(lastTransitionTime);
  const checks: readonly (readonly [boolean, string])[] = [
    [!Object.hasOwn(conditionTypes, type), 'is no documented type'],
    [!Object.hasOwn(reasons, reason), `has the undocumented reason "${reason}"`],
    [message.trim() === '', 'has no message'],
    [/undefined|NaN|\[object/.test(message), `has a hole in its message: "${message}"`],
    [condition.observedGeneration !== seen.generation, 'was said of another generation'],
    [!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(lastTransitionTime), `has the time "${lastTransitionTime}"`],
    [at > seen.now, 'has changed in the future'],
    [
      old?.status === condition.status && old.lastTransitionTime !== lastTransitionTime,
      'moved its transition time without a change of status',
    ],
    [
      old !== undefined &&
        old.status !== condition.status &&
        at < Math.floor((seen.now - (seen.onTheWayMs ?? 0)) / 1000) * 1000,
      'changed its status without moving its transition time',
    ],
  ];
  return checks.flatMap(([isWrong, what]) => (isWrong ? [`${type} ${what}`] : []));
}
