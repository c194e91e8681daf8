import { Agent, type Dispatcher } from 'undici';

import type { Clock } from '../lib/clock.ts';
import { errorOfAnswer, errorOfTransport } from './api-errors.ts';
import { KubeError } from './contract.ts';
import type { Connection, Identity } from './kube-config.ts';

export interface TransportOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly userAgent: string;
  /** For rest_client_requests_total: the HTTP status or "<error>", and the method. */
  readonly onRequest?: ((code: string, method: string) => void) | undefined;
  /** A call that has no complete answer by then is given up; default 30 s. */
  readonly timeoutMs?: number | undefined;
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  readonly body?: object | undefined;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
}

const defaultTimeoutMs = 30_000;
const connectTimeoutMs = 10_000;
/** Enough for 64 reconciles that each write now and then; the API server's fairness queues are not flooded. */
const callConnections = 16;
/** Tokens and certificates are read again after this long: well within the hour for which a token is good. */
const identityMaxAgeMs = 30_000;

interface Agents {
  readonly fingerprint: string;
  readonly calls: Agent;
  readonly watches: Agent;
}

interface Known {
  readonly at: number;
  readonly identity: Identity;
  readonly agents: Agents;
}

/**
 * HTTP to the API server: undici agents with keep-alive and verified TLS, time-outs on everything, and errors as
 * KubeErrors. Watches have connections of their own, so that they never stand in the way of calls.
 */
export class Transport {
  readonly #options: TransportOptions;
  readonly #timeoutMs: number;
  /** Those that are still open, such as old ones that finish what they are doing. */
  readonly #agents = new Set<Agents>();
  #known: Known | undefined;
  #isClosed = false;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  }

  /** One call with its whole answer. Rejects with a KubeError for everything but success. */
  async call(request: ApiRequest): Promise<unknown> {
    const deadline = new AbortController();
    const cancel = this.#options.clock.after(this.#timeoutMs, () => {
      deadline.abort(
        new KubeError(`no answer from the API server within ${String(this.#timeoutMs)} ms`, 'unavailable'),
      );
    });
    const given = request.signal;
    const signal = given === undefined ? deadline.signal : AbortSignal.any([deadline.signal, given]);
    try {
      const answer = await this.#send({ ...request, signal }, 'calls');
      const text = await answer.body.text();
      if (answer.statusCode >= 300) throw errorOfAnswer(answer.statusCode, text);
      return parseAnswer(text);
    } catch (error) {
      throw errorOfTransport(deadline.signal.aborted ? deadline.signal.reason : error);
    } finally {
      cancel();
    }
  }

  /** A GET whose answer goes on and on. The body's chunks may be cut anywhere; abort the signal to end it. */
  async stream(path: string, signal: AbortSignal, longestMs: number): Promise<AsyncIterable<Uint8Array>> {
    try {
      const answer = await this.#send({ method: 'GET', path, signal, bodyTimeoutMs: longestMs }, 'watches');
      if (answer.statusCode >= 300) throw errorOfAnswer(answer.statusCode, await answer.body.text());
      return answer.body as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw errorOfTransport(error);
    }
  }

  /** Closes idle connections and ends running requests, for good: calls that come later are refused. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#known = undefined;
    await Promise.all([...this.#agents].flatMap(({ calls, watches }) => [calls.destroy(), watches.destroy()]));
  }

  async #send(
    request: ApiRequest & { readonly bodyTimeoutMs?: number },
    use: 'calls' | 'watches',
  ): Promise<Dispatcher.ResponseData> {
    const answer = await this.#attempt(request, use, await this.#identify());
    if (answer.statusCode !== 401) return answer;
    // Refused before anything was done, so it may be sent again: the token may have been rotated a moment ago.
    await answer.body.dump();
    this.#known = this.#known === undefined ? undefined : { ...this.#known, at: Number.NEGATIVE_INFINITY };
    return this.#attempt(request, use, await this.#identify());
  }

  async #attempt(
    request: ApiRequest & { readonly bodyTimeoutMs?: number },
    use: 'calls' | 'watches',
    known: Known,
  ): Promise<Dispatcher.ResponseData> {
    const { connection, onRequest, userAgent } = this.#options;
    const server = new URL(connection.server);
    const prefix = server.pathname === '/' ? '' : server.pathname;
    try {
      const answer = await known.agents[use].request({
        origin: server.origin,
        path: `${prefix}${request.path}`,
        method: request.method,
        headers: {
          accept: 'application/json',
          'user-agent': userAgent,
          ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
          ...known.identity.headers,
        },
        body: request.body === undefined ? null : JSON.stringify(request.body),
        signal: request.signal ?? null,
        ...(request.bodyTimeoutMs === undefined ? {} : { bodyTimeout: request.bodyTimeoutMs }),
      });
      onRequest?.(String(answer.statusCode), request.method);
      return answer;
    } catch (error) {
      onRequest?.('<error>', request.method);
      throw error;
    }
  }

  async #identify(): Promise<Known> {
    const now = this.#options.clock.now();
    if (this.#known !== undefined && now - this.#known.at < identityMaxAgeMs) return this.#known;
    const identity = await this.#options.connection.identify();
    // Connections that were opened now nobody would close.
    if (this.#isClosed) throw new KubeError('cannot reach the API server: the client was closed', 'unavailable');
    const known = { at: now, identity, agents: this.#agentsFor(identity) };
    this.#known = known;
    return known;
  }

  /** The agents for this TLS material: the present ones while it is the same, so that connections are kept. */
  #agentsFor(identity: Identity): Agents {
    const fingerprint = Object.values(identity.tls).map(String).join('\n');
    const present = this.#known?.agents;
    if (present?.fingerprint === fingerprint) return present;
    if (present !== undefined) void this.#retire(present);
    const common = {
      connect: { ...identity.tls, rejectUnauthorized: true, timeout: connectTimeoutMs, keepAliveInitialDelay: 30_000 },
      headersTimeout: this.#timeoutMs,
      bodyTimeout: this.#timeoutMs,
      pipelining: 1,
      // A call that is given up takes its connection with it, which may be dead without a word. With HTTP/2 all calls would share
      // one, which outlives them: every further call would hang on it until the kernel gives up, a quarter of an hour later.
      allowH2: false,
    };
    const agents = {
      fingerprint,
      calls: new Agent({ ...common, connections: callConnections }),
      watches: new Agent(common),
    };
    this.#agents.add(agents);
    return agents;
  }

  /** Old connections finish what they are doing. */
  async #retire(agents: Agents): Promise<void> {
    await Promise.allSettled([agents.calls.close(), agents.watches.close()]);
    this.#agents.delete(agents);
  }
}

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new KubeError('the API server sent an answer that is not JSON', 'unknown');
  }
}
