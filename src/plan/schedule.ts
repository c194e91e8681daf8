import { Cron } from 'croner';

import type { ScheduleSpec } from '../api/clock-fields.ts';

/** By the clock: whether a VM with a schedule is to run, and when that changes. Pure, but for what is remembered to save time. */

/** What a schedule says from one moment to the next one at which it says something else. */
export interface Hours {
  readonly isOn: boolean;
  readonly since: number;
  /** When it changes; undefined: not in sight. */
  readonly changesAt: number | undefined;
  /** What is said here stands until then, and is not looked for again. */
  readonly until: number;
}

/** Start times in a row that are stop times as well: after so many the search goes on when the last of them has come. */
const mostCoincidences = 64;

export class Schedule {
  readonly #start: Cron;
  readonly #stop: Cron;
  #hours: Hours | undefined;

  constructor(start: Cron, stop: Cron) {
    this.#start = start;
    this.#stop = stop;
  }

  /** Whichever of start and stop came last decides, however long ago. Of the two at the same time stop does: it costs less. */
  hoursAt(now: number): Hours {
    const known = this.#hours;
    if (known !== undefined && known.since <= now && now < known.until) return known;
    this.#hours = this.#search(now);
    return this.#hours;
  }

  #search(now: number): Hours {
    const startedAt = lastOf(this.#start, now);
    const stoppedAt = lastOf(this.#stop, now);
    const since = Math.max(startedAt, stoppedAt);
    if (startedAt > stoppedAt || stoppedAt === -Infinity) {
      const stopsAt = nextOf(this.#stop, now);
      return { isOn: true, since, changesAt: stopsAt, until: stopsAt ?? Infinity };
    }
    return { isOn: false, since, ...this.#nextStart(now) };
  }

  #nextStart(now: number): Pick<Hours, 'changesAt' | 'until'> {
    let at: number | undefined = now;
    for (let coincidences = 0; coincidences < mostCoincidences; coincidences++) {
      at = nextOf(this.#start, at);
      if (at === undefined) return { changesAt: undefined, until: Infinity };
      if (lastOf(this.#stop, at) !== at) return { changesAt: at, until: at };
    }
    return { changesAt: undefined, until: at };
  }
}

/** At or before this moment. Cron times are whole seconds, and the search for one begins before the given moment. */
function lastOf(cron: Cron, now: number): number {
  const [last] = cron.previousRuns(1, new Date(Math.floor(now / 1000) * 1000 + 1000));
  return last?.getTime() ?? -Infinity;
}

/** After this moment. */
function nextOf(cron: Cron, now: number): number | undefined {
  return cron.nextRun(new Date(now))?.getTime();
}

const mostRemembered = 1000;
const remembered = new Map<string, Schedule | string>();

/** The schedule, or what is wrong with it in a sentence without its full stop. */
export function readSchedule(spec: ScheduleSpec): Schedule | string {
  // Each version of each resource asks, and the members of a pool all have the same one.
  const key = JSON.stringify([spec.timeZone, spec.start, spec.stop]);
  const known = remembered.get(key);
  if (known !== undefined) return known;
  const [oldest] = remembered.keys();
  if (remembered.size >= mostRemembered && oldest !== undefined) remembered.delete(oldest);
  const made = compile(spec);
  remembered.set(key, made);
  return made;
}

function compile({ timeZone, start, stop }: ScheduleSpec): Schedule | string {
  if (!isTimeZone(timeZone)) {
    return `schedule.timeZone: "${timeZone}" is no time zone that the operator knows; it is named as in Europe/Berlin`;
  }
  const starts = cronOf('start', start, timeZone);
  const stops = cronOf('stop', stop, timeZone);
  if (typeof starts === 'string') return starts;
  if (typeof stops === 'string') return stops;
  if (start === stop) return 'schedule: start and stop are the same times, so that the VM would never run';
  return new Schedule(starts, stops);
}

function isTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return true;
  } catch {
    return false;
  }
}

/** With seconds a VM could be started and stopped many times a minute; croner takes a date for a pattern, too. */
const fiveFields = /^ *[^ ]+(?: +[^ ]+){4} *$/;
const example = 'five fields: minute, hour, day of month, month, day of week, such as "0 8 * * 1-5"';
const longAgo = Date.UTC(2000, 0);

function cronOf(name: 'start' | 'stop', pattern: string, timezone: string): Cron | string {
  const is = `schedule.${name}: "${pattern}"`;
  if (!fiveFields.test(pattern)) return `${is} is no cron expression: that has ${example}`;
  try {
    const cron = new Cron(pattern, { mode: '5-part', timezone });
    return nextOf(cron, longAgo) === undefined ? `${is} is a time that never comes` : cron;
  } catch (error) {
    return `${is} is no cron expression (${reasonOf(error)}): that has ${example}`;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/^CronPattern: /, '').replace(/\.$/, '') : 'not understood';
}
