import type { VmSpec } from '../../api/vm.ts';
import type { NextEvent } from '../../api/vm-status.ts';
import { toTimestamp } from '../../lib/clock.ts';
import { expiryOf } from '../expiry.ts';
import { readSchedule, type Hours } from '../schedule.ts';
import type { VmObservation } from './observation.ts';
import { isAskedToRun, type PowerHold } from './power-hold.ts';
import { until, type Rule } from './rule.ts';
import type { Look, Verdict } from './verdict.ts';

/** What happens to a VM by the clock alone: its schedule stops and starts it, and its expiry deletes the resource. */

/** What is wrong with the schedule, in a sentence without its full stop. */
export function scheduleProblem({ schedule }: VmSpec): string | undefined {
  const read = schedule === undefined ? undefined : readSchedule(schedule);
  return typeof read === 'string' ? read : undefined;
}

/** Undefined where there is no schedule, or none that can be followed. */
function hoursOf({ schedule }: VmSpec, now: number): Hours | undefined {
  const read = schedule === undefined ? undefined : readSchedule(schedule);
  return read === undefined || typeof read === 'string' ? undefined : read.hoursAt(now);
}

/** Why the VM does not run now by its schedule. */
export function holdBySchedule(spec: VmSpec, now: number): PowerHold | undefined {
  const hours = hoursOf(spec, now);
  if (hours === undefined || hours.isOn) return undefined;
  const end =
    hours.changesAt === undefined
      ? 'now, and no time is in sight at which it would start'
      : `before ${toTimestamp(hours.changesAt)}`;
  return {
    powerState: spec.schedule?.action === 'Stop' ? 'Stopped' : 'Released',
    reason: 'OffHours',
    message: `By spec.schedule the VM does not run ${end}.`,
  };
}

/** When the resource is deleted for its age; undefined: not at all, as things are. */
export function expiresAt({ meta, spec }: VmObservation): number | undefined {
  // The API server refuses an expiry of what is to be retained, by the CRD that it has: whoever wants the VM kept has it kept.
  if (meta.deleting || meta.paused || spec.deletionPolicy !== 'Delete') return undefined;
  return expiryOf(meta.createdAt, spec.expireAfter);
}

/** Its owner wanted it gone by now: deleted as they would have done, and the rules of deletion see to its VM. */
export const resourceHasExpired: Rule = (observation) => {
  const at = expiresAt(observation);
  if (at === undefined || observation.now < at) return undefined;
  const age = observation.spec.expireAfter ?? '';
  return {
    step: {
      kind: 'expire',
      announcement: {
        type: 'Normal',
        reason: 'Expired',
        message: `Deleted: since ${toTimestamp(at)} it is older than spec.expireAfter allows (${age}).`,
      },
    },
    phase: 'keep',
    ready: 'keep',
  };
};

/** For the status: whichever comes first of the next start or stop, and the expiry. */
export function nextEvent(observation: VmObservation): NextEvent | undefined {
  const events = [nextOfSchedule(observation), nextExpiry(observation)].filter((event) => event !== undefined);
  const [first] = events.toSorted((one, other) => one.at - other.at);
  return first === undefined ? undefined : { at: toTimestamp(first.at), what: first.what };
}

type Due = Omit<NextEvent, 'at'> & { readonly at: number };

function nextOfSchedule({ meta, spec, now }: VmObservation): Due | undefined {
  // While it is paused nothing happens by the clock.
  const hours = meta.deleting || meta.paused || !isAskedToRun(spec) ? undefined : hoursOf(spec, now);
  if (hours?.changesAt === undefined) return undefined;
  return { at: hours.changesAt, what: hours.isOn ? stopOf(spec) : 'Start' };
}

function stopOf({ schedule }: VmSpec): NextEvent['what'] {
  return schedule?.action === 'Stop' ? 'Stop' : 'Release';
}

function nextExpiry(observation: VmObservation): Due | undefined {
  const at = expiresAt(observation);
  return at === undefined ? undefined : { at, what: 'Expire' };
}

/** When the clock alone changes what is decided. */
export function clockLook(observation: VmObservation): Look {
  const { meta, spec, now } = observation;
  const changesAt = meta.deleting ? undefined : hoursOf(spec, now)?.until;
  const at = Math.min(changesAt ?? Infinity, expiresAt(observation) ?? Infinity);
  return at === Infinity ? {} : { inMs: until(at, now) };
}

/** Beside whatever else is waited for. */
export function lookAtClock(observation: VmObservation, verdict: Verdict): Verdict {
  const { inMs } = clockLook(observation);
  if (verdict.step.kind !== 'wait' || inMs === undefined) return verdict;
  return { ...verdict, look: { ...verdict.look, inMs: Math.min(verdict.look?.inMs ?? Infinity, inMs) } };
}
