import { expect, it } from 'vitest';

import type { PoolBreaker } from '../../api/gpu-pool.ts';
import type { PoolMember } from './observation.ts';
import { mostOfRow, planRepair } from './repair.ts';
import { building, memberOf, minute, poolOf, poolSpec, running, start } from './testing/builders.ts';
import { templateHash } from './template.ts';

const spec = poolSpec({ replicas: 10 });
const now = start + 60 * minute;
const hash = templateHash(spec);
const since = '2026-01-01T00:30:00.000Z';

/** What a member has whose VM has not become Ready in time. */
const broken: Partial<PoolMember> = { ...building(start) };

/** What the status says once too many were broken, when the next single one is due. */
const tried = { since, failures: 0, templateHash: hash, probes: 0, nextProbeAt: '2026-01-01T01:00:00Z' };

function pool(members: readonly Partial<PoolMember>[], status = {}, meta = {}): ReturnType<typeof planRepair> {
  const { meta: base } = poolOf();
  const made = members.map((fields, index) => memberOf(spec, index, fields));
  return planRepair(poolOf({ now, spec, members: made, status, meta: { ...base, ...meta } }));
}

function many(count: number, fields: Partial<PoolMember>): Partial<PoolMember>[] {
  return Array.from({ length: count }, () => fields);
}

function waitsFor(reason: string): Partial<PoolMember> {
  return { ...broken, ready: { isTrue: false, since: start, reason, message: '' } };
}

/** Its host is rented to somebody else; and while that is asked once more. */
const blocked: Partial<PoolMember> = { ...waitsFor('StartBlockedNoCapacity'), marketSince: start };
const blockedAndAsking: Partial<PoolMember> = { ...waitsFor('Starting'), marketSince: start };

it.each<[string, Partial<PoolMember>[], object, { victims: string[]; state: string; failures?: number | undefined }]>([
  ['nobody is repaired who is Ready', many(3, running()), {}, { victims: [], state: 'working' }],
  [
    'one whose VM does not become Ready is replaced',
    [broken, ...many(9, running())],
    {},
    { victims: ['pool-0'], state: 'working', failures: 0 },
  ],
  ['one that is all there is, too', [broken], {}, { victims: ['pool-0'], state: 'working', failures: 0 }],
  [
    'one that has been at it for a shorter time is not',
    [building(now - minute), ...many(9, running())],
    {},
    { victims: [], state: 'working' },
  ],
  [
    'one without a VM waits for as long as it takes',
    [{}, ...many(9, running())],
    {},
    { victims: [], state: 'working' },
  ],
  [
    'one of which nothing new is known is left alone',
    [{ ...broken, isSynced: false }, ...many(9, running())],
    {},
    { victims: [], state: 'working' },
  ],
  ...[
    'NoOffer',
    'OverBudget',
    'StoppedByBudget',
    'Outbid',
    'WaitingForProvider',
    'OffHours',
    'Released',
    'VmNotOurs',
    'AccountNotReady',
  ].map((reason): [string, Partial<PoolMember>[], object, { victims: string[]; state: string }] => [
    `one is not broken that says ${reason}`,
    [waitsFor(reason), ...many(9, running())],
    {},
    { victims: [], state: 'working' },
  ]),
  ...['Stopping', 'PowerCallFailed', 'Building', 'UnknownStatus'].map(
    (reason): [string, Partial<PoolMember>[], object, { victims: string[]; state: string }] => [
      `one that is wanted down keeps its disk, though it says ${reason}`,
      [{ ...waitsFor(reason), isWantedDown: true }, ...many(9, running())],
      {},
      { victims: [], state: 'working' },
    ],
  ),
  [
    'one that the operator may not probe is not broken',
    [{ ...waitsFor('NotReachable'), isProbeForbidden: true }, ...many(9, running())],
    {},
    { victims: [], state: 'working' },
  ],
  [
    'no more at once than may fail',
    [...many(4, broken), ...many(6, running())],
    {},
    { victims: ['pool-0', 'pool-1', 'pool-2'], state: 'working', failures: 0 },
  ],
  [
    'nobody where more are broken than may be',
    [...many(5, broken), ...many(5, running())],
    {},
    { victims: [], state: 'tooManyUnhealthy', failures: 0 },
  ],
  [
    'where more are broken than may be nobody before the time',
    [...many(5, broken), ...many(5, running())],
    { breaker: { ...tried, nextProbeAt: '2026-01-01T01:00:01Z' } },
    { victims: [], state: 'tooManyUnhealthy', failures: 0 },
  ],
  [
    'nor are they fewer for members that have no VM yet',
    [...many(5, broken), ...many(5, running()), ...many(10, {})],
    { breaker: { ...tried, nextProbeAt: '2026-01-01T01:00:01Z' } },
    { victims: [], state: 'tooManyUnhealthy', failures: 0 },
  ],
  [
    'but are for members that are well',
    [...many(5, broken), ...many(8, running())],
    { breaker: { ...tried, nextProbeAt: '2026-01-01T01:00:01Z' } },
    { victims: ['pool-0', 'pool-1', 'pool-2'], state: 'working', failures: 0 },
  ],
  [
    'when it has come a single one',
    [...many(5, broken), ...many(5, running())],
    { breaker: tried },
    { victims: ['pool-0'], state: 'tooManyUnhealthy', failures: 0 },
  ],
  [
    'and no other while it is not known what becomes of that, also where no more than may be are left besides it',
    [{ repairedSince: since }, broken],
    { breaker: { ...tried, probes: 1 } },
    { victims: [], state: 'tooManyUnhealthy', failures: 0 },
  ],
  [
    'the next one is the one that has failed, so that the others can be looked at',
    [broken, { ...building(start + minute), repairedSince: since }],
    { breaker: { ...tried, probes: 1 } },
    { victims: ['pool-1'], state: 'tooManyUnhealthy', failures: 0 },
  ],
  [
    'after the last of them nothing is tried any more, where many are broken',
    [broken, { ...building(start + minute), repairedSince: since }],
    { breaker: { ...tried, probes: 5 } },
    { victims: [], state: 'exhausted', failures: 0 },
  ],
  [
    'once one of them is Ready the others are repaired where they are not too many any more',
    [{ ...running(), repairedSince: since }, broken],
    { breaker: { ...tried, probes: 1 } },
    { victims: ['pool-1'], state: 'working', failures: 0 },
  ],
  [
    'and are tried one by one where they are',
    [{ ...running(), repairedSince: since }, broken, broken],
    { breaker: { ...tried, probes: 1 } },
    { victims: [], state: 'tooManyUnhealthy', failures: 0 },
  ],
  [
    'nothing is left of that once the others are well again by themselves',
    many(5, running()),
    { breaker: tried },
    { victims: [], state: 'working' },
  ],
  [
    'a breaker that is open has its single tries also where many are broken',
    [...many(5, broken), ...many(5, running())],
    { breaker: { ...tried, failures: 3, openedAt: since } },
    { victims: ['pool-0'], state: 'open', failures: 3 },
  ],
  [
    'however many their hosts have no room for are not more than may be: no more at once than may fail',
    [...many(3, blocked), ...many(2, blockedAndAsking), ...many(5, running())],
    {},
    { victims: ['pool-0', 'pool-1', 'pool-2'], state: 'working', failures: 0 },
  ],
  [
    'nobody where more are broken than may be beside those that their hosts have no room for',
    [...many(2, blocked), ...many(5, broken), ...many(3, running())],
    {},
    { victims: [], state: 'tooManyUnhealthy', failures: 0 },
  ],
  [
    'a replacement that failed counts, and is replaced',
    [{ ...broken, repairedSince: since }, ...many(9, running())],
    { breaker: { since, failures: 0, templateHash: hash } },
    { victims: ['pool-0'], state: 'working', failures: 1 },
  ],
  [
    'a replacement that failed counts also behind others that are broken for longer',
    [...many(2, broken), { ...building(start + minute), repairedSince: since }, ...many(7, running())],
    { breaker: { since, failures: 2, templateHash: hash } },
    { victims: [], state: 'open', failures: 3 },
  ],
  [
    'the last one that may fail is left, and repairs stop',
    [{ ...broken, repairedSince: since }, ...many(9, running())],
    { breaker: { since, failures: 2, templateHash: hash } },
    { victims: [], state: 'open', failures: 3 },
  ],
  [
    'a replacement that became Ready ends the row',
    [{ ...running(), repairedSince: since }, ...many(9, running())],
    { breaker: { since, failures: 2, templateHash: hash } },
    { victims: [], state: 'working' },
  ],
  [
    'what failed with another template does not count',
    [{ ...broken, repairedSince: since }, ...many(9, running())],
    { breaker: { since, failures: 2, templateHash: 'another' } },
    { victims: ['pool-0'], state: 'working', failures: 0 },
  ],
  [
    'while the breaker is open nobody is replaced before the time',
    [{ ...broken, repairedSince: since }, broken, ...many(8, running())],
    {
      breaker: {
        since,
        failures: 3,
        templateHash: hash,
        openedAt: since,
        probes: 0,
        nextProbeAt: '2026-01-01T01:00:01Z',
      },
    },
    { victims: [], state: 'open', failures: 3 },
  ],
  [
    'when it has come a single one is, of those that failed',
    [broken, { ...broken, repairedSince: since }, ...many(8, running())],
    {
      breaker: {
        since,
        failures: 3,
        templateHash: hash,
        openedAt: since,
        probes: 0,
        nextProbeAt: '2026-01-01T01:00:00Z',
      },
    },
    { victims: ['pool-1'], state: 'open', failures: 3 },
  ],
  [
    'and no other while it is not known what becomes of that',
    [broken, { ...building(now - minute), repairedSince: since }, ...many(8, running())],
    {
      breaker: {
        since,
        failures: 3,
        templateHash: hash,
        openedAt: since,
        probes: 1,
        nextProbeAt: '2026-01-01T00:59:00Z',
      },
    },
    { victims: [], state: 'open', failures: 3 },
  ],
  [
    'after the last of them nothing is tried any more',
    [{ ...broken, repairedSince: since }, ...many(9, running())],
    { breaker: { since, failures: 3, templateHash: hash, openedAt: since, probes: 5 } },
    { victims: [], state: 'exhausted', failures: 3 },
  ],
])('%s', (_, members, status, expected) => {
  const { victims, state, breaker } = pool(members, status);
  expect({ victims: victims.map(({ name }) => name), state, failures: breaker?.failures }).toEqual({
    failures: undefined,
    ...expected,
  });
});

it('begins anew when somebody asks for it, once', () => {
  const status = { breaker: { since, failures: 3, templateHash: hash, openedAt: since, probes: 5 } };
  const members = [{ ...broken, repairedSince: since }, ...many(9, running())];
  expect(pool(members, status, { reconcileRequestedAt: 'now' }).victims).toHaveLength(1);
  expect(pool(members, { ...status, lastHandledReconcileAt: 'now' }, { reconcileRequestedAt: 'now' }).victims).toEqual(
    [],
  );
});

it('says that repairs go on only when they do', () => {
  const status = { breaker: { ...tried, failures: 3, openedAt: since, probes: 1 } };
  const proof = { ...running(), repairedSince: since };
  expect(pool([proof, ...many(9, running())], status).isClosed).toBe(true);
  expect(pool([proof, ...many(5, broken)], status)).toMatchObject({ isClosed: false, state: 'tooManyUnhealthy' });
});

it('waits for longer before each further single try, and says when the next one is due', () => {
  const after = [0, 1, 2, 3].map((probes) => pool(many(4, broken), { breaker: { ...tried, probes } }).breaker);
  expect(after.map((breaker) => (Date.parse(breaker?.nextProbeAt ?? '') - now) / minute)).toEqual([20, 40, 80, 160]);
  const first = pool(many(4, broken));
  expect([first.nextAt, first.breaker?.nextProbeAt]).toEqual([now + 10 * minute, '2026-01-01T01:10:00.000Z']);
});

it.each<[string, Partial<PoolMember>[], PoolBreaker | undefined, number]>([
  ['while nothing is broken none', many(3, running()), undefined, 0],
  [
    'while repairs go on all, as all are made from the same',
    many(3, running()),
    { ...tried, probes: undefined },
    Infinity,
  ],
  ['once too many have failed also all', many(3, broken), { ...tried, failures: 3, openedAt: since }, Infinity],
  ['as soon as too many are broken none', [...many(5, broken), ...many(5, running())], undefined, 0],
  [
    'nor while nothing has been replaced yet',
    [...many(5, broken), ...many(5, running())],
    { ...tried, nextProbeAt: '2026-01-01T01:00:01Z' },
    0,
  ],
  ['with the single one that is tried then only that', [...many(5, broken), ...many(5, running())], tried, 1],
  [
    'also where it had to be made later',
    many(2, broken),
    { ...tried, probes: 1, nextProbeAt: '2026-01-01T02:00:00Z' },
    1,
  ],
  ['and none while that is awaited', [...many(2, broken), { repairedSince: since }], { ...tried, probes: 1 }, 0],
  [
    'nor while others are that were replaced before too many were broken',
    [...many(5, broken), ...many(2, { repairedSince: since })],
    { ...tried, nextProbeAt: '2026-01-01T02:00:00Z' },
    0,
  ],
  [
    'nor once one of them is Ready',
    [...many(5, broken), { ...running(), repairedSince: since }],
    { ...tried, probes: 1 },
    0,
  ],
])('of those that are made %s tell whether repairs help', (_, members, breaker, expected) => {
  const made = members.map((fields, index) => memberOf(spec, index, fields));
  const observation = poolOf({ now, spec, members: made, status: { breaker } });
  expect(mostOfRow(planRepair(observation), observation.members)).toBe(expected);
});
