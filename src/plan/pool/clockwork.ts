import type { GpuPoolSpec } from '../../api/gpu-pool.ts';
import type { NextEvent } from '../../api/vm-status.ts';
import { toTimestamp } from '../../lib/clock.ts';
import { expiryOf } from '../expiry.ts';
import { readSchedule, type Hours } from '../schedule.ts';
import type { PoolObservation } from './observation.ts';

/** What happens to a pool by the clock. Its members have its schedule, and keep to it by themselves. */
export interface Clockwork {
  readonly expiresAt: number | undefined;
  /** For the status. */
  readonly nextEvent: NextEvent | undefined;
  /** When to look at the clock again. */
  readonly nextAt: number | undefined;
}

/** What is wrong with the schedule, in a sentence without its full stop. */
export function scheduleProblem({ schedule }: Pick<GpuPoolSpec, 'schedule'>): string | undefined {
  const read = schedule === undefined ? undefined : readSchedule(schedule);
  return typeof read === 'string' ? read : undefined;
}

export function clockworkOf({ spec, meta, now }: PoolObservation): Clockwork {
  if (meta.isPaused) return { expiresAt: undefined, nextEvent: undefined, nextAt: undefined };
  const expiresAt = expiryOf(meta.createdAt, spec.expireAfter);
  const hours = hoursOf(spec, now);
  const changesAt = hours?.changesAt ?? Infinity;
  const nextAt = Math.min(hours?.until ?? Infinity, expiresAt ?? Infinity);
  return {
    expiresAt,
    nextEvent: changesAt < (expiresAt ?? Infinity) ? changeOf(spec, hours, changesAt) : expiry(expiresAt),
    nextAt: nextAt === Infinity ? undefined : nextAt,
  };
}

/** By the schedule no member runs now. */
export function isOffHours(spec: Pick<GpuPoolSpec, 'schedule'>, now: number): boolean {
  return hoursOf(spec, now)?.isOn === false;
}

function hoursOf({ schedule }: Pick<GpuPoolSpec, 'schedule'>, now: number): Hours | undefined {
  const read = schedule === undefined ? undefined : readSchedule(schedule);
  return read === undefined || typeof read === 'string' ? undefined : read.hoursAt(now);
}

function changeOf({ schedule }: GpuPoolSpec, hours: Hours | undefined, at: number): NextEvent {
  const stop = schedule?.action === 'Stop' ? 'Stop' : 'Release';
  return { at: toTimestamp(at), what: hours?.isOn === true ? stop : 'Start' };
}

function expiry(at: number | undefined): NextEvent | undefined {
  return at === undefined ? undefined : { at: toTimestamp(at), what: 'Expire' };
}
