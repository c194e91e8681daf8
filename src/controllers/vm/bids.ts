import type { Step } from '../../plan/vm/verdict.ts';
import { money } from '../../lib/money.ts';
import { ProviderError } from '../../provider/error.ts';
import type { Ticket } from '../../provider/gate-contract.ts';
import type { BidQuestion } from '../../plan/vm/verdict.ts';
import type { VmObservation } from '../../plan/vm/observation.ts';
import type { AccountRuntime } from '../accounts.ts';
import type { ActDeps, ActResult, Pass } from './pass.ts';

interface Asking {
  readonly observation: VmObservation;
  readonly question: BidQuestion;
  readonly ticket: Ticket;
  readonly runtime: AccountRuntime;
}

/** Asks whether a bid would win. The answer is for everybody who wants the same size on that host. */
export async function askBid(deps: ActDeps, pass: Pass, asking: Asking): Promise<ActResult> {
  const { observation, question, ticket, runtime } = asking;
  const { hostnode, size, bid, vmId, most } = question;
  const { signal } = pass;
  const { bids } = runtime.fleet;
  const { retryMs } = observation.timings;
  // Somebody else began to ask in this moment: to be waited for.
  if (!bids.begin(hostnode, size)) return 'looked';
  pass.memory.bidding.noteQuestion(hostnode, { now: deps.clock.now(), retryMs, random: deps.random });
  try {
    const wins = await ticket.run(() =>
      vmId === undefined
        ? runtime.provider.validateBid({ hostnode, size, bid }, { signal })
        : runtime.provider.validateBidOf(vmId, bid, { signal }),
    );
    bids.note(hostnode, size, bid, wins);
    if (!wins && vmId === undefined && bid.gte(most)) pass.memory.bidding.noteRefused(hostnode, deps.clock.now());
  } catch (error) {
    bids.failed(hostnode, size);
    if (vmId === undefined) pass.memory.bidding.noteUnanswered(hostnode, deps.clock.now());
    if (!(error instanceof ProviderError)) throw error;
    deps.log.warn({ key: pass.key, hostnode, kind: error.kind, error: error.message }, 'asking about a bid failed');
  }
  return 'looked';
}

/** A start that was carried out, or refused for its bid, is an answer too. */
export function noteStartOfBid({ journal: { vm } }: Pass, { fleet }: AccountRuntime, wins: boolean): void {
  if (vm?.bid === undefined || vm.hostnode === undefined) return;
  fleet.bids.note(vm.hostnode, vm.applied, money(vm.bid), wins);
}

/** That the list shows a VM as outbid is one as well, unless somebody has asked since. */
export function noteOutbid({ journal: { vm }, runtime }: Pass): void {
  if (runtime === undefined || vm?.bid === undefined || vm.hostnode === undefined) return;
  const { bids, snapshot } = runtime.fleet;
  const { askedAt = 0 } = bids.known(vm.hostnode, vm.applied);
  if (askedAt <= (snapshot?.requestedAt ?? 0)) bids.note(vm.hostnode, vm.applied, money(vm.bid), false);
}

export function noteMarket(
  deps: ActDeps,
  { memory }: Pass,
  { spot, timings, journal }: VmObservation,
  seen: Extract<Step, { kind: 'noteMarket' }>,
): ActResult {
  // Every look costs calls.
  const pauseMs = Math.max(2 * timings.retryMs, (spot?.returnAfterMs ?? 0) / 3);
  memory.bidding.noteMarket(seen, { vmId: journal.vm?.id ?? '', now: deps.clock.now(), pauseMs });
  return 'looked';
}
