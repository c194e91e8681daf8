import { hash } from 'node:crypto';
import type { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { Redactor } from '../../lib/redact.ts';
import type { CallOptions } from '../contract.ts';
import { ProviderError } from '../error.ts';
import { failureOf, isSuccess, malformed, parseAnswer, quote, type Answer } from './classify.ts';
import { encodeForm, EncodingError, type FormFields } from './encode.ts';
import { longestPlainAnswer, type Endpoint } from './endpoint.ts';
import { TransportError, type HttpAnswer, type HttpRequest, type HttpTransport } from './http.ts';

export interface Credentials {
  readonly apiKey: string;
  readonly apiToken: string;
}

export interface CallerOptions {
  readonly transport: HttpTransport;
  readonly clock: Clock;
  /** Asked before each call, so that a rotated Secret takes effect at once. */
  readonly credentials: () => Credentials;
  /** Learns the credentials and cleans every text of the provider that is quoted. */
  readonly redactor: Redactor;
}

/**
 * What was read out of the last successful answer to a call: where the same comes again, nothing is parsed. Between two lists of
 * 10,000 VMs mostly nothing has changed, and they are ten megabytes.
 */
export class AnswerMemory<T> {
  #last: { readonly digest: string; readonly value: T } | undefined;

  /** What was read out of an answer with this digest, if that was the last one. */
  recall(digest: string): T | undefined {
    return this.#last?.digest === digest ? this.#last.value : undefined;
  }

  keep(digest: string, value: T): void {
    this.#last = { digest, value };
  }
}

export interface Call<T> {
  readonly endpoint: Endpoint;
  /** For the placeholder of the endpoint's path, if it has one. */
  readonly pathValue?: string;
  /** Built here rather than before, so that an EncodingError becomes a ProviderError like everything else. */
  readonly fields?: () => FormFields;
  readonly answer: z.ZodType<T>;
  /** Secrets of this one call (passwords, lines of a script): never quoted back from an answer. */
  readonly secrets?: readonly (string | undefined)[];
  /** Of a call that always asks the same. */
  readonly memory?: AnswerMemory<T> | undefined;
  /** Looks at an answer that is no success; a value makes it one after all. */
  readonly orElse?: (answer: Answer) => T | undefined;
  readonly options?: CallOptions | undefined;
}

/** Makes one call: exactly one HTTP request, never repeated here. Rejects with a ProviderError, and with nothing else. */
export type Caller = <T>(call: Call<T>) => Promise<T>;

/** The way of every call: encode, send, judge, parse. */
export function createCaller(given: CallerOptions): Caller {
  return async (call) => {
    const credentials = given.credentials();
    given.redactor.add(credentials.apiKey);
    given.redactor.add(credentials.apiToken);
    const redactor = redactorFor(call, given.redactor);
    const request = buildRequest(call, credentials);
    const http = await given.transport.send(request).catch((error: unknown) => {
      throw transportFailure(error, call.endpoint);
    });
    const digest = call.memory === undefined ? '' : digestOf(http);
    const known = call.memory?.recall(digest);
    if (known !== undefined) return known;
    const answer = parseAnswer(http, given.clock.now());
    if (!isSuccess(answer)) {
      const otherwise = call.orElse?.(answer);
      if (otherwise !== undefined) return otherwise;
      throw failureOf(answer, call.endpoint, redactor);
    }
    const parsed = call.answer.safeParse(answer.object);
    if (!parsed.success) throw malformed(answer, call.endpoint, quote(describeIssues(parsed.error), redactor));
    call.memory?.keep(digest, parsed.data);
    return parsed.data;
  };
}

function digestOf(answer: HttpAnswer): string {
  return `${String(answer.status)} ${hash('sha256', answer.bytes ?? answer.body, 'base64')}`;
}

function buildRequest(call: Call<unknown>, credentials: Credentials): HttpRequest {
  const { endpoint } = call;
  const pair = { api_key: credentials.apiKey, api_token: credentials.apiToken };
  try {
    const fields = call.fields?.() ?? {};
    const isPost = endpoint.method === 'POST';
    const all = endpoint.credentials === 'none' ? fields : { ...pair, ...fields };
    return {
      method: endpoint.method,
      path: fillPath(endpoint.path, call.pathValue),
      query: isPost ? undefined : encodeForm(all),
      body: isPost ? encodeForm(all) : undefined,
      ownConnection: endpoint.effect === 'create',
      maxAnswerBytes: endpoint.isListing === true ? undefined : longestPlainAnswer,
      signal: call.options?.signal,
    };
  } catch (error) {
    const detail = error instanceof EncodingError ? error.message : 'it cannot be encoded';
    throw new ProviderError(`${endpoint.path} was not sent: ${detail}`, {
      kind: 'invalid',
      outcome: 'notDone',
      endpoint: endpoint.path,
    });
  }
}

function fillPath(path: string, value: string | undefined): string {
  if (value === undefined) return path;
  // "..", slashes and the like would lead the call to another endpoint.
  if (!/^[\w-]+$/.test(value)) throw new EncodingError('the id in the path is not an id');
  return path.replace(/<\w+>/, value);
}

function transportFailure(error: unknown, endpoint: Endpoint): ProviderError {
  const known = error instanceof TransportError;
  const uncertain = endpoint.effect !== 'read' && !(known && !error.sent);
  return new ProviderError(`${endpoint.path}: ${known ? error.message : 'the call failed in an unknown way'}`, {
    kind: 'unavailable',
    outcome: uncertain ? 'uncertain' : 'notDone',
    endpoint: endpoint.path,
  });
}

/** The general redactor, and before it one that knows the secrets of this call alone. */
function redactorFor(call: Call<unknown>, general: Redactor): Redactor {
  if (call.secrets === undefined) return general;
  const own = new Redactor();
  for (const secret of call.secrets) {
    own.add(secret);
    for (const line of secret?.split(/[\r\n]+/) ?? []) own.add(line.trim());
  }
  const ofCall = own.text.bind(own);
  own.text = (text) => general.text(ofCall(text));
  return own;
}

function describeIssues(error: z.ZodError): string {
  const shown = error.issues.slice(0, 3).map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  return shown.join('; ');
}
