import { describe, expect, it } from 'vitest';

import { minute, now, observe, observeRunning, second, specOf, type Seen } from '../../../test/support/builders.ts';
import { briefOf, decided, type Brief } from '../../../test/support/verdicts.ts';
import { nextEvent, holdBySchedule, scheduleProblem } from './clockwork.ts';

// The moment of these observations is a Monday, at noon in UTC.
const weekdays = { start: '0 8 * * 1-5', stop: '0 19 * * 1-5' };
const nights = { start: '0 19 * * *', stop: '0 8 * * *' };
const idleNights = { ...nights, action: 'Stop' };

const aged = (ageMs: number, expireAfter = '8h'): Seen => ({
  meta: { createdAt: now - ageMs },
  spec: { expireAfter },
});
const eightHours = 8 * 60 * minute;
const old = aged(eightHours);

describe('a resource with an expiry', () => {
  it.each<[string, Seen, Partial<Brief>]>([
    ['lives until then', aged(eightHours - 1), { rule: 'vmRuns', step: 'wait' }],
    ['is deleted at that moment', old, { rule: 'resourceHasExpired', step: 'expire', phase: 'keep', ready: 'keep' }],
    ['is deleted after that', aged(9 * eightHours), { step: 'expire' }],
    ['is deleted at once where nothing is the time it has', aged(0, '0s'), { step: 'expire' }],
    ['is not deleted while it is paused', { ...old, meta: { ...old.meta, paused: true } }, { rule: 'vmRuns' }],
    ['is not deleted twice', { ...old, meta: { ...old.meta, deleting: true } }, { step: 'delete' }],
    ['is deleted without its account', { ...old, account: { kind: 'missing' } }, { step: 'expire' }],
    ['is deleted though its schedule is not understood', { ...old, specProblem: 'Bad.' }, { step: 'expire' }],
    ['has its finalizer first', { ...old, meta: { ...old.meta, hasFinalizer: false } }, { step: 'addFinalizer' }],
    [
      'is not deleted where its VM is to be retained: an older CRD has let both through',
      { ...old, spec: { ...old.spec, deletionPolicy: 'Retain' } },
      { rule: 'vmRuns' },
    ],
    ['never comes to an age that no clock shows', aged(eightHours, '99999999999999999999999h'), { rule: 'vmRuns' }],
    ['waits for an age that is not known', { ...old, meta: { createdAt: undefined } }, { rule: 'vmRuns' }],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observeRunning(seen))).toMatchObject(expected);
  });

  it('says why it was deleted', () => {
    expect(decided(observeRunning(old)).step).toMatchObject({
      announcement: {
        reason: 'Expired',
        message: 'Deleted: since 2026-06-01T12:00:00Z it is older than spec.expireAfter allows (8h).',
      },
    });
  });
});

describe('the next look', () => {
  it.each<[string, Seen, number | undefined]>([
    ['needs no clock where nothing happens by it', {}, undefined],
    ['is at the expiry', aged(eightHours - 5 * second), 5 * second],
    ['is at the next stop', { spec: { schedule: weekdays } }, 7 * 60 * minute],
    ['is at whichever comes first', { ...old, spec: { expireAfter: '15h', schedule: weekdays } }, 7 * 60 * minute],
    ['is not for an expiry that does not come', { ...old, meta: { ...old.meta, paused: true } }, undefined],
  ])('%s', (_, seen, expected) => {
    expect(decided(observeRunning(seen)).look?.inMs).toBe(expected);
  });

  it('is at the next start, where no VM is to be deployed before', () => {
    const spec = { schedule: nights };
    expect(decided(observe({ spec, holds: holdsOf(spec) })).look).toEqual({ inMs: 7 * 60 * minute });
  });
});

function holdsOf(spec: object): NonNullable<Seen['holds']> {
  const hold = holdBySchedule(specOf(spec), now);
  return hold === undefined ? [] : [hold];
}

describe('a schedule holds a VM', () => {
  it.each([
    ['released in off hours', nights, 'Released: By spec.schedule the VM does not run before 2026-06-01T19:00:00Z.'],
    [
      'stopped where that is wanted',
      idleNights,
      'Stopped: By spec.schedule the VM does not run before 2026-06-01T19:00:00Z.',
    ],
    [
      'released for good where each start is a stop',
      { start: '0 8 * * *', stop: '0 8,9 * * *' },
      'Released: By spec.schedule the VM does not run now, and no time is in sight at which it would start.',
    ],
    ['not at all while it is to run', weekdays, undefined],
    ['not at all where it cannot be followed', { ...nights, timeZone: 'Mars/Phobos' }, undefined],
  ])('%s', (_, schedule, expected) => {
    const hold = holdBySchedule(specOf({ schedule }), now);
    expect(hold === undefined ? undefined : `${hold.powerState}: ${hold.message}`).toBe(expected);
  });

  it('and one that cannot be followed says so', () => {
    expect(scheduleProblem(specOf({ schedule: { ...nights, timeZone: 'Mars/Phobos' } }))).toMatch(/Mars\/Phobos/);
    expect(scheduleProblem(specOf({ schedule: nights }))).toBeUndefined();
    expect(scheduleProblem(specOf())).toBeUndefined();
  });
});

describe('the next event in the status', () => {
  it.each<[string, Seen, string | undefined]>([
    ['is none without a clock', {}, undefined],
    ['is the release', { spec: { schedule: weekdays } }, 'Release 2026-06-01T19:00:00Z'],
    ['is the stop', { spec: { schedule: { ...weekdays, action: 'Stop' } } }, 'Stop 2026-06-01T19:00:00Z'],
    ['is the start', { spec: { schedule: nights } }, 'Start 2026-06-01T19:00:00Z'],
    ['is the expiry', aged(minute, '5h'), 'Expire 2026-06-01T16:59:00Z'],
    [
      'is the expiry before a later stop',
      { ...aged(0), spec: { expireAfter: '1h', schedule: weekdays } },
      'Expire 2026-06-01T13:00:00Z',
    ],
    [
      'is a stop before a later expiry',
      { ...aged(0), spec: { expireAfter: '9h', schedule: weekdays } },
      'Release 2026-06-01T19:00:00Z',
    ],
    ['is no start where its owner wants it stopped', { spec: { schedule: nights, powerState: 'Stopped' } }, undefined],
    ['is none while it is paused', { spec: { schedule: nights }, meta: { paused: true } }, undefined],
    ['is none while it is deleted', { spec: { schedule: nights }, meta: { deleting: true } }, undefined],
  ])('%s', (_, seen, expected) => {
    const next = nextEvent(observeRunning(seen));
    expect(next === undefined ? undefined : `${next.what} ${next.at}`).toBe(expected);
  });
});
