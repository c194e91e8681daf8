import { describe, expect, it } from 'vitest';

import {
  ago,
  bidsOf,
  cloudVm,
  hostOf,
  launchOf,
  minute,
  now,
  observe,
  observeOutbid,
  observeRunning,
  recordedVm,
  second,
  sizeOf,
  spotCloudVm,
  spotTerms,
  offersOf,
  accountOf,
  snapshotOf,
  type Seen,
} from '../../../test/support/builders.ts';
import { briefOf, type Brief } from '../../../test/support/verdicts.ts';
import { money } from '../../lib/money.ts';
import type { CloudVm } from '../../provider/contract.ts';
import type { Charge } from '../budget/charge.ts';
import type { LimitAhead } from '../budget/limits.ts';
import { unlimited, type SpendView } from '../budget/spending.ts';
import { decideVm } from './decide.ts';
import { mostForVm, needOfVm } from './room.ts';

function limitOf(changes: Partial<LimitAhead> = {}): LimitAhead {
  return {
    ...{ of: 'GpuBudget', name: 'team', domain: 'namespace/research', measure: 'vms' },
    ...{ hard: money(20), used: money(20), ahead: money(0) },
    ...changes,
  };
}

function spend(limit: LimitAhead, changes: Partial<SpendView> = {}): { readonly spend: SpendView } {
  return { spend: { ...unlimited, mayRetain: false, limits: [limit], ...changes } };
}

const hourly = (hard: string, used: string): LimitAhead =>
  limitOf({ measure: 'hourlyCost', hard: money(hard), used: money(used) });
const balance = (hard: string, used: string, is: 'known' | 'unread' | 'lost' = 'known'): LimitAhead => ({
  ...hourly(hard, used),
  ...{ of: 'Balance', name: 'default', domain: 'account/default', balance: { runway: '6h', is } },
});
const day = limitOf({ measure: 'dailyCost', hard: money(9), used: money('9.01') });
const one: Charge = { vms: 1, gpus: 1, hourlyCost: money('0.199') };
const disk: Charge = { vms: 1, gpus: 0, hourlyCost: money('0.01') };
const ownReleased = { own: disk, ownKept: disk, ownStarted: one };
const released = { vms: [cloudVm('vm-1', { state: 'released' })] };

describe('a VM that takes the place of another one', () => {
  it.each<[CloudVm['state'], number, string, string]>([
    // It is released first.
    ['running', 0, '0.01', '0.389'],
    ['outbid', 1, '0.199', '0.2'],
    // It cannot be released as it is.
    ['stopped', 1, '0.199', '0.2'],
  ])('takes beside one that is %s %s GPUs and $%s per hour more, and may cost $%s', (state, gpus, more, most) => {
    const own = state === 'outbid' ? disk : one;
    const given = spend(hourly('1', '0.80'), { own, ownKept: disk, ownStarted: one });
    const observation = observeRunning({ ...given, vms: [cloudVm('vm-1', { state })] });
    const need = needOfVm(observation, { gpus: 1, hourlyCost: one.hourlyCost });
    expect([need.more.gpus, need.more.hourlyCost.toFixed()]).toEqual([gpus, more]);
    expect(mostForVm(observation)?.toFixed()).toBe(most);
  });
});

describe('a VM that is wanted', () => {
  it.each<[string, Seen, Partial<Brief>]>([
    ['is deployed where there is room', spend(limitOf({ used: money(19) })), { step: 'launch' }],
    ['waits where there is none', spend(limitOf()), { rule: 'roomIsMissing', step: 'wait', ready: 'False OverBudget' }],
    ['waits behind older ones', spend(limitOf({ used: money(19), ahead: money(1) })), { ready: 'False OverBudget' }],
    ['waits for the limit of the account', spend(limitOf({ of: 'GpuAccount' })), { ready: 'False OverAccountLimit' }],
    ['waits for the pool', spend({ ...hourly('1', '1'), of: 'GpuPool' }), { ready: 'False OverPoolCost' }],
    ['waits for another day', spend(day), { rule: 'roomIsMissing', ready: 'False OverBudget' }],
    ['takes a host that what is left is enough for', spend(hourly('1', '0.80')), { step: 'launch' }],
    ['waits where what is left is not enough for any host', spend(hourly('1', '0.90')), { ready: 'False OverBudget' }],
    ['takes a host for which the balance lasts', spend(balance('1', '0.80')), { step: 'launch' }],
    ['waits where it does not with the cheapest one', spend(balance('1', '0.90')), { ready: 'False BalanceLow' }],
    [
      'asks for nothing where it does not last anyway',
      { ...spend(balance('1', '1')), inputs: { kind: 'notNeeded' } },
      { rule: 'roomIsMissing', ready: 'False BalanceLow' },
    ],
    ['waits where nobody knows the balance', spend(balance('0', '0', 'lost')), { ready: 'False BalanceUnknown' }],
    ['waits for the first answer about it', spend(balance('0', '0', 'unread')), { ready: 'False WaitingForProvider' }],
    [
      'is not deployed for a namespace that may not',
      spend(limitOf({ used: money(0) }), {
        ban: { reason: 'NamespaceNotAllowed', message: 'Not here.', always: false },
      }),
      { ready: 'False NamespaceNotAllowed' },
    ],
    [
      'asks for nothing while there is no room',
      { ...spend(limitOf()), inputs: { kind: 'notNeeded' } },
      { rule: 'roomIsMissing', step: 'wait' },
    ],
    [
      'is not bid for without room',
      {
        ...spend(limitOf()),
        spot: spotTerms(),
        account: accountOf({ bids: bidsOf({ 'host-1': { wins: money('0.1') } }) }),
      },
      { ready: 'False OverBudget' },
    ],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observe(seen))).toMatchObject(expected);
  });

  it.each<[string, LimitAhead, RegExp]>([
    [
      'low',
      balance('1', '0.90'),
      /^The balance of GpuAccount "default" does not last for 6h \(limits\.minRunway\) with \$0\.199 per hour more: recharge it/,
    ],
    [
      'not known',
      balance('0', '0', 'lost'),
      /^What is left of the balance of GpuAccount "default" is not known now, and it has to last for 6h/,
    ],
  ])('says what to do where the balance is %s', (_, limit, words) => {
    const { ready } = decideVm(observe(spend(limit)));
    expect(ready).toMatchObject({ message: expect.stringMatching(words) as string });
  });

  it('says which limit it is, and what the cheapest host would cost', () => {
    const { ready, need } = decideVm(observe(spend(hourly('1', '0.90'))));
    expect(ready).toMatchObject({
      message:
        'GpuBudget "team" allows $1.00 per hour (hard.hourlyCost), and there is no room for $0.199 per hour more. The VM is deployed by itself once there is room, the oldest first. The cheapest host that fits costs $0.199 per hour.',
    });
    expect(need?.more).toEqual({ vms: 1, gpus: 1, hourlyCost: money('0.199') });
  });

  it('bids no more than what is left', () => {
    const found = decideVm(
      observe({
        ...spend(hourly('1', '0.80')),
        spot: spotTerms(),
        account: accountOf({
          offers: offersOf([hostOf('host-1')]),
          bids: bidsOf({ 'host-1': { refused: money('0.10') } }),
        }),
      }),
    );
    const bid = found.step.kind === 'askBid' ? found.step.question.most : undefined;
    expect(bid?.toFixed()).toBe('0.195');
  });
});

describe('a VM that is released', () => {
  it.each<[string, Seen, Partial<Brief>]>([
    ['is started where there is room', spend(hourly('1', '0.80'), ownReleased), { step: 'start' }],
    [
      'waits where there is none',
      spend(hourly('1', '0.90'), ownReleased),
      { step: 'wait', phase: 'Released', ready: 'False OverBudget' },
    ],
    ['waits for another day', spend(day, ownReleased), { step: 'wait', ready: 'False OverBudget' }],
    ['needs no room for a VM: it is one already', spend(limitOf(), ownReleased), { step: 'start' }],
    [
      'is started though its namespace may not have new ones',
      spend(limitOf(), { ...ownReleased, ban: { reason: 'NamespaceNotAllowed', message: 'Not here.', always: false } }),
      { step: 'start' },
    ],
    [
      'is not started while a budget cannot be understood',
      spend(limitOf(), { ...ownReleased, ban: { reason: 'OverBudget', message: 'Not now.', always: true } }),
      { step: 'wait', ready: 'False OverBudget' },
    ],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observeRunning({ ...released, ...seen }))).toMatchObject(expected);
  });
});

describe('the disk of a VM that is released', () => {
  const bigger = { ...ownReleased, spec: { powerState: 'Released', storageGB: 600 } } as const;
  const vm = { ...cloudVm('vm-1', { state: 'released' }) };
  const account = accountOf({ snapshot: snapshotOf([vm]) });
  const given = (limit: LimitAhead): Seen => ({ ...spend(limit, ownReleased), spec: bigger.spec, account });

  it.each<[string, Seen, Partial<Brief>]>([
    ['gets larger where there is room', given(hourly('9', '0.80')), { step: 'modify' }],
    ['does not without room: it is billed at once', given(hourly('1', '1')), { step: 'wait' }],
    ['does not once the day is spent', given(day), { step: 'wait' }],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observeRunning(seen))).toMatchObject(expected);
  });
});

describe('a VM that runs', () => {
  it.each<[string, Seen, Partial<Brief>]>([
    [
      'goes on where the limits were lowered',
      spend(limitOf({ hard: money(0) }), { own: one, ownKept: disk, ownStarted: one }),
      { step: 'wait', ready: 'True Running' },
    ],
    [
      'is not stopped for a size that there is no room for',
      {
        ...spend(hourly('1', '1'), { own: one, ownKept: disk, ownStarted: one }),
        spec: { vcpus: 8 },
        account: accountOf({ snapshot: snapshotOf([cloudVm('vm-1')]) }),
      },
      { step: 'wait', ready: 'True Running' },
    ],
    [
      'is stopped for a size that there is room for',
      {
        ...spend(hourly('2', '1'), { own: one, ownKept: disk, ownStarted: one }),
        spec: { vcpus: 8 },
        account: accountOf({ snapshot: snapshotOf([cloudVm('vm-1')]) }),
      },
      { step: 'stop' },
    ],
    [
      'is stopped without room for anything',
      { ...spend(limitOf({ hard: money(0) }), { own: one }), spec: { powerState: 'Released' } },
      { step: 'stop' },
    ],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observeRunning(seen))).toMatchObject(expected);
  });
});

describe('a VM that is stopped to get a second GPU', () => {
  const two: Charge = { ...one, gpus: 2 };
  const vm = cloudVm('vm-1', { state: 'stopped' });
  const account = accountOf({ snapshot: snapshotOf([vm]) });
  const gpus = (hard: number, used: number): LimitAhead =>
    limitOf({ measure: 'gpus', hard: money(hard), used: money(used) });
  const bigger = { gpu: { models: ['a4000'], count: 2 } };
  const asked = {
    vm: recordedVm('vm-1'),
    launch: launchOf(),
    resize: { to: sizeOf({ gpuCount: 2 }), outcome: 'Pending', askedAt: ago(second) },
  } as const;
  const owning = (own: Charge): Partial<SpendView> => ({ own, ownKept: disk, ownStarted: own });

  it.each<[string, Seen, Partial<Brief>]>([
    ['gets it where there is room for one more', spend(gpus(2, 1), owning(one)), { step: 'modify' }],
    [
      'gets it where it was asked for, and counts for that already',
      { ...spend(gpus(2, 2), owning(two)), journal: asked },
      { step: 'modify' },
    ],
    [
      'does not where what was asked for before was less',
      {
        ...spend(gpus(2, 2), owning(two)),
        journal: asked,
        spec: { gpu: { models: ['a4000'], count: 3 } },
      },
      { step: 'start' },
    ],
    ['is started as it is where there is none', spend(gpus(2, 2), owning(one)), { step: 'start' }],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observeRunning({ spec: bigger, account, ...seen }))).toMatchObject(expected);
  });
});

const stoppedByBudget = { powerState: 'Released', reason: 'StoppedByBudget', message: 'No room.' } as const;

const failed = {
  call: 'stop',
  endedAt: now - second,
  failure: { kind: 'unavailable', message: 'HTTP 503' },
  failures: 1,
  nextTryAt: now + 5 * second,
} as const;

it.each<[string, Seen]>([
  ['cannot be followed', { specProblem: 'spec.schedule: no such time zone.' }],
  ['waits to be left behind', { ...spend(limitOf()), meta: { deleting: true }, spec: { deletionPolicy: 'Retain' } }],
])('the release of a VM whose resource %s is tried again after it has failed', (_, seen) => {
  const given = { ...seen, holds: [stoppedByBudget], facts: { lastCall: failed, calls: new Map([['vm-1', failed]]) } };
  const { step, look } = decideVm(observeRunning(given));
  expect([step.kind, look]).toEqual(['wait', { inMs: 5 * second }]);
});

it('a VM that was started to be released is not said to start for ever where its spec cannot be followed', () => {
  const seen = { ...released, specProblem: 'no.', status: { phase: 'Starting' }, holds: [stoppedByBudget] } as const;
  const facts = { vmRanAt: undefined, vmSeenAt: now - 60 * minute };
  expect(briefOf(observeRunning({ ...seen, facts }))).toMatchObject({ phase: 'Released', ready: 'False InvalidSpec' });
});

describe('a VM whose spec cannot be followed', () => {
  const broken = { specProblem: 'spec.schedule: no such time zone.', holds: [stoppedByBudget] };
  it.each<[string, Seen, Partial<Brief>]>([
    ['is left as it is', { ...broken, holds: [] }, { step: 'wait', ready: 'False InvalidSpec' }],
    ['is released where it is its turn to stop', broken, { step: 'stop', ready: 'False InvalidSpec' }],
    [
      'is left as it is where nobody can read whose VM it is',
      { ...broken, isStatusDamaged: true },
      { step: 'wait', ready: 'False InvalidSpec' },
    ],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observeRunning(seen))).toMatchObject(expected);
  });
});

describe('a resource that is deleted with deletionPolicy Retain', () => {
  const retained = { meta: { deleting: true }, spec: { deletionPolicy: 'Retain' } } as const;
  it.each<[string, Seen, Partial<Brief>]>([
    ['waits where VMs may not be left behind', spend(limitOf()), { step: 'wait', ready: 'False RetainNotAllowed' }],
    [
      'is released while it waits, where it is its turn to stop',
      { ...spend(limitOf()), holds: [stoppedByBudget] },
      { step: 'stop', phase: 'Deleting', ready: 'False RetainNotAllowed' },
    ],
    ['goes where they may', { spend: unlimited }, { step: 'removeFinalizer' }],
    [
      'goes where there is nothing to leave behind',
      { ...spend(limitOf()), vms: [], journal: {} },
      { step: 'removeFinalizer' },
    ],
    [
      'waits while a deployment is in doubt',
      { ...spend(limitOf()), vms: [], journal: { launch: launchOf({ outcome: 'Uncertain' }) } },
      { step: 'wait', ready: 'False RetainNotAllowed' },
    ],
    [
      'is not let go by annotation either',
      { ...spend(limitOf()), meta: { deleting: true, abandoned: true } },
      { step: 'wait', ready: 'False RetainNotAllowed' },
    ],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observeRunning({ ...retained, ...seen }))).toMatchObject(expected);
  });

  it('leaves its VM behind once a list that is newer than the VM counts it', () => {
    const given = { ...retained, ...spend(limitOf(), { mayRetain: true }), vms: [cloudVm('vm-1')] };
    const soon = observeRunning({ ...given, facts: { vmSeenAt: now } });
    expect(decideVm(soon)).toMatchObject({ step: { kind: 'wait' }, look: { snapshotAfter: now } });
    const later = observeRunning({ ...given, facts: { vmSeenAt: now - minute } });
    expect(briefOf(later)).not.toMatchObject({ step: 'wait' });
    // A look at a list that was asked for long ago would come back at once, and again, for ever.
    const unproven = observeRunning({
      ...given,
      account: accountOf({ snapshot: undefined }),
      facts: { vmSeenAt: now - minute },
    });
    expect(decideVm(unproven).look).toEqual({ snapshotAfter: now });
  });

  it('whose VM cannot be deleted is not let go by annotation under such a budget', () => {
    const seen = { ...spend(limitOf()), meta: { deleting: true, abandoned: true } };
    expect(briefOf(observeRunning(seen))).toMatchObject({ step: 'delete' });
  });
});

describe('a start whose answer was lost', () => {
  const endedAt = now - 20 * second;
  const failure = { kind: 'unavailable', message: 'no answer' } as const;
  const lost = { call: 'start', endedAt, failure, failures: 1, nextTryAt: now + second } as const;
  const starting = { ...released, ...spend(hourly('1', '0.2'), ownReleased), status: { phase: 'Starting' } as const };
  const filed = { lastCall: lost, startFiledAt: endedAt };

  it.each<[string, Seen, Partial<Brief>]>([
    ['is said for as long as it may take effect', { ...starting, facts: filed }, { step: 'wait', phase: 'Starting' }],
    [
      'is said though its owner wants the VM released by now',
      { ...starting, facts: filed, spec: { powerState: 'Released' } },
      { step: 'wait', phase: 'Starting', ready: 'False Released' },
    ],
    [
      'is said by a process that has only the word of the one before it',
      { ...starting, facts: { vmRanAt: undefined, vmSeenAt: now - second }, spec: { powerState: 'Released' } },
      { step: 'wait', phase: 'Starting' },
    ],
    [
      'is not said any more once nothing can come of it',
      { ...starting, facts: { vmRanAt: undefined, vmSeenAt: now - 60 * minute }, spec: { powerState: 'Released' } },
      { step: 'wait', phase: 'Released' },
    ],
    [
      'is of no account where nothing is limited',
      { ...released, status: { phase: 'Starting' }, facts: filed },
      { step: 'wait', phase: 'Released' },
    ],
  ])('%s', (_, seen, expected) => {
    expect(briefOf(observeRunning(seen))).toMatchObject(expected);
  });
});

describe('what is said of a limit', () => {
  const messageOf = (seen: Seen, given = observe(seen)): string => {
    const { ready } = decideVm(given);
    return ready === 'keep' ? 'keep' : ready.message;
  };

  it('does not change with the fate of others: everybody who waits would have to write it anew', () => {
    const limits = [limitOf(), limitOf({ used: money(25) }), limitOf({ used: money(12), ahead: money(9) })];
    expect(new Set(limits.map((limit) => messageOf(spend(limit))))).toEqual(
      new Set([
        'GpuBudget "team" allows 20 VMs (hard.vms), and there is no room for 1 VM more. The VM is deployed by itself once there is room, the oldest first.',
      ]),
    );
  });

  it('is that it is too little, where it is that for one alone', () => {
    expect(messageOf(spend(limitOf({ hard: money(0), used: money(0) })))).toMatch(
      /^GpuBudget "team" allows 0 VMs \(hard\.vms\), which is too little for 1 VM more\./,
    );
  });

  it('is that a replacement needs room for one VM more, where it is one', () => {
    const seen = { spot: spotTerms({ onOutbid: 'Replace' }), ...spend(limitOf(), ownReleased) };
    const refused = bidsOf({ 'host-1': { refused: money('0.10') } });
    const lost = spotCloudVm('vm-1', { state: 'outbid', providerStatus: 'Outbid' });
    const account = accountOf({ snapshot: snapshotOf([lost]), bids: refused });
    expect(messageOf({}, observeOutbid({ ...seen, account }))).toMatch(
      /A replacement needs room for one VM more until the old one is deleted; it is deployed by itself once there is\.$/,
    );
  });
});
