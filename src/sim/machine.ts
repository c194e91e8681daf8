import { failure, refuse, Refusal, type Answer } from './answers.ts';
import type { Endpoint } from './endpoints/endpoint.ts';
import { route, type Route } from './endpoints/index.ts';
import { listAnswer } from './endpoints/vms.ts';
import { FaultKind, Faults, type FaultSpec } from './faults.ts';
import { Fields, type Params } from './fields.ts';
import { resolveOptions, type SimulatorOptions } from './options.ts';
import { Random } from './random.ts';
import { RateLimit } from './rate-limit.ts';
import { RequestLog } from './request-log.ts';
import { returnOutbid } from './spot-market.ts';
import type { World } from './state.ts';
import { advance, nextEventAt } from './timeline.ts';
import { createWorld } from './world.ts';

export interface SimRequest {
  readonly method: string;
  /** Below the API's base, without a slash in front: `client/list`. */
  readonly path: string;
  /** Query and body together. */
  readonly params: Params;
  /** Why the body could not be read, when it could not. */
  readonly bodyError?: string;
}

/** What becomes of a request: an answer after a delay, or a connection that is cut. */
export type Exchange =
  | { readonly kind: 'answer'; readonly answer: Answer; readonly delayMs: number; readonly carriedOut: boolean }
  | { readonly kind: 'cut'; readonly delayMs: number; readonly carriedOut: boolean };

/**
 * The provider as a state machine: no I/O, no clock, no chance but the seed's. `now` is milliseconds since the epoch
 * and may not go back; everything that falls due on the way happens before the request is looked at.
 */
export class Machine {
  readonly options: SimulatorOptions;
  readonly faults: Faults;
  #world: World;
  #log = new RequestLog();
  #rateLimit: RateLimit;
  #aheadMs = 0;

  constructor(options: Partial<SimulatorOptions>, now: number) {
    this.options = resolveOptions(options);
    this.faults = new Faults(new Random(this.options.seed, 'faults'));
    this.#world = createWorld(this.options, Math.floor(now));
    this.#rateLimit = new RateLimit(this.options.rateLimit);
  }

  get world(): World {
    return this.#world;
  }

  get log(): RequestLog {
    return this.#log;
  }

  /** Lets everything happen that is due by `now`. */
  tick(now: number): void {
    advance(this.#world, Math.floor(now) + this.#aheadMs);
  }

  /** When something will happen by itself, in the caller's time; undefined when nothing will. */
  nextEventAt(): number | undefined {
    const at = nextEventAt(this.#world);
    return at === undefined ? undefined : at - this.#aheadMs;
  }

  /** Simulated time runs ahead of the caller's by so much more, for good. */
  advanceClock(byMs: number, now: number): void {
    this.#aheadMs += Math.floor(byMs);
    this.tick(now);
  }

  /** As it was in the beginning, without faults; the clock stays ahead. */
  reset(now: number): void {
    this.faults.clear();
    this.#log = new RequestLog();
    this.#rateLimit = new RateLimit(this.options.rateLimit);
    this.#world = createWorld(this.options, Math.floor(now) + this.#aheadMs);
  }

  /** One call without faults, rate limit and latency: `client/list`, `client/deploy/hostnodes/<uuid>`. */
  call(path: string, params: Params, now: number): Answer {
    this.tick(now);
    const found = route(path);
    return found === undefined ? unknownPath() : this.#perform(found, { method: found.endpoint.method, path, params });
  }

  /** One request with all that may befall it. */
  exchange(request: SimRequest, now: number): Exchange {
    this.tick(now);
    const found = route(request.path);
    const name = found?.endpoint.path ?? request.path.slice(0, 100);
    if (found !== undefined) this.#log.count(name);
    const fault = found === undefined ? undefined : this.faults.pick(name);
    const exchange = this.#answer(request, found, { fault, now });
    const status = exchange.kind === 'answer' ? exchange.answer.status : undefined;
    const at = new Date(this.#world.now).toISOString();
    const { carriedOut } = exchange;
    this.#log.record(
      { at, method: request.method, path: name, status, fault: fault?.kind, carriedOut },
      request.params,
    );
    return exchange;
  }

  #answer(
    request: SimRequest,
    found: Route | undefined,
    { fault, now }: { fault: FaultSpec | undefined; now: number },
  ): Exchange {
    const delayMs = this.options.latencyMs;
    const retryAfter = this.#rateLimit.retryAfterSeconds(now);
    if (retryAfter !== undefined)
      return { kind: 'answer', answer: tooManyRequests(retryAfter), delayMs, carriedOut: false };
    if (found === undefined) return { kind: 'answer', answer: unknownPath(), delayMs, carriedOut: false };
    if (fault?.kind === FaultKind.lostRequest) return { kind: 'cut', delayMs, carriedOut: false };
    const instead = answerInstead(fault);
    if (instead !== undefined) return { kind: 'answer', answer: instead, delayMs, carriedOut: false };
    const answer = this.#perform(found, request);
    return this.#deliver(answer, fault);
  }

  /** Faults that strike after the call was carried out. */
  #deliver(answer: Answer, fault: FaultSpec | undefined): Exchange {
    const delayMs = this.options.latencyMs;
    const succeeded = answer.status === 200;
    switch (fault?.kind) {
      case FaultKind.lostAnswer:
        return { kind: 'cut', delayMs, carriedOut: true };
      case FaultKind.slow:
        return { kind: 'answer', answer, delayMs: delayMs + (fault.ms ?? 0), carriedOut: true };
      case FaultKind.malformed: {
        const body = answer.body.slice(0, Math.max(1, Math.floor(answer.body.length / 2)));
        const { status, headers } = answer;
        return { kind: 'answer', answer: { status, headers, body }, delayMs, carriedOut: true };
      }
      case FaultKind.staleList: {
        const past = this.#world.history.at(this.#world.now - (fault.ms ?? 0));
        return {
          kind: 'answer',
          answer: succeeded ? listAnswer(Buffer.from(past)) : answer,
          delayMs,
          carriedOut: true,
        };
      }
      case FaultKind.emptyList:
        return {
          kind: 'answer',
          answer: succeeded ? listAnswer(Buffer.from('{}')) : answer,
          delayMs,
          carriedOut: true,
        };
      default:
        return { kind: 'answer', answer, delayMs, carriedOut: true };
    }
  }

  #perform({ endpoint, pathId }: Route, request: SimRequest): Answer {
    if (!this.#allowsMethod(endpoint, request.method))
      return failure(405, 'Method not allowed', { allow: endpoint.method });
    const style = { always200: this.options.refusalStatus === '200', bare: endpoint.bareRefusals === true };
    const fields = new Fields(request.params);
    try {
      if (request.bodyError !== undefined) throw new Refusal('invalid', request.bodyError);
      const isAuthorized = this.#isAuthorized(endpoint, fields);
      if (isAuthorized === 'refused') return failure(this.options.authFailureStatus, 'Invalid API key or token');
      const answer = endpoint.handle(this.#world, { fields, pathId, isAuthorized });
      returnOutbid(this.#world);
      return answer;
    } catch (error) {
      if (error instanceof Refusal) return refuse(error, style);
      throw error;
    }
  }

  #allowsMethod(endpoint: Endpoint, method: string): boolean {
    return method === endpoint.method || (this.options.allowGet && method === 'GET');
  }

  /** Where the pair is optional, none at all is fine and a wrong one is not. */
  #isAuthorized({ auth }: Endpoint, fields: Fields): boolean | 'refused' {
    if (auth === 'none') return false;
    const [key, token] = [fields.optional('api_key'), fields.optional('api_token')];
    if (auth === 'optional' && key === undefined && token === undefined) return false;
    const { credentials } = this.#world;
    return key === credentials.key && token === credentials.token ? true : 'refused';
  }
}

/** Faults that keep the call from being carried out. */
function answerInstead(fault: FaultSpec | undefined): Answer | undefined {
  switch (fault?.kind) {
    case FaultKind.error500:
      return failure(500, 'Internal server error');
    case FaultKind.successFalse:
      return failure(200, 'The request could not be completed');
    case FaultKind.html502: {
      const body =
        '<html>\n<head><title>502 Bad Gateway</title></head>\n<body><h1>502 Bad Gateway</h1></body>\n</html>\n';
      return { status: 502, headers: { 'content-type': 'text/html' }, body };
    }
    case FaultKind.rateLimit:
      return tooManyRequests(fault.retryAfterSeconds ?? 1);
    default:
      return undefined;
  }
}

function tooManyRequests(retryAfterSeconds: number): Answer {
  return failure(429, 'Too many requests', { 'retry-after': String(retryAfterSeconds) });
}

function unknownPath(): Answer {
  return failure(404, 'No such endpoint');
}
