/**
 * Every way in which a call to the provider fails, named once at the border. Nobody else reads HTTP statuses or error
 * texts: what a failure means for money is decided from these two words.
 */
export type ProviderErrorKind =
  /** The provider says that there is no such VM or host. */
  | 'notFound'
  /** No room on the host, or the stock or a port there is taken. */
  | 'noCapacity'
  /** The bid of a spot VM does not win now: a higher one may, or the same one later. Only of deploy and start. */
  | 'bidTooLow'
  /** The VM is in a state that does not allow the call: running when asked to start, and the like. */
  | 'wrongState'
  /** Too many requests. `retryAfterMs` says how long to wait where the provider said so. */
  | 'rateLimited'
  /** Key or token refused. */
  | 'unauthorized'
  /** The balance does not allow it. */
  | 'insufficientBalance'
  /** The request itself is wrong; repeating it unchanged cannot help. */
  | 'invalid'
  /** No answer, a broken one, or a 5xx: the provider's trouble, may pass. */
  | 'unavailable'
  /** An answer that is not what the reference describes. */
  | 'malformed'
  /** A refusal in words we do not know. */
  | 'refused';

/**
 * Whether the call may have had an effect.
 * - `notDone`: certainly not: it never left, or the provider refused it in so many words.
 * - `uncertain`: it may have been carried out, or may yet be.
 */
export type CallOutcome = 'notDone' | 'uncertain';

export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  readonly kind: ProviderErrorKind;
  readonly outcome: CallOutcome;
  /** Path below the base URL: "client/deploy/single". */
  readonly endpoint: string;
  readonly httpStatus: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    facts: {
      readonly kind: ProviderErrorKind;
      readonly outcome: CallOutcome;
      readonly endpoint: string;
      readonly httpStatus?: number | undefined;
      readonly retryAfterMs?: number | undefined;
    },
  ) {
    super(message);
    this.kind = facts.kind;
    this.outcome = facts.outcome;
    this.endpoint = facts.endpoint;
    this.httpStatus = facts.httpStatus;
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/** True for a ProviderError of one of the given kinds. */
export function isProviderError(error: unknown, ...kinds: ProviderErrorKind[]): error is ProviderError {
  return error instanceof ProviderError && (kinds.length === 0 || kinds.includes(error.kind));
}
