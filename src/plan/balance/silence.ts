import { whyNoAnswer, type BalanceFacts, type BalanceTimings, type BalanceView } from './view.ts';

export interface Silence {
  /** Since when this process has been without an answer. */
  readonly since: number;
  readonly now: number;
  readonly timings: BalanceTimings;
  /** What keeps the account from being used. */
  readonly problem: string | undefined;
  /** Undefined: nothing runs for the account. */
  readonly facts: BalanceFacts | undefined;
}

/** A process that has just begun has no news. One that goes on without an answer does not know, whatever was said before it. */
export function silentView(view: BalanceView, { since, now, timings, problem, facts }: Silence): BalanceView {
  switch (view.kind) {
    case 'known':
      return view;
    case 'lost':
      return { ...view, message: problem ?? view.message };
    case 'unread': {
      if (now - since <= 2 * timings.idleMs) return view;
      const why = facts === undefined ? 'nothing was asked' : whyNoAnswer(facts);
      return { kind: 'lost', since, message: problem ?? why };
    }
  }
}
