import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { ScheduleSpec } from '../api/clock-fields.ts';
import { readSchedule, type Schedule } from './schedule.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const weekdays = { timeZone: 'Europe/Berlin', start: '0 8 * * 1-5', stop: '0 19 * * 1-5', action: 'Release' } as const;

function scheduleOf(changes: Partial<ScheduleSpec> = {}): Schedule {
  const schedule = readSchedule({ ...weekdays, ...changes });
  if (typeof schedule === 'string') throw new Error(schedule);
  return schedule;
}

function hoursAt(time: string, changes?: Partial<ScheduleSpec>): string {
  const { isOn, changesAt } = scheduleOf(changes).hoursAt(Date.parse(time));
  return `${isOn ? 'on' : 'off'} until ${changesAt === undefined ? 'ever' : new Date(changesAt).toISOString()}`;
}

describe('a schedule', () => {
  it.each([
    ['is on between start and stop', '2026-11-26T12:00:00Z', {}, 'on until 2026-11-26T18:00:00.000Z'],
    ['is off between stop and start', '2026-11-26T20:00:00Z', {}, 'off until 2026-11-27T07:00:00.000Z'],
    ['is off over the weekend', '2026-11-28T12:00:00Z', {}, 'off until 2026-11-30T07:00:00.000Z'],
    ['is on from the very moment of start', '2026-11-26T07:00:00Z', {}, 'on until 2026-11-26T18:00:00.000Z'],
    ['is off before it', '2026-11-26T06:59:59.999Z', {}, 'off until 2026-11-26T07:00:00.000Z'],
    ['is off from the very moment of stop', '2026-11-26T18:00:00Z', {}, 'off until 2026-11-27T07:00:00.000Z'],
    ['is on before it', '2026-11-26T17:59:59.999Z', {}, 'on until 2026-11-26T18:00:00.000Z'],
    ['goes by its time zone', '2026-11-26T12:00:00Z', { timeZone: 'Asia/Tokyo' }, 'off until 2026-11-26T23:00:00.000Z'],
    ['follows summer time', '2026-07-23T12:00:00Z', {}, 'on until 2026-07-23T17:00:00.000Z'],
    [
      'stops where both come at once',
      '2026-11-29T12:00:00Z',
      { start: '0 8 * * *', stop: '0 8 * * 0' },
      'off until 2026-11-30T07:00:00.000Z',
    ],
    [
      'does not start where it stops at once',
      '2026-11-28T22:00:00Z',
      { start: '0 8 * * *', stop: '0 19 * * 6,0' },
      'off until 2026-11-29T07:00:00.000Z',
    ],
    [
      'starts at the next start that is no stop',
      '2026-11-28T07:00:00Z',
      { start: '0 8 * * *', stop: '0 8 * * 6,0' },
      'off until 2026-11-30T07:00:00.000Z',
    ],
    [
      'waits for a day that seldom comes',
      '2026-11-28T07:00:00Z',
      { start: '0 0 29 2 *', stop: '0 0 1 3 *', timeZone: 'UTC' },
      'off until 2028-02-29T00:00:00.000Z',
    ],
    [
      'never starts where each start is a stop',
      '2026-11-26T12:00:00Z',
      { start: '0 8 * * *', stop: '0 8,9 * * *' },
      'off until ever',
    ],
    [
      'starts at the first moment that there is when its time is left out in spring',
      '2026-03-29T00:30:00Z',
      { start: '30 2 * * *', stop: '0 20 * * *' },
      'off until 2026-03-29T01:00:00.000Z',
    ],
    [
      'starts once when its time comes twice in autumn',
      '2026-10-25T01:00:00Z',
      { start: '30 2 * * *', stop: '45 2 * * *' },
      'off until 2026-10-26T01:30:00.000Z',
    ],
  ])('%s', (_, time, changes, expected) => {
    expect(hoursAt(time, changes)).toBe(expected);
  });

  it('says so for a good while where each start is a stop, and looks again then', () => {
    const { until } = scheduleOf({ start: '0 8 * * *', stop: '0 8,9 * * *' }).hoursAt(Date.UTC(2026, 10, 26));
    expect(until).toBeGreaterThan(Date.UTC(2027, 0));
    expect(until).toBeLessThan(Infinity);
  });

  it('is read once for all that have the same', () => {
    expect(readSchedule({ ...weekdays })).toBe(readSchedule({ ...weekdays, action: 'Stop' }));
  });
});

describe('a schedule that cannot be followed', () => {
  it.each([
    [
      'has a time zone that nobody knows',
      { timeZone: 'Mars/Phobos' },
      'schedule.timeZone: "Mars/Phobos" is no time zone',
    ],
    [
      'has a minute that there is not',
      { start: '61 8 * * *' },
      'schedule.start: "61 8 * * *" is no cron expression (Inv',
    ],
    [
      'has words for numbers',
      { stop: 'at seven in the evening' },
      'schedule.stop: "at seven in the evening" is no cron',
    ],
    ['has seconds', { stop: '0 0 19 * * 1-5' }, 'schedule.stop: "0 0 19 * * 1-5" is no cron expression: that has five'],
    [
      'has a nickname',
      { start: '@midnight' },
      'schedule.start: "@midnight" is no cron expression: that has five fields',
    ],
    ['has a date', { start: '2026-11-27T08:00:00' }, 'schedule.start: "2026-11-27T08:00:00" is no cron expression'],
    ['has a day that never comes', { start: '0 0 30 2 *' }, 'schedule.start: "0 0 30 2 *" is a time that never comes'],
    ['stops whenever it starts', { start: '0 8 * * *', stop: '0 8 * * *' }, 'schedule: start and stop are the same'],
  ])('%s, and says so', (_, changes, expected) => {
    expect(readSchedule({ ...weekdays, ...changes })).toContain(expected);
  });
});

// Zones whose clocks do unusual things, in years in which they do.
const timeZone = fc.constantFrom(
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Antarctica/Troll',
  'Africa/Casablanca',
  'Pacific/Apia',
  'America/Sao_Paulo',
  'Asia/Tehran',
  'Africa/Cairo',
);
const moment = fc.integer({ min: Date.UTC(2024, 0), max: Date.UTC(2029, 0) });
/** Around a change of the clocks: the last Sundays of March and October, and what is near. */
const nearChange = fc
  .tuple(fc.integer({ min: 2024, max: 2028 }), fc.constantFrom(2, 3, 9, 10), fc.integer({ min: 0, max: 31 * 24 * 60 }))
  .map(([year, month, minutes]) => Date.UTC(year, month) + minutes * minute);

function field(min: number, max: number): fc.Arbitrary<string> {
  const one = fc.integer({ min, max });
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant('*') },
    { weight: 4, arbitrary: one.map(String) },
    { weight: 1, arbitrary: fc.tuple(one, one).map((pair) => pair.toSorted((a, b) => a - b).join('-')) },
    { weight: 1, arbitrary: fc.uniqueArray(one, { minLength: 2, maxLength: 3 }).map((list) => list.join(',')) },
    { weight: 1, arbitrary: fc.integer({ min: 2, max: 7 }).map((step) => `*/${step}`) },
  );
}
const cron = fc
  .tuple(
    field(0, 59),
    field(0, 23),
    fc.oneof({ weight: 4, arbitrary: fc.constant('*') }, field(1, 28)),
    fc.oneof({ weight: 6, arbitrary: fc.constant('*') }, field(1, 12)),
    field(0, 6),
  )
  .map((fields) => fields.join(' '));

const anySchedule = fc
  .record({ timeZone, start: cron, stop: cron, action: fc.constant('Release' as const) })
  .filter((s) => typeof readSchedule(s) !== 'string');

describe('whatever the schedule, the time zone and the moment,', () => {
  const check = (property: (schedule: ScheduleSpec, at: number) => void): void => {
    fc.assert(fc.property(anySchedule, fc.oneof(moment, nearChange), property), { numRuns: 300 });
  };
  /** Made anew: what it remembers of another moment must not matter. */
  const fresh = (spec: ScheduleSpec): Schedule => {
    const read = readSchedule({ ...spec, start: ` ${spec.start}` });
    if (typeof read === 'string') throw new Error(read);
    return read;
  };

  it('what comes next is later, and is a change', () => {
    check((spec, at) => {
      const { isOn, since, until, changesAt } = scheduleOf(spec).hoursAt(at);
      expect(until).toBeGreaterThan(at);
      expect(since).toBeLessThanOrEqual(at);
      if (changesAt === undefined) return;
      expect(changesAt).toBe(until);
      expect(scheduleOf(spec).hoursAt(changesAt).isOn).toBe(!isOn);
    });
  });

  it('nothing changes between', () => {
    check((spec, at) => {
      const { isOn, since, until } = scheduleOf(spec).hoursAt(at);
      const from = Math.max(since, at - 40 * day);
      const to = Math.min(until - 1, at + 40 * day);
      for (const part of [0, 0.1, 0.5, 0.9, 1]) {
        const then = Math.round(from + part * (to - from));
        expect(fresh(spec).hoursAt(then).isOn, new Date(then).toISOString()).toBe(isOn);
      }
    });
  });

  it('what is remembered is what would be found', () => {
    check((spec, at) => {
      const one = scheduleOf(spec);
      for (const then of [at, at + minute, at - hour, at + day, at + day - 1]) {
        expect(one.hoursAt(then)).toEqual(fresh(spec).hoursAt(then));
      }
    });
  });
});
