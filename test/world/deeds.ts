import fc from 'fast-check';

import { mostLateMs } from './worst-moments.ts';
import { balanceDeeds, runways, type BalanceDeed } from './balance-deeds.ts';
import { budgetDeed, thriftyDeed, type BudgetDeed } from './budget-deeds.ts';
import { memberName, onePoolsDeeds, poolDeeds, poolSpecChange, type PoolDeed } from './pool-deeds.ts';
import { marketDeeds, spotDeeds, spotEndpoints, spotSpecChange, type MarketDeed } from './spot-deeds.ts';
import type { Ready } from './ready-made.ts';
import type { SpotMoment } from './spot-moments.ts';
import { unmanagedDeeds, type UnmanagedDeed } from './unmanaged-deeds.ts';

/** One thing that a user, a platform team or bad luck does, and how long nothing else is done afterwards. */
export type Action = Deed & { readonly thenMs: number };

export type Deed =
  | { readonly do: 'apply'; readonly vm: string; readonly spec: object }
  | { readonly do: 'adopt'; readonly vm: string }
  | { readonly do: 'delete'; readonly vm: string }
  | { readonly do: 'pause'; readonly vm: string; readonly on: boolean }
  | { readonly do: 'poke'; readonly vm: string }
  | { readonly do: 'forgetVm'; readonly vm: string }
  | { readonly do: 'emptyStatus'; readonly vm: string; readonly emptyLists: number }
  | { readonly do: 'readyMade'; readonly made: Ready | 'none'; readonly vm: string | undefined }
  | { readonly do: 'secret'; readonly holds: 'own' | 'rotated' | 'mistyped' | 'other' }
  | ProcessTrouble
  | KubeTrouble
  | ProviderTrouble
  | WorstMoment
  | SpotMoment
  | MarketDeed
  | PoolDeed
  | BudgetDeed
  | BalanceDeed
  | UnmanagedDeed;

export type ProcessTrouble =
  | { readonly do: 'crash'; readonly afterPoints: number }
  | { readonly do: 'freeze'; readonly afterPoints: number; readonly ms: number }
  | { readonly do: 'stop'; readonly replica: number; readonly graceMs: number };

export type KubeTrouble =
  | {
      readonly do: 'kubeTrouble';
      readonly lostRequests: number;
      readonly lostAnswers: number;
      readonly duplicates: number;
    }
  | { readonly do: 'kubeDown'; readonly on: boolean }
  | { readonly do: 'cutOff'; readonly replica: number; readonly on: boolean }
  | { readonly do: 'watches'; readonly what: 'hold' | 'release' | 'end' | 'expire' };

export type ProviderTrouble =
  | { readonly do: 'fault'; readonly endpoint: string; readonly kind: FaultKind; readonly count: number }
  | { readonly do: 'late'; readonly chance: number }
  | { readonly do: 'repeated'; readonly chance: number }
  | { readonly do: 'vanish'; readonly nth: number }
  | { readonly do: 'status'; readonly nth: number; readonly status: string }
  | { readonly do: 'host'; readonly nth: number; readonly online: boolean }
  | { readonly do: 'dearer'; readonly nth: number }
  | { readonly do: 'prices'; readonly hidden: boolean }
  | { readonly do: 'credentials'; readonly good: boolean };

/** Several things at once that would cost a VM, and hardly ever meet by chance. */
export type WorstMoment =
  | {
      readonly do: 'omit';
      readonly vm: string;
      readonly all: boolean;
      readonly inDoubt: string | undefined;
      /** Nor does the provider answer by id. */
      readonly isSilent: boolean;
    }
  | {
      readonly do: 'freezeDeployer';
      readonly vm: string;
      readonly ms: number;
      /** It gets no list once it goes on. */
      readonly thenBlind: boolean;
    }
  | { readonly do: 'dearerMeanwhile'; readonly vm: string; readonly vcpus: number | undefined }
  | DoubtfulLaunch
  | { readonly do: 'deleteInVain'; readonly vm: string; readonly count: number };

export interface DoubtfulLaunch {
  readonly do: 'doubt';
  readonly vm: string;
  /** How long the deploy request is on its way; its answer is lost. */
  readonly lateMs: number;
  /** A ready-made VM is taken, instead of one being deployed. */
  readonly readyMade: boolean;
  /** Lists are old meanwhile. */
  readonly stale: boolean;
  /** What else happens, and how long after the request left. */
  readonly then: readonly ('kill' | 'delete')[];
  readonly afterMs: number;
}

const faultKinds = [
  'lost-answer',
  'lost-request',
  'error-500',
  'success-false',
  'malformed',
  'html-502',
  'rate-limit',
  'slow',
] as const;
export type FaultKind = (typeof faultKinds)[number] | 'stale-list' | 'empty-list';

/** Those that stand more than once are where a lie or a lost answer could cost a VM. */
const endpoints = [
  'client/deploy/single',
  'client/deploy/single',
  'client/deploy/single',
  'client/delete/single',
  'client/list',
  'client/list',
  'client/start/single',
  'client/stop/single',
  'client/modify/single',
  'client/get/single',
  'client/get/single',
  'client/deploy/hostnodes',
  'billing/balance',
  '*',
] as const;

type Weighted<T> = fc.WeightedArbitrary<T>;

/** `weight` times as likely as what has the weight 1. */
function often<T>(weight: number, arbitrary: fc.Arbitrary<T>): Weighted<T> {
  return { weight, arbitrary };
}

function doing<const N extends string>(name: N): fc.Arbitrary<N> {
  return fc.constant(name);
}

const nth = fc.nat({ max: 5 });
const replica = fc.nat({ max: 1 });
const on = fc.boolean();

/** In off hours and out of them, for as long as lists are counted before anybody complains, or for less than a boot takes. */
const schedule = fc.constantFrom(
  null,
  { start: '0 1-23/2 * * *', stop: '0 */2 * * *' },
  { start: '0 0 * * *', stop: '30 0 * * *', timeZone: 'Asia/Kathmandu', action: 'Stop' },
  { start: '*/4 * * * *', stop: '2-58/4 * * * *', timeZone: 'UTC' },
);
const expireAfter = fc.constantFrom(null, null, '0s', '7m', '1h', '5h');

const specChange = fc.oneof(
  often(8, fc.constant({})),
  often(2, fc.record({ schedule })),
  often(3, fc.record({ expireAfter })),
  often(3, fc.record({ powerState: fc.constantFrom('Running', 'Stopped', 'Released') })),
  often(3, fc.record({ vcpus: fc.constantFrom(2, 4, 6) })),
  often(3, fc.record({ deletionPolicy: fc.constantFrom('Delete', 'Delete', 'Retain') })),
);

/** Whom things happen to, and what else may happen there. */
interface Cast {
  readonly vm: fc.Arbitrary<string>;
  /** Of those the ones that users make themselves. Default: all. */
  readonly own?: fc.Arbitrary<string>;
  readonly specChange: fc.Arbitrary<object>;
  readonly more: readonly Weighted<Deed>[];
  readonly endpoints: readonly string[];
  /** Whether the provider has ready-made VMs that fit. Default: not. */
  readonly isOfReadyMade?: boolean;
}

/** Some that fit, some that do not, and some that are dearer than their list says. */
const readyMade: fc.Arbitrary<Ready | 'none'> = fc.oneof(
  often(1, fc.constant('none' as const)),
  often(
    4,
    fc.record({
      count: fc.constantFrom(1, 2, 3),
      vcpus: fc.constantFrom(2, 4, 8),
      gpuCount: fc.constantFrom(1, 1, 1, 2),
      operatingSystem: fc.constantFrom('Ubuntu 22.04 LTS', 'Ubuntu 22.04 LTS', 'Ubuntu 20.04 LTS'),
      ...{ listedPrice: fc.constantFrom(undefined, undefined, '0.05', '0.55', '9.00', '9.00') },
    }),
  ),
);

/** Who wants one, at once. */
const takers = fc.constantFrom('vm-a', 'vm-b', 'vm-c', 'vm-d', 'vm-e');

const gpuVms: Cast = {
  vm: fc.constantFrom('vm-a', 'vm-b', 'vm-c'),
  specChange: fc.oneof(
    often(3, specChange),
    often(1, fc.record({ instant: fc.constantFrom('Prefer', 'Prefer', 'Never') })),
  ),
  more: [
    often(
      8,
      fc.record({ do: doing('readyMade'), made: readyMade, vm: fc.option(takers, { nil: undefined, freq: 3 }) }),
    ),
  ],
  endpoints: ['client/deployinstant/single', 'client/deployinstant/single', 'client/deploy/instantvms'],
  isOfReadyMade: true,
};

/** A GpuVm among them wants the same GPUs. */
const spotVm = fc.constantFrom('spot-a', 'spot-a', 'spot-b', 'spot-b', 'vm-a');
const spotVms: Cast = {
  vm: spotVm,
  specChange: fc.oneof(specChange, spotSpecChange),
  more: spotDeeds(spotVm, often),
  endpoints: spotEndpoints,
};

/** Members of pools, and a GpuVm beside them that wants the same GPUs. */
const pools: Cast = {
  vm: memberName,
  own: fc.constant('vm-a'),
  specChange,
  more: [...poolDeeds(often), ...marketDeeds(often)],
  endpoints: spotEndpoints,
};

function usersDeed({ vm, own = vm, ...cast }: Cast): Weighted<Deed>[] {
  return [
    often(8, fc.record({ do: doing('apply'), vm, spec: cast.specChange })),
    often(1, fc.record({ do: doing('adopt'), vm: own })),
    often(4, fc.record({ do: doing('delete'), vm })),
    often(1, fc.record({ do: doing('pause'), vm, on })),
    often(1, fc.record({ do: doing('poke'), vm })),
    often(1, fc.record({ do: doing('forgetVm'), vm })),
    often(2, fc.record({ do: doing('emptyStatus'), vm, emptyLists: fc.constantFrom(0, 2, 10) })),
  ];
}

/**
 * The platform team says what the namespace may have, and exchanges the credentials: for those of the same organization, or by
 * mistake for others.
 */
const teamsDeed: Weighted<Deed>[] = [
  often(2, budgetDeed),
  often(1, fc.oneof(...balanceDeeds(often))),
  often(3, fc.record({ do: doing('secret'), holds: fc.constantFrom('own', 'rotated', 'mistyped', 'other') })),
];

/** From a hiccup over more than a lease lasts to longer than anything is waited for. */
const frozenMs = fc.constantFrom(3_000, 12_000, 25_000, 90_000, 1_200_000);

const processTrouble: Weighted<ProcessTrouble>[] = [
  often(6, fc.record({ do: doing('crash'), afterPoints: fc.nat({ max: 12 }) })),
  often(3, fc.record({ do: doing('freeze'), afterPoints: fc.nat({ max: 12 }), ms: frozenMs })),
  often(1, fc.record({ do: doing('stop'), replica, graceMs: fc.constantFrom(100, 25_000) })),
];

const kubeTrouble: Weighted<KubeTrouble>[] = [
  often(
    2,
    fc.record({
      do: doing('kubeTrouble'),
      lostRequests: fc.constantFrom(0, 0.2, 0.6),
      lostAnswers: fc.constantFrom(0, 0.2, 0.6),
      duplicates: fc.constantFrom(0, 0.3),
    }),
  ),
  often(1, fc.record({ do: doing('kubeDown'), on })),
  often(1, fc.record({ do: doing('cutOff'), replica, on })),
  often(3, fc.record({ do: doing('watches'), what: fc.constantFrom('hold', 'release', 'end', 'expire') })),
];

function providerTrouble(cast: Cast): Weighted<ProviderTrouble>[] {
  return [
    often(
      6,
      fc.record({
        do: doing('fault'),
        endpoint: fc.constantFrom<string>(...endpoints, ...cast.endpoints),
        kind: fc.constantFrom(...faultKinds),
        count: fc.integer({ min: 1, max: 4 }),
      }),
    ),
    often(
      2,
      fc.record({
        do: doing('fault'),
        endpoint: doing('client/list'),
        kind: fc.constantFrom('stale-list', 'empty-list'),
        // Long enough, now and then, for two lists that are a minute apart to lie alike.
        count: fc.constantFrom(1, 2, 6, 40),
      }),
    ),
    often(2, fc.record({ do: doing('late'), chance: fc.constantFrom(0, 0.3, 1) })),
    often(1, fc.record({ do: doing('repeated'), chance: fc.constantFrom(0, 0.3) })),
    often(2, fc.record({ do: doing('vanish'), nth })),
    often(
      1,
      fc.record({
        do: doing('status'),
        nth,
        status: fc.constantFrom('Running', 'Stopped', 'StoppedDisassociated', 'Migrating', 'Terminated'),
      }),
    ),
    often(1, fc.record({ do: doing('host'), nth, online: fc.boolean() })),
    often(1, fc.record({ do: doing('dearer'), nth })),
    often(1, fc.record({ do: doing('prices'), hidden: on })),
    often(1, fc.record({ do: doing('credentials'), good: fc.boolean() })),
  ];
}

function worstMoments({ vm, isOfReadyMade = false }: Cast): Weighted<WorstMoment>[] {
  return [
    often(2, fc.record({ do: doing('omit'), vm, all: on, inDoubt: fc.option(vm, { nil: undefined }), isSilent: on })),
    // Long enough for another process to find out what became of the call.
    often(
      3,
      fc.record({ do: doing('freezeDeployer'), vm, ms: fc.constantFrom(12_000, 25_000, 90_000), thenBlind: on }),
    ),
    often(
      6,
      fc.record({
        do: doing('doubt'),
        vm,
        lateMs: fc.integer({ min: 0, max: mostLateMs }),
        readyMade: isOfReadyMade ? on : fc.constant(false),
        stale: on,
        then: fc.constantFrom(['kill'], ['kill'], ['delete'], ['kill', 'delete'], []),
        // From the first moment on, also when the call has been given up already.
        afterMs: fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 3_000, max: 40_000 })),
      }),
    ),
    often(
      2,
      fc.record({ do: doing('dearerMeanwhile'), vm, vcpus: fc.option(fc.constantFrom(2, 4, 6), { nil: undefined }) }),
    ),
    often(2, fc.record({ do: doing('deleteInVain'), vm, count: fc.integer({ min: 1, max: 2 }) })),
  ];
}

function deedsOf(cast: Cast): fc.Arbitrary<Deed> {
  return fc.oneof<Weighted<Deed>[]>(
    ...usersDeed(cast),
    ...teamsDeed,
    ...processTrouble,
    ...kubeTrouble,
    ...providerTrouble(cast),
    ...worstMoments(cast),
    ...unmanagedDeeds(cast.vm, often),
    ...cast.more,
  );
}

const pause = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 3_000 }),
  fc.integer({ min: 3_000, max: 60_000 }),
  fc.integer({ min: 60_000, max: 400_000 }),
);

function then(what: fc.Arbitrary<Deed>): fc.Arbitrary<Action> {
  return fc.tuple(what, pause).map(([one, thenMs]) => ({ ...one, thenMs }));
}

/** Somebody wants a VM, and then anything happens: without a VM there is little to lose. */
function actionsOf(cast: Cast, first: fc.Arbitrary<Deed>): fc.Arbitrary<readonly Action[]> {
  return fc
    .tuple(then(first), fc.array(then(deedsOf(cast)), { minLength: 2, maxLength: 24 }))
    .map(([begin, more]) => [begin, ...more]);
}

function applying({ vm }: Cast, spec: fc.Arbitrary<object>): fc.Arbitrary<Deed> {
  return fc.record({ do: doing('apply'), vm, spec });
}

export const actions = actionsOf(gpuVms, applying(gpuVms, fc.constantFrom({}, { instant: 'Prefer' })));
/**
 * GpuVms of different importance in an organization that is never rich for long. Less else happens than in other worlds: what
 * is promised of a balance shows while the provider says what is left.
 */
const poorVm = fc.constantFrom('vm-a', 'vm-b', 'vm-c', 'vm-d', 'vm-e', 'vm-f');
const importantSpec = fc.record({ priority: fc.constantFrom(-5, 0, 5) });
const poorDeed = fc.oneof<Weighted<Deed>[]>(
  often(8, fc.record({ do: doing('apply'), vm: poorVm, spec: importantSpec })),
  often(2, fc.record({ do: doing('apply'), vm: poorVm, spec: specChange })),
  often(1, fc.record({ do: doing('pause'), vm: poorVm, on })),
  often(3, fc.record({ do: doing('delete'), vm: poorVm })),
  ...balanceDeeds(often),
  often(
    4,
    fc.record({
      do: doing('fault'),
      endpoint: fc.constantFrom('billing/balance', 'billing/balance', 'client/stop/single', 'client/start/single', '*'),
      kind: fc.constantFrom(...faultKinds),
      count: fc.constantFrom(1, 3, 8),
    }),
  ),
  often(2, fc.record({ do: doing('crash'), afterPoints: fc.nat({ max: 12 }) })),
  often(1, fc.oneof<Weighted<Deed>[]>(...processTrouble, ...kubeTrouble)),
);
export const poorActions = fc
  .tuple(
    then(fc.record({ do: doing('runway'), runways })),
    then(fc.record({ do: doing('apply'), vm: poorVm, spec: importantSpec })),
    then(fc.record({ do: doing('apply'), vm: poorVm, spec: importantSpec })),
    fc.array(then(poorDeed), { minLength: 2, maxLength: 24 }),
  )
  .map(([runway, one, other, more]) => [runway, one, other, ...more]);

const budgetEndpoints = [
  'client/deploy/single',
  'client/deploy/single',
  'client/start/single',
  'client/start/single',
  'client/stop/single',
  'client/stop/single',
  'client/modify/single',
  'client/delete/single',
  'client/list',
  '*',
] as const;
const thriftyVm = fc.constantFrom('vm-a', 'vm-b', 'vm-c', 'vm-d', 'vm-e', 'pool-a-0');
/**
 * GpuVms of different importance, and a pool, of a team that may not spend much, and seldom the same for long. Nothing makes a
 * VM dearer than it was when it was deployed: what a budget promises does not hold against that.
 */
const thriftyDeeds = fc.oneof<Weighted<Deed>[]>(
  often(9, fc.record({ do: doing('apply'), vm: poorVm, spec: importantSpec })),
  often(4, fc.record({ do: doing('apply'), vm: poorVm, spec: specChange })),
  often(3, fc.record({ do: doing('apply'), vm: poorVm, spec: fc.record({ gpus: fc.constantFrom(1, 2) }) })),
  often(1, fc.record({ do: doing('adopt'), vm: poorVm })),
  often(2, fc.record({ do: doing('pause'), vm: thriftyVm, on })),
  often(3, fc.record({ do: doing('delete'), vm: thriftyVm })),
  often(1, fc.record({ do: doing('emptyStatus'), vm: thriftyVm, emptyLists: fc.constantFrom(0, 2) })),
  often(9, thriftyDeed),
  ...onePoolsDeeds(often),
  often(
    6,
    fc.record({
      do: doing('fault'),
      endpoint: fc.constantFrom(...budgetEndpoints),
      kind: fc.constantFrom(...faultKinds),
      count: fc.constantFrom(1, 3, 8),
    }),
  ),
  often(
    1,
    fc.record({
      do: doing('fault'),
      endpoint: doing('client/list'),
      kind: fc.constantFrom('stale-list', 'empty-list'),
      count: fc.constantFrom(1, 6, 40),
    }),
  ),
  often(1, fc.record({ do: doing('vanish'), nth })),
  often(1, fc.record({ do: doing('late'), chance: fc.constantFrom(0, 0.3, 1) })),
  often(4, fc.oneof<Weighted<Deed>[]>(...processTrouble)),
  often(2, fc.oneof<Weighted<Deed>[]>(...kubeTrouble)),
);
export const thriftyActions = fc
  .tuple(
    then(thriftyDeed),
    then(fc.record({ do: doing('apply'), vm: poorVm, spec: importantSpec })),
    then(fc.record({ do: doing('apply'), vm: poorVm, spec: importantSpec })),
    fc.array(then(thriftyDeeds), { minLength: 2, maxLength: 24 }),
  )
  .map(([budget, one, other, more]) => [budget, one, other, ...more]);
export const spotActions = actionsOf(spotVms, applying(spotVms, spotSpecChange));
export const poolActions = actionsOf(
  pools,
  fc.record({ do: doing('pool'), pool: fc.constantFrom('pool-a', 'pool-b'), spec: poolSpecChange }),
);
