import { printable, shortened } from '../../lib/printable.ts';
import type { Redactor } from '../../lib/redact.ts';
import { ProviderError, type CallOutcome, type ProviderErrorKind } from '../error.ts';
import type { Endpoint } from './endpoint.ts';
import type { HttpAnswer } from './http.ts';

/**
 * The only file that reads HTTP statuses and the provider's error texts. Sources: API reference 1 (Failures), 14.5 and
 * Ambiguities A1 to A3, A42.
 */

export interface Answer {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  /** The body, if it is a JSON object. */
  readonly object: Readonly<Record<string, unknown>> | undefined;
  /** What the body says about itself; undefined: nothing. Some servers send it as a string. */
  readonly success: boolean | undefined;
  /** The provider's words: `error`, else `message`. */
  readonly text: string | undefined;
  /** What the body is when it is not a JSON object. HTML is named, never quoted. */
  readonly oddity: string | undefined;
}

const longestQuote = 300;
/** Looking for thousands of secrets (the lines of a script) in a longer text would take seconds, and nobody reads it. */
const longestText = 20_000;
const longestRetryAfterMs = 3_600_000;

/** Sorts an answer's parts without judging it. `now` is for a Retry-After that names a date. */
export function parseAnswer(answer: HttpAnswer, now: number): Answer {
  const { status } = answer;
  const retryAfterMs = parseRetryAfter(answer.retryAfter, now);
  const nothing = { status, retryAfterMs, object: undefined, success: undefined, text: undefined };
  const trimmed = answer.body.trim();
  if (trimmed === '') return { ...nothing, oddity: 'an empty body' };
  if (trimmed.startsWith('<')) return { ...nothing, oddity: 'an HTML page' };
  let body: unknown;
  try {
    body = JSON.parse(trimmed);
  } catch {
    return { ...nothing, oddity: 'a body that is not JSON' };
  }
  if (!isObject(body)) return { ...nothing, oddity: 'JSON that is not an object' };
  const text = textOf(body.error) ?? textOf(body.message);
  return { status, retryAfterMs, object: body, success: truthOf(body.success), text, oddity: undefined };
}

/**
 * A reply is a success only if the status is 2xx and the body is a JSON object and `success` is true or absent. An
 * `error` beside an absent `success` is taken for a failure as well.
 */
export function isSuccess(answer: Answer): boolean {
  if (!isOk(answer.status) || answer.object === undefined) return false;
  return answer.success ?? answer.text === undefined;
}

/** A second delete: the wish is fulfilled, though the provider refuses (API reference 14.5, A31). */
export function saysAlreadyTerminated(answer: Answer): boolean {
  return (
    answer.success !== true && answer.text !== undefined && /already (been )?(terminated|deleted)/i.test(answer.text)
  );
}

/**
 * The refusal of a bid: `{"success": false}` with 200 or 500 and, as far as known, without words (API reference 6.1).
 * With words that name another cause it is an ordinary failure, and so is a 500 with words that nobody knows: "internal
 * server error" says nothing about a bid.
 */
export function isBidRefusal(answer: Answer): boolean {
  if (answer.success !== false) return false;
  const kind = kindOfWords(answer.text);
  if (kind === undefined) return isOk(answer.status) || (answer.status === 500 && answer.text === undefined);
  return kind === 'bidTooLow' || kind === 'noCapacity';
}

/** Credentials are refused by `auth/test` in any 4xx and any `success: false`; a 5xx without one is no verdict (A1). */
export function failsCredentials(answer: Answer): boolean {
  if (answer.status === 429 || answer.status === 408) return false;
  if (answer.success === false || isClientError(answer.status)) return true;
  return isOk(answer.status) && !isSuccess(answer);
}

/** The failure that an answer means. Only for answers that are none of the above successes. */
export function failureOf(answer: Answer, endpoint: Endpoint, redactor: Redactor): ProviderError {
  return new ProviderError(sentenceOf(answer, endpoint, redactor), {
    kind: kindOf(answer),
    outcome: outcomeOf(answer, endpoint),
    endpoint: endpoint.path,
    httpStatus: answer.status,
    retryAfterMs: answer.retryAfterMs,
  });
}

/** A success whose content is not what the reference describes. What was asked for has been done, or may have been. */
export function malformed(answer: Answer, endpoint: Endpoint, detail: string): ProviderError {
  return new ProviderError(`${endpoint.path}: the answer is not what the API describes: ${detail}`, {
    kind: 'malformed',
    outcome: endpoint.effect === 'read' ? 'notDone' : 'uncertain',
    endpoint: endpoint.path,
    httpStatus: answer.status,
  });
}

/** Redacted first and cut afterwards: a secret cut in two would not be recognized. */
export function quote(text: string, redactor: Redactor): string {
  if (text.length > longestText) return `(${text.length} characters, which are left out)`;
  return shortened(printable(redactor.text(text).replace(/\s+/g, ' ').trim()), longestQuote + 1);
}

function outcomeOf(answer: Answer, endpoint: Endpoint): CallOutcome {
  if (endpoint.effect === 'read' || [401, 403, 429].includes(answer.status)) return 'notDone';
  return isRefusal(answer) ? 'notDone' : 'uncertain';
}

/** The provider says "no" in so many words. A 5xx never does: it may come from anything on the way, at any moment. */
function isRefusal(answer: Answer): boolean {
  // Somebody on the way gave up waiting, and cannot know.
  if (answer.status === 408) return false;
  if (isClientError(answer.status)) {
    return answer.success === false || (answer.success === undefined && answer.text !== undefined);
  }
  return isOk(answer.status) && answer.success === false;
}

function kindOf(answer: Answer): ProviderErrorKind {
  const { status } = answer;
  if (status === 429) return 'rateLimited';
  if (status === 401) return 'unauthorized';
  if (answer.object === undefined) return kindOfOddity(status);
  if (status === 403) return 'unauthorized';
  // What a gateway says: its "unavailable" is not the host's.
  if (status >= 502 && status <= 504) return 'unavailable';
  return kindOfWords(answer.text) ?? kindOfStatus(answer);
}

/** Of an answer without a JSON object. A 403 page is a proxy's, and says nothing about key and token. */
function kindOfOddity(status: number): ProviderErrorKind {
  return status >= 500 || status === 403 || status === 408 ? 'unavailable' : 'malformed';
}

function kindOfStatus(answer: Answer): ProviderErrorKind {
  const { status } = answer;
  if (status >= 500) return 'unavailable';
  if (status === 404) return saysNoSuchThing(answer) ? 'notFound' : 'refused';
  return status === 400 || status === 422 ? 'invalid' : 'refused';
}

/**
 * A 404 is also what a wrong base URL gets, and that must never pass for "there is no such VM": it has to come with
 * `success: false`, and with words that speak of a VM or host, if it has words at all.
 */
function saysNoSuchThing({ success, text }: Answer): boolean {
  if (success !== false) return false;
  return text === undefined || /^not found\.?$|\b(server|machine|vm|instance|hostnode)\b/i.test(text.trim());
}

/** In order: the first pattern that fits decides. Statuses come in lower case in texts, words in any. */
const words: readonly (readonly [RegExp, ProviderErrorKind])[] = [
  // Names the cause, which no waiting changes, though it ends like the texts about states.
  [/network storage/, 'invalid'],
  [/therefore it cannot be|must be stopped|is (already )?(running|stopped)\b/, 'wrongState'],
  [/already (been )?(terminated|deleted)/, 'notFound'],
  [
    /\bapi[ _-]?(key|token)\b|invalid (key|token|credentials)|unauthori[sz]ed|not authori[sz]ed|authenticat|permission denied/,
    'unauthorized',
  ],
  [/rate limit|too many requests/, 'rateLimited'],
  [/\bbalance\b|insufficient (funds|credit)|not enough (funds|money|credit)/, 'insufficientBalance'],
  // Before the words for stock: an operating system that is "not available" is no matter of room.
  [/operating[ _]system|\b(windows|ubuntu)\b/, 'invalid'],
  // Narrow on purpose: "internal server error: resource not found" must not pass for "there is no such VM".
  [
    /\b(server|machine|vm|instance|hostnode)( with \w+)?( ['"\w-]{8,40})? (was |is |could |can)?(not (be )?found|does(n't| not) exist)|(no such|unknown) (server|machine|vm|instance|hostnode)\b/,
    'notFound',
  ],
  [
    /not enough|insufficient|no (more )?capacity|out of stock|sold out|(no longer|not|un) ?available|already (taken|in use|used)/,
    'noCapacity',
  ],
  [/\b(price|bid)\b.{0,40}\b(too low|below|minimum)|\boutbid\b/, 'bidTooLow'],
];

function kindOfWords(text: string | undefined): ProviderErrorKind | undefined {
  if (text === undefined) return undefined;
  const lower = text.toLowerCase();
  return words.find(([pattern]) => pattern.test(lower))?.[1];
}

function sentenceOf(answer: Answer, endpoint: Endpoint, redactor: Redactor): string {
  const { status } = answer;
  if (answer.text !== undefined)
    return `${endpoint.path} was refused: "${quote(answer.text, redactor)}" (HTTP ${status})`;
  if (answer.success === false) return `${endpoint.path} was refused without a reason (HTTP ${status})`;
  if (status >= 300 && status < 400) {
    return `${endpoint.path} was answered with a redirect (HTTP ${status}), which is not followed: check the endpoint's URL`;
  }
  return `${endpoint.path} was answered with ${answer.oddity ?? 'JSON that says nothing of success'} (HTTP ${status})`;
}

/** Seconds or an HTTP date; at most an hour, so that a nonsensical header cannot stop the operator for good. */
function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\s*\d+(\.\d+)?\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, Math.ceil(ms)), longestRetryAfterMs);
}

function isOk(status: number): boolean {
  return status >= 200 && status < 300;
}

function isClientError(status: number): boolean {
  return status >= 400 && status < 500;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function truthOf(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') return undefined;
  const lower = value.toLowerCase();
  return lower === 'true' ? true : lower === 'false' ? false : undefined;
}

/** `error` may be a string or something else (A3): then its JSON is shown. Empty, false and null say nothing. */
function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null || value === false || value === '') return undefined;
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value);
  } catch {
    // It nests so deeply that it cannot be printed, though it could be parsed.
    return 'something that cannot be shown';
  }
}
