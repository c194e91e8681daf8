import { conditionOf, type Condition, type ConditionDraft } from '../../api/conditions.ts';
import type { GpuAccountStatus } from '../../api/gpu-account.ts';
import type { Reason } from '../../api/reasons.ts';
import { toTimestamp } from '../../lib/clock.ts';
import { compact } from '../../lib/compact.ts';
import { formatDuration } from '../../lib/duration.ts';
import { formatMoney, parseMoney, roundedDown, roundedUp, type Money } from '../../lib/money.ts';
import type { Threshold, Thresholds } from './runway.ts';
import { warningBelow, type BalanceView } from './view.ts';

/** What an account says of its money. Numbers that change with every moment are not in sentences: each would be a write. */

export interface BalanceObservation {
  readonly view: BalanceView;
  readonly thresholds: Thresholds;
  /** Resources whose VMs are kept released for want of balance. */
  readonly stopped: NonNullable<GpuAccountStatus['stopped']>;
  /** No VM is released or started: there is no list that this could be decided by. */
  readonly isHeld: boolean;
}

type Shown = Pick<GpuAccountStatus, 'balance' | 'balanceReadAt' | 'burnRate' | 'runway'>;

/** The last that was known stands while nothing is; and what has hardly changed is not written anew. */
export function shownBalance({ view }: BalanceObservation, before: GpuAccountStatus): Shown {
  const { balance, balanceReadAt, burnRate, runway } = before;
  const said = compact({ balance, balanceReadAt, burnRate, runway });
  if (view.kind !== 'known') return said;
  if (isNear(view.reading.amount, balance, '0.01') && isNear(view.burnRate, burnRate, '0.0001')) return said;
  const next = shown(view);
  // The time of an answer is no news by itself, as where the cents that are left are none and stay none.
  const isNews = next.balance !== balance || next.burnRate !== burnRate || next.runway !== runway;
  return isNews ? next : said;
}

function shown({ reading, burnRate, runwayMs }: Extract<BalanceView, { kind: 'known' }>): Shown {
  return compact({
    balance: formatMoney(roundedDown(reading.amount, 2)),
    balanceReadAt: toTimestamp(reading.requestedAt),
    burnRate: formatMoney(roundedUp(burnRate, 4)),
    runway: Number.isFinite(runwayMs) ? roughly(runwayMs) : undefined,
  });
}

/** Within a hundredth of what is said, or within what is never told apart. */
function isNear(amount: Money, said: string | undefined, least: string): boolean {
  const [sign, digits = ''] = said?.startsWith('-') === true ? [-1, said.slice(1)] : [1, said];
  const before = parseMoney(digits)?.times(sign);
  if (before === undefined || amount.eq(0) !== before.eq(0)) return false;
  const difference = amount.minus(before).abs();
  return difference.lt(before.abs().div(100)) || difference.lt(least);
}

const dayMs = 24 * 3_600_000;

function roughly(ms: number): string {
  const unitMs = ms >= 2 * dayMs ? 3_600_000 : 60_000;
  return formatDuration(Math.floor(ms / unitMs) * unitMs);
}

const goesOn = 'Recharge it at the provider: everything goes on by itself then.';

export function balanceDraft(observation: BalanceObservation, before: readonly Condition[]): ConditionDraft {
  const { view, thresholds } = observation;
  switch (view.kind) {
    case 'known':
      return knownDraft(observation, view.runwayMs);
    case 'unread':
      return keptDraft(before);
    case 'lost':
      return draft('Unknown', 'BalanceUnknown', `${lostSince(view)} ${whatFollows(thresholds)}`);
  }
}

function lostSince({ since, message }: Extract<BalanceView, { kind: 'lost' }>): string {
  return `The balance could not be read since ${toTimestamp(since)}, tried again by itself: ${message.replace(/\.$/, '')}.`;
}

function whatFollows({ min }: Thresholds): string {
  return min === undefined
    ? 'Nothing is held back for that.'
    : 'Nothing is released for that, and nothing is deployed, started or made bigger before it is known (limits.minRunway).';
}

/** A process that has just begun, or a key that is new: nothing is known that would be news. */
function keptDraft(before: readonly Condition[]): ConditionDraft {
  const old = conditionOf(before, 'BalanceHealthy');
  if (old === undefined) return draft('Unknown', 'BalanceUnknown', 'The balance has not been read yet.');
  return draft(old.status, old.reason as Reason, old.message);
}

const heldSentence =
  'Nobody else is released, and nobody is started, before there is a list of VMs again that is new, can be trusted, and lacks none whose deletion is under way: see the conditions Ready and ListDistrusted.';

function knownDraft({ thresholds, stopped, isHeld }: BalanceObservation, runwayMs: number): ConditionDraft {
  const { min, release } = thresholds;
  const isStopping = stopped.length > 0;
  if (release !== undefined && (runwayMs < release.ms || isStopping)) {
    const { why, deed } = runwayMs < release.ms ? releasing(release) : keeping(min ?? release);
    const message = isHeld ? `${why}. ${heldSentence} Recharge it at the provider.` : `${why}: ${deed}. ${goesOn}`;
    return draft('False', 'BalanceCritical', message);
  }
  if (min !== undefined && runwayMs < min.ms) {
    const message = `The balance lasts for less than ${min.text} (limits.minRunway): no VM is deployed, none is started that was released, and none is made bigger. ${goesOn}`;
    return draft('False', 'BalanceLow', message);
  }
  const warning = warningBelow(thresholds);
  if (runwayMs < warning.ms) return draft('False', 'BalanceShort', shortSentence(warning.text, thresholds));
  return draft('True', 'BalanceSufficient', `The balance lasts for more than ${warning.text}.`);
}

interface Critical {
  readonly why: string;
  readonly deed: string;
}

function releasing({ text }: Threshold): Critical {
  return {
    why: `The balance is too low for all VMs to run for ${text} (limits.releaseBelowRunway)`,
    deed: 'those with the lowest spec.priority are released, see status.stopped',
  };
}

/** It lasts for long enough without those that were released: what keeps them so is the longer of the two times. */
function keeping({ text }: Threshold): Critical {
  return {
    why: `The balance is too low for all VMs to run for ${text} (limits.minRunway)`,
    deed: 'those that were released, see status.stopped, stay so until it lasts for so long with them',
  };
}

function shortSentence(warning: string, { min }: Thresholds): string {
  const next =
    min === undefined
      ? 'At its end the provider deletes all VMs; limits.minRunway would hold back new ones before.'
      : `Once it does for less than ${min.text}, no further VM is deployed.`;
  return `The balance lasts for less than ${warning}. ${next} Recharge it at the provider.`;
}

function draft(status: ConditionDraft['status'], reason: Reason, message: string): ConditionDraft {
  return { type: 'BalanceHealthy', status, reason, message };
}
