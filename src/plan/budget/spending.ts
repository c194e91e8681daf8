import type { Reason } from '../../api/reasons.ts';
import { nothing, type Charge } from './charge.ts';
import type { LimitAhead } from './limits.ts';

/** What a decision about one resource has to know of everybody's money. */
export interface SpendView {
  /** All that it is held to. */
  readonly limits: readonly LimitAhead[];
  /** No VM may be deployed for it at all, and with `always` none may be started either. */
  readonly ban: { readonly reason: Reason; readonly message: string; readonly always: boolean } | undefined;
  /** Whether it may leave a VM behind when it goes. */
  readonly mayRetain: boolean;
  /** What it is committed to now, with what is reserved for it. */
  readonly own: Charge;
  /** The same without that: what it keeps when it gets another VM. */
  readonly ownKept: Charge;
  /** What it would be committed to with its VM running. */
  readonly ownStarted: Charge;
}

/** Room that is wanted, and lacks nothing but that. */
export interface Need {
  readonly kind: 'launch' | 'start' | 'resize';
  /** All that the resource will then be committed to. */
  readonly after: Charge;
  /** By how much that is more than now. */
  readonly more: Charge;
}

/** Nobody limits anything. */
export const unlimited: SpendView = {
  limits: [],
  ban: undefined,
  mayRetain: true,
  own: nothing,
  ownKept: nothing,
  ownStarted: nothing,
};
