import fc from 'fast-check';

import { vmNameOf } from '../../src/api/vm-name.ts';
import type { Launch } from '../../src/api/vm-status.ts';
import { decideVm } from '../../src/plan/vm/decide.ts';
import { forgottenLaunch } from '../../src/plan/vm/forgotten.ts';
import type { AccountView, CallFact, Journal, VmFacts, VmObservation } from '../../src/plan/vm/observation.ts';
import { statusOfVm } from '../../src/plan/vm/status.ts';
import { money } from '../../src/lib/money.ts';
import type { CloudVm } from '../../src/provider/contract.ts';
import {
  accountOf,
  ago,
  answersOf,
  bidsOf,
  cloudVm,
  holdOf,
  hostOf,
  installation,
  instantOf,
  instantsOf,
  launchOf,
  markedName,
  minute,
  now,
  observe,
  observeOutbid,
  observeRunning,
  offersOf,
  priceOf,
  recordedVm,
  retiringVm,
  second,
  sizeOf,
  snapshotOf,
  specOf,
  spotCloudVm,
  spotTerms,
  uid,
} from './builders.ts';

export const livingUid = '11111111-1111-4111-8111-111111111111';
export const goneUid = '22222222-2222-4222-8222-222222222222';

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 1 });
const moment = fc.constantFrom(1, second, 5 * second, 40 * second, 2 * minute, 5 * minute, 20 * minute);

/** Marks of a resource that lives, of one that is gone, and of another installation. */
const namesOfOthers = [
  markedName(1, livingUid),
  markedName(2, goneUid),
  vmNameOf({ installation: 'ffffffff', uid: goneUid, attempt: 1 }),
  vmNameOf({ installation: 'ffffffff', uid, attempt: 1 }),
];

const vm: fc.Arbitrary<CloudVm> = fc
  .record({
    id: fc.constantFrom('vm-1', 'vm-2', 'vm-3'),
    name: fc.constantFrom(markedName(1), markedName(2), markedName(3), 'somebody-else', ...namesOfOthers),
    state: fc.constantFrom('running', 'stopped', 'released', 'outbid', 'terminated', 'unknown'),
    size: fc.constantFrom(sizeOf(), sizeOf({ vcpus: 8 })),
    price: fc.constantFrom(undefined, priceOf('0.199'), priceOf('2.5')),
    address: fc.constantFrom('203.0.113.10', undefined),
    hostnode: fc.constantFrom('host-1', undefined),
    type: fc.constantFrom('ondemand', 'spot', 'unknown'),
  })
  .map((changes) => cloudVm(changes.id, { ...changes, providerStatus: changes.state }));

const hosts = fc.constantFrom(
  undefined,
  [],
  [hostOf('host-1')],
  [hostOf('host-1'), hostOf('host-2', { vcpus: { available: 32, price: money('0.5') } })],
  [hostOf('host-3', { freePorts: [] })],
);

const instants = fc
  .record({
    vms: fc.constantFrom(
      undefined,
      [],
      [
        instantOf('ready-1'),
        instantOf('ready-2', { hostnode: 'host-2', size: sizeOf({ vcpus: 8 }), price: priceOf('0.4') }),
      ],
      [instantOf('ready-1', { operatingSystem: 'Windows 10' })],
    ),
    fresh: fc.constantFrom(true, true, false),
    cooling: fc.constantFrom(undefined, undefined, now + minute),
    failure: fc.constantFrom(undefined, undefined, { kind: 'unavailable', message: 'no list' }),
  })
  .map(({ vms, cooling, ...given }) => instantsOf(vms, { ...given, coolingDownUntil: () => cooling }));

const failure = maybe(fc.constantFrom('unauthorized', 'unavailable', 'rateLimited', 'malformed'));

const bids = fc
  .record({
    refused: fc.constantFrom(undefined, money('0.10'), money('0.30')),
    wins: fc.constantFrom(undefined, money('0.05'), money('0.12'), money('0.31')),
    isBeingAsked: fc.constantFrom(false, false, true),
  })
  .filter(({ refused, wins }) => refused === undefined || wins === undefined || refused.lt(wins))
  .map(({ refused, wins, isBeingAsked }) => ({
    known: () => ({
      isBeingAsked,
      ...(refused === undefined ? {} : { refused }),
      ...(wins === undefined ? {} : { wins }),
    }),
  }));

const account: fc.Arbitrary<AccountView> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ kind: 'missing' } as const) },
  {
    weight: 1,
    arbitrary: fc.constant({ kind: 'notReady', reason: 'InvalidCredentials', message: 'bad key.' } as const),
  },
  {
    weight: 12,
    arbitrary: fc
      .record({
        vms: fc.uniqueArray(vm, { selector: ({ id }) => id, maxLength: 3 }),
        isListed: fc.constantFrom(true, true, true, true, false),
        age: moment,
        distrusted: fc.constantFrom(undefined, undefined, 'many vanished'),
        unreadable: fc.constantFrom<string[]>([], [], ['vm-1'], ['vm-9']),
        failure,
        hosts,
        fresh: fc.constantFrom(true, true, false),
        hostsFailure: failure,
        cooling: fc.constantFrom(undefined, now + minute),
        bids,
        instants,
      })
      .map((given) => {
        const vms = given.vms.filter(({ id }) => !given.unreadable.includes(id));
        const listed = {
          requestedAt: now - given.age,
          distrusted: given.distrusted,
          unreadable: new Set(given.unreadable),
        };
        return accountOf({
          bids: given.bids,
          instants: given.instants,
          snapshot: given.isListed ? snapshotOf(vms, listed) : undefined,
          pollFailure:
            given.failure === undefined
              ? undefined
              : { kind: given.failure, message: 'no answer', since: now - minute, consecutive: 2 },
          offers: offersOf(given.hosts, {
            fresh: given.fresh,
            failure: given.hostsFailure === undefined ? undefined : { kind: given.hostsFailure, message: 'no hosts' },
            coolingDownUntil: () => given.cooling,
          }),
        });
      }),
  },
);

const launch = fc
  .record({
    attempt: fc.constantFrom(1, 2),
    owner: fc.constantFrom(uid, uid, uid, uid, uid, goneUid),
    outcome: fc.constantFrom<Launch['outcome']>(
      'Pending',
      'Launched',
      'Refused',
      'Uncertain',
      'Absent',
      'Overpriced',
      'Lost',
    ),
    age: moment,
    failures: fc.nat({ max: 4 }),
  })
  .map(({ attempt, owner, outcome, age, failures }) =>
    launchOf({
      attempt,
      name: markedName(attempt, owner),
      outcome,
      failures,
      intentAt: ago(age + second),
      ...(outcome === 'Pending' ? { endedAt: undefined } : { endedAt: ago(age) }),
    }),
  );

const forgotten = moment.map((age) => forgottenLaunch({ installation, uid, now: now - age }));

const recorded = fc
  .record({
    id: fc.constantFrom('vm-1', 'vm-2', 'vm-9'),
    age: moment,
    applied: fc.constantFrom(sizeOf(), sizeOf({ vcpus: 8 })),
    adopted: fc.boolean(),
    ownerUid: fc.constantFrom(uid, uid, uid, uid, undefined, goneUid),
    providerStatus: maybe(fc.constant('Running')),
    capacity: fc.constantFrom(undefined, 'Spot' as const, 'Spot' as const, 'OnDemand' as const),
    bid: maybe(fc.constant('0.10')),
    outbidSince: maybe(moment.map(ago)),
  })
  .map(({ age, ...changes }) => recordedVm(changes.id, { ...changes, recordedAt: ago(age) }));

const resize = fc.record({
  to: fc.constantFrom(sizeOf(), sizeOf({ vcpus: 8 })),
  outcome: fc.constantFrom('Modified' as const, 'Done' as const, 'Refused' as const, 'Overpriced' as const),
});

const facts: fc.Arbitrary<VmFacts> = fc.record({
  deletedAt: fc
    .array(fc.tuple(fc.constantFrom('vm-1', 'vm-2', 'vm-3', 'vm-9'), moment), { maxLength: 3 })
    .map((entries) => new Map(entries.map(([id, age]) => [id, now - age]))),
  deployed: fc.constantFrom(new Set<string>(), new Set(['vm-1']), new Set(['vm-9'])),
  lastCall: maybe(
    fc
      .record({
        call: fc.constantFrom('start' as const, 'stop' as const, 'modify' as const, 'delete' as const),
        age: moment,
        failure: maybe(
          fc.record({
            kind: fc.constantFrom('noCapacity' as const, 'unavailable' as const, 'insufficientBalance' as const),
            message: fc.constant('no'),
          }),
        ),
        pause: fc.constantFrom(0, 10 * second, 10 * minute),
      })
      .map(({ call, age, failure: failed, pause }) => ({
        call,
        endedAt: now - age,
        failure: failed,
        failures: failed === undefined ? 0 : 1,
        nextTryAt: now - age + pause,
      })),
  ),
  confirmations: maybe(
    fc.record({
      vmId: fc.constantFrom('vm-1', 'vm-9'),
      askedAt: moment.map((age) => now - age),
      answer: fc.constantFrom('gone' as const, 'exists' as const, 'noAnswer' as const),
      name: fc.constantFrom(undefined, markedName(1), 'somebody-else', ...namesOfOthers),
    }),
  ).map((answer) => (answer === undefined ? new Map() : answersOf(answer))),
  absence: maybe(
    fc.record({ attempt: fc.constantFrom(1, 2), first: moment, latest: moment }).map(({ attempt, first, latest }) => ({
      launchName: markedName(attempt),
      firstAt: now - Math.max(first, latest),
      latestAt: now - Math.min(first, latest),
    })),
  ),
  launchSeenAt: moment.map((age) => now - age),
  vmSeenAt: moment.map((age) => now - age),
  vmRanAt: maybe(moment.map((age) => now - age)),
  startFiledAt: maybe(moment.map((age) => now - age)),
  outbidSeenAt: fc.constant(new Map()),
  journalDroppedAt: fc.constantFrom(undefined, undefined, undefined, now - second, now - 2 * minute),
  deletionSeenAt: moment.map((age) => now - age),
  probe: maybe(
    fc.record({
      target: fc.constantFrom('203.0.113.10:30001', '203.0.113.99:1'),
      result: fc.constantFrom('pending' as const, 'success' as const, 'failure' as const, 'forbidden' as const),
      message: fc.constant('as it is'),
    }),
  ),
  avoidedHosts: fc.constantFrom(new Map<string, number>(), new Map([['host-1', now + minute]])),
  releaseNeedsStart: fc.boolean(),
  bidding: fc.record({
    asked: fc.constantFrom(0, 3, 8),
    askedOf: fc.constantFrom(new Map<string, number>(), new Map([['host-1', 6]])),
    nextRoundAt: fc.constantFrom(0, now + minute),
    refusedAt: fc.constantFrom(new Map<string, number>(), new Map([['host-1', now - minute]])),
    winnableSince: maybe(moment.map((age) => now - age)),
    returningSince: maybe(moment.map((age) => now - age)),
  }),
  calls: fc.constantFrom(
    new Map<string, CallFact>(),
    new Map([['vm-2', callOf('stop', second)]]),
    new Map([['vm-2', callOf('delete', minute, { kind: 'unavailable', message: 'no' })]]),
  ),
});

function callOf(call: CallFact['call'], age: number, failed?: CallFact['failure']): CallFact {
  return { call, endedAt: now - age, failure: failed, failures: 1, nextTryAt: now - age + 5 * second };
}

const spec = fc
  .record({
    powerState: fc.constantFrom('Running', 'Running', 'Stopped', 'Released'),
    vcpus: fc.constantFrom(4, 4, 8),
    deletionPolicy: fc.constantFrom('Delete', 'Delete', 'Retain'),
    maxHourlyPrice: maybe(fc.constantFrom('0.199', '0.10', '5')),
    instant: fc.constantFrom(undefined, 'Never', 'Prefer', 'Prefer'),
    readinessProbe: maybe(fc.constant({ tcpSocket: { port: 'ssh' } })),
    operatingSystem: fc.constantFrom('Ubuntu 22.04 LTS', 'Ubuntu 22.04 LTS', 'Windows 10'),
    expireAfter: fc.constantFrom(undefined, undefined, undefined, '90s', '1h'),
    schedule: fc.constantFrom(undefined, undefined, { start: '0 8 * * *', stop: '0 19 * * *' }),
  })
  .map((given) => JSON.parse(JSON.stringify({ ...given, storageGB: 20 })) as object);

const holds: fc.Arbitrary<VmObservation['holds']> = fc.constantFrom(
  [],
  [],
  [],
  [holdOf({ powerState: 'Stopped' })],
  [holdOf()],
  [holdOf({ powerState: 'Stopped' }), holdOf({ reason: 'StoppedByBudget' })],
);

const rare = fc.constantFrom(false, false, false, false, true);

const inputs: fc.Arbitrary<VmObservation['inputs']> = fc.constantFrom(
  { kind: 'resolved', sshKey: undefined, password: undefined, cloudInit: undefined },
  { kind: 'resolved', sshKey: undefined, password: undefined, cloudInit: undefined },
  { kind: 'resolved', sshKey: 'ssh-ed25519 AAAA', password: 'given-password', cloudInit: undefined },
  { kind: 'notNeeded' },
  { kind: 'problem', reason: 'SecretNotFound', message: 'There is no Secret.' },
);

const secret: fc.Arbitrary<VmObservation['secret']> = fc.constantFrom(
  { name: 'trainer-connection', state: 'ours', uid: 'secret-1', data: { password: 'kept-password' } },
  { name: 'trainer-connection', state: 'ours', uid: 'secret-1', data: { password: 'kept-password' } },
  { name: 'trainer-connection', state: 'absent', uid: undefined, data: {} },
  { name: 'trainer-connection', state: 'leftover', uid: 'secret-0', data: {} },
  { name: 'trainer-connection', state: 'foreign', uid: undefined, data: {} },
);

const meta = fc.record({
  createdAt: fc.constantFrom(undefined, now - 90 * second, now - 20 * minute),
  deleting: rare,
  hasFinalizer: rare.map((isMissing) => !isMissing),
  paused: rare,
  abandoned: rare,
});

const retiring = fc.uniqueArray(
  fc
    .record({
      id: fc.constantFrom('vm-2', 'vm-3', 'vm-9'),
      attempt: fc.constantFrom(1, 2),
      owner: fc.constantFrom(uid, uid, uid, goneUid, livingUid),
      replacedAt: maybe(moment.map((age) => ago(age))),
    })
    .map(({ id, attempt, owner, replacedAt }) => retiringVm(id, { name: markedName(attempt, owner), replacedAt })),
  { selector: ({ id }) => id, maxLength: 2 },
);

const history = fc.record({
  outbidCount: fc.nat({ max: 9 }),
  outbidTimes: fc.array(moment.map(ago), { maxLength: 4 }),
});

const terms = fc.record({
  price: fc.constant(money('0.10')),
  maxPrice: fc.constantFrom(money('0.10'), money('0.30')),
  onOutbid: fc.constantFrom('Wait' as const, 'Replace' as const, 'OnDemand' as const),
  retentionMs: fc.constantFrom(0, 60 * minute),
  returnAfterMs: fc.constantFrom(undefined, minute),
  outbidLimit: fc.constantFrom({ count: 5, windowMs: 60 * minute }, { count: 1, windowMs: 10 * minute }),
});

const journal: fc.Arbitrary<Journal> = fc
  .record({
    launch: maybe(fc.oneof({ weight: 9, arbitrary: launch }, { weight: 1, arbitrary: forgotten })),
    vm: maybe(recorded),
    resize: maybe(resize),
    retiring: maybe(retiring),
    spot: maybe(history),
  })
  .map(({ resize: changed, ...given }) => (given.vm === undefined ? given : { ...given, resize: changed }));

const parts = {
  account,
  journal,
  facts,
  spec: spec.map(specOf),
  holds,
  spot: maybe(terms),
  inputs,
  secret,
  meta,
  specProblem: fc.constantFrom(undefined, undefined, undefined, 'The spec is not valid: vcpus.'),
  adoption: fc.constantFrom(undefined, undefined, undefined, { vmId: 'vm-1' }, { vmId: 'vm-9' }, { vmId: 'vm-2' }),
  rivals: fc
    .constantFrom('nobody' as const, 'nobody' as const, 'self' as const, 'other' as const, 'contested' as const)
    .map((adopter) => ({ isAlive: (who: string) => who === livingUid, adopterOf: () => adopter })),
} as const;
type Part = keyof typeof parts;

/** Its own bid loses, and a higher one wins. */
function aboutToBeReplaced(): VmObservation {
  const account = accountOf({
    snapshot: snapshotOf([spotCloudVm('vm-1', { state: 'outbid', providerStatus: 'Outbid' })]),
    bids: bidsOf({ 'host-1': { refused: money('0.12'), wins: money('0.13') } }),
  });
  return observeOutbid({ spot: spotTerms({ onOutbid: 'Replace' }), account });
}

/** A ready-made VM is there for it. */
function aboutToTakeInstant(): VmObservation {
  const account = accountOf({ instants: instantsOf([instantOf('ready-1'), instantOf('ready-2')]) });
  return observe({ account, spec: specOf({ instant: 'Prefer', maxHourlyPrice: '5' }) });
}

const usually = {
  new: () => observe(),
  running: () => observeRunning(),
  outbid: aboutToBeReplaced,
  readyMade: aboutToTakeInstant,
  random: () => undefined,
} as const;

/** All at random, or one of four usual situations with a few parts of it at random: both the rare and the usual happen. */
const momentary: fc.Arbitrary<VmObservation> = fc
  .record({
    random: fc.record(parts),
    base: fc.constantFrom('new', 'running', 'outbid', 'readyMade', 'random'),
    disturbed: fc.subarray(Object.keys(parts) as Part[], { maxLength: 3 }),
  })
  .map(({ random, base, disturbed }) => {
    const usual = usually[base]();
    const changes = disturbed.map((part) => [part, random[part]] as const);
    const seen = usual === undefined ? random : { ...usual, ...Object.fromEntries(changes) };
    return observe(seen);
  });

/**
 * Observations of every kind, sensible or not: what is promised of decisions is promised whatever was seen. Half of them
 * have a status that an earlier decision, on something else, has left behind.
 */
export const anyObservation: fc.Arbitrary<VmObservation> = fc
  .tuple(momentary, maybe(momentary))
  .map(([given, earlier]) => {
    if (earlier === undefined) return given;
    const before = { ...earlier, now: now - minute, meta: { ...earlier.meta, generation: 2 } };
    return { ...given, status: statusOfVm(before, decideVm(before)) };
  });
