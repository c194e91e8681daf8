import { conditionOf } from '../../src/api/conditions.ts';
import { spotVmSpecSchema, type SpotVmSpec } from '../../src/api/spot-vm.ts';
import type { Launch, RetiringVm } from '../../src/api/vm-status.ts';
import type { VmStatus } from '../../src/api/vm.ts';
import { markOf } from '../../src/api/vm-name.ts';
import type { CustomObject } from '../../src/controllers/objects.ts';
import { spotTermsOf, type SpotTerms } from '../../src/plan/vm/spot-terms.ts';
import { downStatuses, isOnItsWayOut, nanosOf, type SpotFacts } from './spot-facts.ts';

/** What the status of a SpotVm says, held against its spec, the status before, and the provider. A sentence for each breach. */

interface Written {
  readonly uid: string;
  readonly spec: SpotVmSpec;
  readonly terms: SpotTerms;
  readonly status: VmStatus;
  readonly before: VmStatus;
}

export function problemsOfSpotStatus(object: CustomObject, before: VmStatus | undefined, facts: SpotFacts): string[] {
  const spec = spotVmSpecSchema.parse(object.spec);
  const terms = spotTermsOf(spec);
  if (typeof terms === 'string') return [];
  const { uid } = object.metadata;
  const written: Written = { uid, spec, terms, status: object.status as VmStatus, before: before ?? {} };
  const problems = [...intent(written, facts), ...market(written, facts), ...outbids(written, facts)];
  return facts.isExcused(uid) ? problems : [...problems, ...retention(written, facts), ...nowhere(written, facts)];
}

/** An intent is written under lock: it follows from this spec and no other. */
function intent({ uid, spec, terms, status, before }: Written, facts: SpotFacts): string[] {
  const { launch } = status;
  if (launch?.outcome !== 'Pending' || launch.name === before.launch?.name) return [];
  const replaced = status.retiring?.find(({ id }) => id === launch.replaces);
  const cap = spec.maxHourlyPrice;
  const times = timesSeen(uid, status, facts);
  const checks: readonly (readonly [boolean, string])[] = [
    [nanosOf(launch.bid ?? '0') > nanosOf(terms.maxPrice.toFixed()), `bids ${launch.bid ?? ''}, above maxPrice`],
    [
      nanosOf(launch.quotedHourlyPrice) > nanosOf(cap ?? '1000'),
      `is quoted ${launch.quotedHourlyPrice}, above the cap`,
    ],
    [(launch.bid === undefined) !== (launch.capacity === 'OnDemand'), 'does not say whether it is on demand'],
    [launch.bid === undefined && terms.onOutbid !== 'OnDemand', `goes on demand by ${terms.onOutbid}`],
    [status.vm !== undefined, 'is an intent beside a VM in status.vm'],
    [launch.replaces !== undefined && replaced === undefined, 'replaces a VM that is nowhere'],
    [replaced?.adopted === true, 'replaces a VM that was adopted'],
    [replaced !== undefined && !mayReplace(terms, launch, replaced), `replaces a VM by ${terms.onOutbid}`],
    [
      launch.bid !== undefined && isTooOften(terms, { times, bidsAt: Date.parse(launch.intentAt), now: facts.now() }),
      'bids although it was outbid too often',
    ],
  ];
  return checks.flatMap(([isWrong, what]) => (isWrong ? [`launch ${String(launch.attempt)} ${what}`] : []));
}

function mayReplace({ onOutbid, returnAfterMs }: SpotTerms, launch: Launch, replaced: RetiringVm): boolean {
  return replaced.capacity === 'OnDemand'
    ? returnAfterMs !== undefined && launch.capacity === 'Spot'
    : onOutbid !== 'Wait';
}

interface TimeSeen {
  /** As it was written down. */
  readonly at: number;
  /** In the world's time, when that was written. */
  readonly writtenAt: number;
}

function timesSeen(uid: string, { spot }: VmStatus, facts: SpotFacts): readonly TimeSeen[] {
  return (spot?.outbidTimes ?? []).map((time) => ({ at: Date.parse(time), writtenAt: facts.firstSaidAt(uid, time) }));
}

/** By the clock of whoever bids, or, where another one wrote it down, by the world's. */
function isTooOften(
  { outbidLimit: { count, windowMs } }: SpotTerms,
  seen: { readonly times: readonly TimeSeen[]; readonly bidsAt: number; readonly now: number },
): boolean {
  const { times, bidsAt, now } = seen;
  const recent = times.filter(({ at, writtenAt }) => at > bidsAt - windowMs && writtenAt > now - windowMs);
  return recent.length >= count;
}

/** What is said of the market, that the provider never said. */
function market({ status }: Written, facts: SpotFacts): string[] {
  const { vm, retiring = [], spot, conditions } = status;
  const seen = vm === undefined ? new Set<string>() : facts.statusesOf(vm.id);
  const live = facts.liveVms().find(({ id }) => id === vm?.id);
  const isOnDemand = live !== undefined && live.bid === undefined;
  const ready = conditionOf(conditions, 'Ready');
  const lost = [...(vm === undefined ? [] : [vm]), ...retiring].flatMap(({ id }) => [...facts.statusesOf(id)]);
  // Where it is stopped, a start may have been refused for its bid.
  const isLost = lost.some((one) => downStatuses.has(one));
  const checks: readonly (readonly [boolean, string])[] = [
    [spot?.market === 'Winning' && (!seen.has('Running') || isOnDemand), 'Winning, but its VM never ran by a bid'],
    [spot?.market === 'Outbid' && !seen.has('Outbid'), 'the market says Outbid, but its VM never was'],
    [spot?.market === 'OnDemand' && live?.bid !== undefined, 'OnDemand, but its VM is held by a bid'],
    [spot?.market === 'Searching' && vm !== undefined, 'Searching beside a VM'],
    [ready?.reason === 'Outbid' && !isLost, 'Ready says Outbid, but no VM of it ever lost its place'],
    [ready?.status === 'True' && spot?.market === 'Outbid', 'Ready and Outbid at once'],
  ];
  return checks.flatMap(([isWrong, what]) => (isWrong ? [what] : []));
}

function outbids({ status, before, uid }: Written, facts: SpotFacts): string[] {
  const { vm, retiring = [], spot } = status;
  const never = [...(vm === undefined ? [] : [vm]), ...retiring]
    .filter(({ id, outbidSince }) => outbidSince !== undefined && !facts.statusesOf(id).has('Outbid'))
    .map(({ id }) => `${id} is said to be outbid, and never was`);
  const [was, is] = [before.spot?.outbidCount ?? 0, spot?.outbidCount ?? 0];
  if (is >= was || facts.isExcused(uid) || !facts.isOneActing) return never;
  return [...never, `the count of times outbid fell from ${String(was)} to ${String(is)}`];
}

/** A disk is kept for as long as the spec says from the moment at which its replacement was seen running, and that stays. */
function retention({ status, before, terms }: Written, facts: SpotFacts): string[] {
  const { aheadMs, behindMs } = facts.writersClocks();
  // What was seen is kept in mind for as long as the API server takes no write.
  const ranAt = facts.firstRanAt(status.vm?.id ?? '') ?? facts.now();
  const earliest = Math.min(ranAt, facts.now() - onTheWayMs) - behindMs;
  return (status.retiring ?? []).flatMap(({ id, replacedAt, keepUntil }) => {
    const old = before.retiring?.find((one) => one.id === id)?.replacedAt;
    const at = Date.parse(replacedAt ?? '');
    const isSince = at >= earliest && at <= facts.now() + aheadMs;
    const checks: readonly (readonly [boolean, string])[] = [
      [old !== undefined && old !== replacedAt && facts.isOneActing, `was replaced at ${old ?? ''}, and is no more`],
      // One of two that act may have forgotten meanwhile what the other one says again.
      [
        old === undefined && replacedAt !== undefined && !isSince && facts.isOneActing,
        `was not replaced at ${replacedAt ?? ''}`,
      ],
      [(replacedAt === undefined) !== (keepUntil === undefined), 'has one time and not the other'],
      [
        keepUntil !== undefined && Date.parse(keepUntil) !== at + terms.retentionMs,
        `is kept until ${keepUntil ?? ''}, not for as long as asked`,
      ],
    ];
    return checks.flatMap(([isWrong, what]) => (isWrong ? [`${id} ${what}`] : []));
  });
}

/** Between the decision and the write of it calls may be made, each as long as a call may take. */
const onTheWayMs = 60_000;

/** Of launches that left no VM. */
const without: ReadonlySet<string> = new Set<Launch['outcome']>(['Refused', 'Absent', 'Lost']);

/** Every VM that lives is in `vm`, in `retiring`, or that of a launch which may have made it. */
function nowhere({ uid, status: { vm, retiring = [], launch } }: Written, facts: SpotFacts): string[] {
  const ids = new Set([vm?.id, ...retiring.map(({ id }) => id)]);
  const doubt = launch === undefined || without.has(launch.outcome) ? undefined : launch.name;
  return facts
    .liveVms()
    .filter(({ id, name }) => markOf(name)?.uid === uid && !ids.has(id) && name !== doubt)
    .filter((live) => live.status !== 'Terminated' && !isOnItsWayOut(live))
    .map(({ id, name }) => `VM ${id} (${name}) lives and is nowhere in the status`);
}
