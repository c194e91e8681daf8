import { backoffMs, type BackoffPolicy, type Random } from '../../lib/backoff.ts';
import { questionsPerHost } from '../../plan/bid-search.ts';
import type { BiddingFact } from '../../plan/vm/observation.ts';
import { entered, noEntries } from './small-maps.ts';

/** Pauses from the last question of a round to the first one of the next. The first ones are short: markets move. */
function roundBackoff(retryMs: number): BackoffPolicy {
  return { baseMs: retryMs, maxMs: 20 * retryMs };
}

interface Asked {
  readonly now: number;
  /** The first pause, about. */
  readonly retryMs: number;
  readonly random: Random;
}

/**
 * How one resource's search for a bid is going. Questions cost calls, of which a provider allows one a second for everybody:
 * so they come in rounds of a few, with growing pauses. Losing this, in a crash, costs a round of questions.
 */
export class Bidding {
  #asked = 0;
  #askedOf: ReadonlyMap<string, number> = noEntries;
  #rounds = 0;
  #nextRoundAt = 0;
  #pauseMs = 0;
  #refusedAt: ReadonlyMap<string, number> = noEntries;
  /** What was seen of the market beside this on-demand VM. */
  #beside: { readonly vmId: string; readonly winnableSince?: number; readonly returningSince?: number } | undefined;

  /** @param vmId of the recorded VM: what was decided about another one is over */
  factFor(vmId: string | undefined): BiddingFact {
    const beside = this.#beside?.vmId === vmId ? this.#beside : undefined;
    return {
      asked: this.#asked,
      askedOf: this.#askedOf,
      nextRoundAt: this.#nextRoundAt,
      refusedAt: this.#refusedAt,
      winnableSince: beside?.winnableSince,
      returningSince: beside?.returningSince,
    };
  }

  /** A question leaves: the first one after a pause begins a round. Answers may take long, so each one puts the pause off. */
  noteQuestion(hostnode: string, { now, retryMs, random }: Asked): void {
    if (now >= this.#nextRoundAt) this.#beginRound(backoffMs(roundBackoff(retryMs), this.#rounds + 1, random));
    this.#nextRoundAt = now + this.#pauseMs;
    this.#asked += 1;
    this.#askedOf = entered(this.#askedOf, hostnode, (this.#askedOf.get(hostnode) ?? 0) + 1);
  }

  /** The host refused the most that may be bid there. */
  noteRefused(hostnode: string, now: number): void {
    this.#refusedAt = entered(this.#refusedAt, hostnode, now);
  }

  /** It does not answer: it is asked nothing more in this round, and last in the next. */
  noteUnanswered(hostnode: string, now: number): void {
    this.#askedOf = entered(this.#askedOf, hostnode, questionsPerHost);
    this.#refusedAt = entered(this.#refusedAt, hostnode, now);
  }

  /** The VM runs, so that the next search begins from the start. */
  noteRunning(): void {
    if (this.#rounds === 0) return;
    this.#asked = 0;
    this.#askedOf = noEntries;
    this.#rounds = 0;
    this.#nextRoundAt = 0;
    this.#refusedAt = noEntries;
  }

  /** Beside an on-demand VM the market was looked at; not again before `pauseMs` have passed. */
  noteMarket(
    { isWinnable, isReturning }: { readonly isWinnable: boolean; readonly isReturning: boolean },
    { vmId, now, pauseMs }: { readonly vmId: string; readonly now: number; readonly pauseMs: number },
  ): void {
    const before = this.factFor(vmId);
    // What has not led back to a spot VM is no reason to give the on-demand VM up again at once.
    const isInVain = before.returningSince !== undefined && !isReturning;
    const winnableSince = (isInVain ? undefined : before.winnableSince) ?? now;
    this.#beside = {
      vmId,
      ...(isWinnable ? { winnableSince } : {}),
      ...(isReturning ? { returningSince: now } : {}),
    };
    this.#nextRoundAt = isReturning ? now : now + pauseMs;
    this.#asked = 0;
    this.#askedOf = noEntries;
    this.#rounds = 0;
  }

  #beginRound(pauseMs: number): void {
    this.#rounds += 1;
    this.#asked = 0;
    this.#askedOf = noEntries;
    this.#pauseMs = pauseMs;
  }
}
