import { expect, it } from 'vitest';

import type { PoolMember } from './observation.ts';
import { patchesOf } from './patches.ts';
import { memberOf, minute, poolOf, poolSpec, running, start } from './testing/builders.ts';

const spec = poolSpec({}, { maxHourlyPrice: '0.80', readinessProbe: { tcpSocket: { port: 'ssh' } } });
const spot = poolSpec(
  { capacity: { type: 'Spot', bid: { price: '0.10' }, fallbackToOnDemandAfter: '5m', returnToSpotAfter: '15m' } },
  { maxHourlyPrice: '0.80' },
);

function patchOf(member: PoolMember, changed = spec): object | undefined {
  const [found] = patchesOf(poolOf({ spec: changed, now: start + 10 * minute, members: [member] }), [member]);
  return found?.patch;
}

const waits = (reason: string, since: number): Partial<PoolMember> => ({
  ready: { isTrue: false, since: start - 60 * minute, reason, message: '' },
  marketSince: since,
});
const onDemand = { onOutbid: 'OnDemand', returnToSpot: { after: '15m' } };

it('a member that is as it is to be is not written', () => {
  expect(patchOf(memberOf(spec, 0))).toBeUndefined();
  expect(patchOf(memberOf(spot, 0, { kind: 'SpotVm', ...running() }), spot)).toBeUndefined();
});

it('what is no longer asked for is taken out', () => {
  expect(patchOf(memberOf(spec, 0), poolSpec())).toEqual({ spec: { maxHourlyPrice: null, readinessProbe: null } });
});

it('what somebody has changed of it is put right, and what else they have put in stays', () => {
  const member = memberOf(spec, 0);
  const changed = {
    ...member,
    spec: { ...member.spec, powerState: 'Stopped' },
    labels: { ...member.labels, team: 'b' },
  };
  expect(patchOf(changed)).toEqual({ spec: { powerState: 'Running' } });
});

it('labels and annotations that the template no longer has are taken out, others are not', () => {
  const { template } = spec;
  const labelled = {
    ...spec,
    template: { ...template, metadata: { labels: { app: 'a', tier: 'x' }, annotations: { note: 'n' } } },
  };
  const member = memberOf(labelled, 0);
  const fewer = { ...spec, template: { ...template, metadata: { labels: { app: 'b' } } } };
  expect(patchOf({ ...member, labels: { ...member.labels, theirs: 'yes' } }, fewer)).toMatchObject({
    metadata: { labels: { tier: null, app: 'b', 'gpuvm.dev/pool': 'pool' }, annotations: { note: null } },
  });
});

it('a member of an older template keeps the probe that fits its ports', () => {
  const member = { ...memberOf(spec, 0), hash: 'older' };
  const next = poolSpec(
    {},
    { powerState: 'Stopped', ports: [{ name: 'http', internal: 80 }], readinessProbe: { tcpSocket: { port: 'http' } } },
  );
  expect(patchOf(member, next)).toEqual({ spec: { powerState: 'Stopped' } });
});

it.each<[string, Partial<PoolMember>, object | undefined]>([
  ['has waited long enough for a bid goes on demand', waits('NoWinningBid', start), { spec: onDemand }],
  [
    'was outbid long enough ago does, too',
    { ...waits('Outbid', start), outbidSince: start, vmSince: start, capacity: 'Spot' },
    { spec: onDemand },
  ],
  [
    'whose VM is released has waited long enough for a bid goes on demand',
    { ...waits('NoWinningBid', start), vmSince: start - 600 * minute, capacity: 'Spot' },
    { spec: onDemand },
  ],
  [
    'was outbid before its off hours, and has looked for a bid for a minute, does not',
    {
      ...waits('NoWinningBid', start + 9 * minute),
      ...{ outbidSince: start - 600 * minute, vmSince: start - 900 * minute, capacity: 'Spot' },
    },
    undefined,
  ],
  ['has not waited long enough does not', waits('NoWinningBid', start + 6 * minute), undefined],
  ['waits for a budget does not, however long', waits('OverBudget', start - 60 * minute), undefined],
  ['has a spot VM stays', { ...running(), capacity: 'Spot', market: 'Winning' }, undefined],
])('a spot member that %s', (_, fields, expected) => {
  expect(patchOf(memberOf(spot, 0, { kind: 'SpotVm', ...fields }), spot)).toEqual(expected);
});

it.each<[string, Partial<PoolMember>, object | undefined]>([
  ['is held to it while it has a VM on demand', { ...running(), capacity: 'OnDemand', market: 'OnDemand' }, undefined],
  ['is held to it while it is on the way there', waits('WaitingForTurn', start), undefined],
  [
    'is held to spot again once it has a spot VM',
    { ...running(), capacity: 'Spot', market: 'Winning' },
    { spec: { onOutbid: 'Replace', returnToSpot: null } },
  ],
])('a spot member that may go on demand %s', (_, fields, expected) => {
  const member = memberOf(spot, 0, { kind: 'SpotVm', ...fields });
  expect(patchOf({ ...member, spec: { ...member.spec, ...onDemand } }, spot)).toEqual(expected);
});
