import { mergeConditions, type ConditionDraft } from '../../api/conditions.ts';
import { fitted } from '../../api/fitted.ts';
import { gpuBudgetStatusSchema, type GpuBudgetSpec, type GpuBudgetStatus } from '../../api/gpu-budget.ts';
import { toPreciseTimestamp } from '../../lib/clock.ts';
import { formatMoney, roundedUp, type Money } from '../../lib/money.ts';
import type { Charge } from './charge.ts';
import { isOverTime, type Limit } from './limits.ts';
import { endOfDay, reachedAt, type Spent } from './spend.ts';
import { said } from './words.ts';

/** Everything that a budget's status depends on. */
export interface BudgetObservation {
  readonly now: number;
  readonly generation: number | undefined;
  readonly status: GpuBudgetStatus;
  /** Undefined: it cannot be understood. */
  readonly spec: GpuBudgetSpec | undefined;
  readonly charge: Charge;
  readonly spent: Spent;
  readonly limits: readonly Limit[];
  readonly waiting: number;
  readonly stopped: NonNullable<GpuBudgetStatus['stopped']>;
}

const shownDecimals = 4;

export function statusOfBudget(observation: BudgetObservation): GpuBudgetStatus {
  const { now, generation, status, spec, charge, spent, waiting, stopped } = observation;
  const made: GpuBudgetStatus = {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    conditions: mergeConditions(status.conditions ?? [], drafts(observation), { now, generation }),
    ...(spec === undefined ? {} : { hard: spec.hard }),
    used: {
      vms: charge.vms,
      gpus: charge.gpus,
      hourlyCost: formatMoney(charge.hourlyCost),
      dailyCost: shown(spent.daily),
      monthlyCost: shown(spent.monthly),
      at: toPreciseTimestamp(spent.at),
    },
    waiting,
    ...(stopped.length === 0 ? {} : { stopped: [...stopped] }),
  };
  return fitted(gpuBudgetStatusSchema, made);
}

/** What is written is what the next process goes on from: never less than what was spent. */
function shown(amount: Money): string {
  return formatMoney(roundedUp(amount, shownDecimals));
}

function drafts(observation: BudgetObservation): ConditionDraft[] {
  const near = observation.limits.filter((limit) => isNear(limit, observation));
  const list = near.map((limit) => `hard.${limit.measure}`).join(', ');
  const percent = observation.spec?.warnAtPercent ?? 100;
  const nearLimit: ConditionDraft = {
    ...{ type: 'NearLimit', status: 'True', reason: 'NearLimit' },
    message: `${percent} % or more is used of ${list}.`,
  };
  return [readyDraft(observation), ...(near.length === 0 ? [] : [nearLimit])];
}

function isNear({ used, hard }: Limit, { spec }: BudgetObservation): boolean {
  return used.times(100).gte(hard.times(spec?.warnAtPercent ?? 100));
}

function readyDraft({ spec, limits, spent }: BudgetObservation): ConditionDraft {
  const type = 'Ready';
  if (spec === undefined) {
    const message =
      'The spec cannot be understood: nothing is deployed or started in this namespace before it is corrected.';
    return { type, status: 'False', reason: 'InvalidSpec', message };
  }
  const reached = limits.filter(({ used, hard }) => used.gte(hard));
  if (reached.length === 0) {
    return { type, status: 'True', reason: 'WithinBudget', message: 'There is room within all limits.' };
  }
  const isExceeded = reached.some((limit) =>
    isOverTime(limit.measure) ? spent.rate.gt(0) : limit.used.gt(limit.hard),
  );
  const list = reached.map(sentenceOf).join(' ');
  return isExceeded
    ? { type, status: 'False', reason: 'BudgetExceeded', message: `${list} ${exceededHint(spec)}` }
    : { type, status: 'False', reason: 'BudgetUsedUp', message: `${list} No further VM is deployed or started.` };
}

/** What goes on growing is not said in numbers: each number would be a write. */
function sentenceOf({ measure, used, hard }: Limit): string {
  if (isOverTime(measure)) return `hard.${measure}: ${said(hard, measure)} is spent.`;
  return `hard.${measure}: ${said(used, measure)} of ${said(hard, measure)}.`;
}

function exceededHint({ onExceeded }: GpuBudgetSpec): string {
  return onExceeded === 'StopByPriority'
    ? 'VMs are released, those with the lowest spec.priority first.'
    : 'No further VM is deployed or started; those that run go on (onExceeded BlockCreate).';
}

/** What was spent is written at least this often while something is being spent. */
export const longestUnwrittenMs = 5 * 60_000;

/** When to look again though nothing happens; undefined: not before something does. */
export function nextLookAt(observation: BudgetObservation): number | undefined {
  const { now, spent } = observation;
  if (spent.rate.eq(0)) return spent.monthly.eq(0) ? undefined : endOfDay(now);
  return Math.min(endOfDay(now), now + longestUnwrittenMs, ...crossings(observation));
}

/** When what is spent will reach a limit, or the share of it from which on there is a warning. */
function crossings({ now, limits, spec, spent }: BudgetObservation): number[] {
  const shares = [spec?.warnAtPercent ?? 100, 100];
  return limits
    .filter(({ measure }) => isOverTime(measure))
    .flatMap(({ hard, used }) => shares.map((percent) => reachedAt(used, hard.times(percent).div(100), spent)))
    .filter((at) => at !== undefined && at > now)
    .map(Number);
}
