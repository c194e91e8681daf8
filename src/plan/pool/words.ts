import type { PoolBreaker } from '../../api/gpu-pool.ts';
import { toTimestamp } from '../../lib/clock.ts';
import { activeOf, isAvailable } from './members.ts';
import type { PoolMember, PoolObservation } from './observation.ts';
import type { Findings } from './plan.ts';
import { stopReasonOf, type Repair } from './repair.ts';
import type { Counts } from './status.ts';

/** What a pool waits for, in a sentence: the first thing that somebody has to see to, or that is going on. */

type Sentence = (observation: PoolObservation, findings: Findings, counts: Counts) => string | undefined;

const isPaused: Sentence = ({ meta }) =>
  meta.isPaused ? 'Paused by annotation: no member is made, changed or deleted.' : undefined;

const somethingIsMissing: Sentence = ({ blocked }) => blocked?.message;

const breakerIsOpen: Sentence = ({ now }, { repair }) => {
  const { breaker, broken } = repair;
  if (breaker === undefined || stopReasonOf(repair) !== 'BreakerOpen') return undefined;
  const stopped = `${countOf(breaker.failures, 'replacement')} in a row did not become Ready, so repairs have stopped${broken.length === 0 ? '' : ` (${countOf(broken.length, 'broken member')} left as ${broken.length === 1 ? 'it is' : 'they are'}, and billed)`}.`;
  return `${stopped} ${nextProbe(breaker, repair, now)} Correct the template, or annotate the pool with a new gpuvm.dev/reconcile-requested-at to begin anew.`;
};

function nextProbe({ nextProbeAt, probes = 0 }: PoolBreaker, { state, pending }: Repair, now: number): string {
  if (state === 'exhausted')
    return `${countOf(probes, 'single try', 'single tries')} since then failed as well; there are no more.`;
  if (nextProbeAt === undefined)
    return `A last single one is being tried${pending.length === 0 ? '.' : `: ${reasonsOf(pending)}`}`;
  const at = Date.parse(nextProbeAt);
  if (at > now) return `A single one is tried again at ${toTimestamp(at)}.`;
  return pending.length === 0
    ? 'A single one is tried again as soon as a member is broken.'
    : `The last replacement is still awaited; ${reasonsOf(pending)} A single one is tried again should it fail.`;
}

const tooManyAreUnhealthy: Sentence = ({ spec, now }, { repair }, { active }) => {
  const { breaker, unhealthy, pending, counted } = repair;
  const without = active - counted.length;
  if (breaker === undefined || stopReasonOf(repair) !== 'TooManyUnhealthy') return undefined;
  const count = `${unhealthy.length + pending.length} of ${counted.length} members are unhealthy${pending.length === 0 ? '' : ' or still being tried'}${without === 0 ? '' : `, besides ${without} without a VM`}`;
  const stopped = `${count}, more than repair.maxUnhealthyPercent (${spec.repair.maxUnhealthyPercent}) allows: that is no matter of single VMs, so they are left as they are, and billed.`;
  return `${stopped} ${nextProbe(breaker, repair, now)} See what they have in common, and correct it; delete members to have them replaced at once, or annotate the pool with a new gpuvm.dev/reconcile-requested-at to begin anew; ${reasonsOf(unhealthy)}`;
};

const membersWait: Sentence = (observation, _, counts) => {
  const down = activeOf(observation).filter((member) => !isAvailable(member, observation));
  if (down.length === 0) return undefined;
  return `${counts.available} of ${counts.wanted} members are available; ${reasonsOf(down)}`;
};

const membersAreMissing: Sentence = (_, __, { active, wanted }) =>
  active < wanted ? `${active} of ${wanted} members have been made.` : undefined;

const olderMembersWait: Sentence = (observation, _, { outdated }) => {
  if (outdated === 0) return undefined;
  const { spec } = observation;
  const edited = activeOf(observation).find((member) => isAvailable(member, observation) && !member.isObserved);
  const why = edited === undefined ? '' : ` ${edited.name} is not counted on before its last edit has been looked at.`;
  return spec.updateStrategy.type === 'OnDelete'
    ? `${countOf(outdated, 'member')} of an older template: delete them to have them replaced (updateStrategy OnDelete).`
    : `${countOf(outdated, 'member')} of an older template to be replaced.${why}`;
};

const membersGo: Sentence = (_, __, { deleting }) =>
  deleting === 0 ? undefined : `${countOf(deleting, 'member')} being deleted; their VMs may still be billed.`;

const sentences: readonly Sentence[] = [
  isPaused,
  somethingIsMissing,
  breakerIsOpen,
  tooManyAreUnhealthy,
  membersWait,
  membersAreMissing,
  olderMembersWait,
  membersGo,
];

/** Undefined when nothing is waited for. */
export function messageOf(observation: PoolObservation, findings: Findings, counts: Counts): string | undefined {
  for (const sentence of sentences) {
    const said = sentence(observation, findings, counts);
    if (said !== undefined) return said;
  }
  return undefined;
}

const mostReasons = 3;

/** "NoOffer 3, Building 1. inference-4: No host fits. ..." The words of one stand for all that have its reason. */
export function reasonsOf(members: readonly PoolMember[]): string {
  const counts = new Map<string, number>();
  for (const { ready } of members) counts.set(ready.reason, (counts.get(ready.reason) ?? 0) + 1);
  const ranked = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, mostReasons);
  const first = members.filter(({ ready }) => ready.reason === ranked[0]?.[0]).sort(byName)[0];
  const tally = ranked.map(([reason, count]) => `${count} ${reason}`).join(', ');
  return first === undefined ? `${tally}.` : `${tally}. ${first.name}: ${first.ready.message}`;
}

function byName(a: PoolMember, b: PoolMember): number {
  return a.name.length - b.name.length || (a.name < b.name ? -1 : 1);
}

function countOf(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
