import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { promisify } from 'node:util';
import { Agent, type Dispatcher } from 'undici';
import type { Clock } from '../../lib/clock.ts';
import { ForbiddenAddressError } from '../../lib/guarded-lookup.ts';
import type { ProxyAddress } from '../../lib/proxy-address.ts';
import { withoutTrailingSlashes } from '../../lib/slashes.ts';
import { guardedConnector, ProxyError, tunnelledConnector } from './connector.ts';

/** One request as it goes over the wire; path and query are already encoded. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Below the base URL, without a leading slash: "client/list". */
  readonly path: string;
  /** Without the question mark. May hold credentials: never part of an error. */
  readonly query: string | undefined;
  /** application/x-www-form-urlencoded. Holds credentials: never part of an error. */
  readonly body: string | undefined;
  /**
   * On a connection of its own. A kept-alive connection may be closed by the other side in the very moment in which it
   * is used again, and then nobody can say whether the request was read. For calls that make something, that doubt costs
   * more than a handshake.
   */
  readonly ownConnection: boolean;
  /** Of the answer, compressed and not. Default: what the transport allows. */
  readonly maxAnswerBytes?: number | undefined;
  readonly signal: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  /** The Retry-After header as it came. */
  readonly retryAfter: string | undefined;
  /** Made when it is asked for: ten megabytes of a list that is known already need no text. */
  readonly body: string;
  /** The same before it became a text, where the transport has that. */
  readonly bytes?: Buffer;
}

/** There was no complete answer. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  /** False: certainly not one byte of the request left this machine. */
  readonly sent: boolean;

  constructor(message: string, sent: boolean) {
    super(message);
    this.sent = sent;
  }
}

export interface HttpTransport {
  /** Resolves with any complete answer, whatever its status. Rejects with a TransportError otherwise. Never repeats. */
  send(request: HttpRequest): Promise<HttpAnswer>;
  /** Lets running requests finish, then closes all connections. May be called again. */
  close(): Promise<void>;
}

export interface HttpOptions {
  /** "https://dashboard.tensordock.com/api/v0", with or without a slash at the end. */
  readonly baseUrl: string;
  readonly clock: Clock;
  /** For the whole exchange, waiting for a connection included. Default 30 s (API reference, section 11). */
  readonly timeoutMs?: number;
  /** Default 64, the gate's default limit of calls in flight: no request waits here for a connection. */
  readonly maxConnections?: number;
  /**
   * Whether the endpoint may be on this machine, in its network or in its cluster, as a simulator is. Link-local addresses
   * and those of a cloud's metadata service are refused in any case. Default false.
   */
  readonly allowPrivate?: boolean;
  /** An HTTP proxy through which https endpoints are reached. Default: none. */
  readonly proxy?: ProxyAddress | undefined;
  /** Of an answer, compressed and not. Default 32 MB: a listing of 10,000 VMs has about 9. */
  readonly maxAnswerBytes?: number;
}

/** Shorter than the idle time of usual proxies, so that we are the ones who close. */
const keepAliveTimeoutMs = 15_000;

/** Throws when the base URL is not a plain http(s) URL: user info or a query there would end up in messages. */
export function parseBaseUrl(baseUrl: string): { readonly origin: string; readonly path: string } {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  const plain = url !== undefined && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (!plain || !['http:', 'https:'].includes(url.protocol)) {
    throw new Error('the endpoint must be an http or https URL without user, query and fragment');
  }
  return { origin: url.origin, path: withoutTrailingSlashes(url.pathname) };
}

/** HTTP/1.1 over undici: TLS verified, redirects not followed, nothing repeated, sizes and times bounded. */
export function createHttpTransport(options: HttpOptions): HttpTransport {
  const base = parseBaseUrl(options.baseUrl);
  const limits = {
    timeoutMs: options.timeoutMs ?? 30_000,
    maxBytes: options.maxAnswerBytes ?? 32 * 1024 * 1024,
  };
  const guard = { allowPrivate: options.allowPrivate ?? false };
  const common: Agent.Options = {
    connections: options.maxConnections ?? 64,
    // HTTP/2 would share one connection between calls: its loss would put all of them in doubt at once.
    allowH2: false,
    connect: options.proxy === undefined ? guardedConnector(guard) : tunnelledConnector(options.proxy, guard),
    // The time-out of the whole exchange runs on the injected clock.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  const shared = new Agent({ ...common, pipelining: 1, keepAliveTimeout: keepAliveTimeoutMs });
  const single = new Agent({ ...common, pipelining: 0 });
  let closing: Promise<unknown> | undefined;
  return {
    send: (request) => {
      const agent = request.ownConnection ? single : shared;
      const maxBytes = Math.min(request.maxAnswerBytes ?? Infinity, limits.maxBytes);
      return exchange({ agent, base, request, clock: options.clock, ...limits, maxBytes });
    },
    close: async () => {
      closing ??= Promise.all([shared.close(), single.close()]);
      await closing;
    },
  };
}

interface Exchange {
  readonly agent: Agent;
  readonly base: { readonly origin: string; readonly path: string };
  readonly request: HttpRequest;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

async function exchange(given: Exchange): Promise<HttpAnswer> {
  const raw = await receive(given);
  const bytes = await decode(raw, given.maxBytes);
  return {
    status: raw.status,
    retryAfter: firstOf(raw.headers['retry-after']),
    get body() {
      return bytes.toString('utf8');
    },
    bytes,
  };
}

/**
 * Uses `dispatch` rather than `request`, because only its handler tells when a request begins to be written: that is
 * the difference between "certainly not done" and "nobody knows".
 */
function receive(given: Exchange): Promise<RawAnswer> {
  const { clock, request, timeoutMs, maxBytes } = given;
  return new Promise((resolve, reject) => {
    let sent = false;
    let over = false;
    let controller: Dispatcher.DispatchController | undefined;
    let head: Pick<RawAnswer, 'status' | 'headers'> = { status: 0, headers: {} };
    let size = 0;
    const chunks: Buffer[] = [];

    const finish = (settle: () => void): void => {
      if (over) return;
      over = true;
      cancelTimer();
      request.signal?.removeEventListener('abort', onAbort);
      settle();
    };
    const fail = (message: string): void => {
      finish(() => {
        reject(new TransportError(message, sent));
      });
    };
    const giveUp = (message: string): void => {
      fail(message);
      controller?.abort(new Error(message));
    };
    const onAbort = (): void => {
      giveUp('the call was given up by the operator');
    };
    const cancelTimer = clock.after(timeoutMs, () => {
      giveUp(`no complete answer within ${timeoutMs / 1000} s`);
    });
    if (request.signal?.aborted === true) {
      onAbort();
      return;
    }
    request.signal?.addEventListener('abort', onAbort, { once: true });

    given.agent.dispatch(dispatchOptions(given), {
      onRequestStart(started) {
        controller = started;
        // Given up while it waited for a connection: it must not leave after all.
        if (over) started.abort(new Error('given up before it was sent'));
        else sent = true;
      },
      onResponseStart(_controller, status, headers) {
        head = { status, headers };
      },
      onResponseData(_controller, chunk) {
        size += chunk.length;
        if (size > maxBytes) giveUp(`the answer is larger than ${maxBytes} bytes`);
        else if (!over) chunks.push(chunk);
      },
      onResponseEnd() {
        finish(() => {
          resolve({ ...head, body: Buffer.concat(chunks) });
        });
      },
      onResponseError(_controller, error) {
        fail(describe(error, sent));
      },
    });
  });
}

function dispatchOptions({ base, request }: Exchange): Dispatcher.DispatchOptions {
  const query = request.query === undefined || request.query === '' ? '' : `?${request.query}`;
  return {
    origin: base.origin,
    path: `${base.path}/${request.path}${query}`,
    method: request.method,
    headers: {
      accept: 'application/json',
      'accept-encoding': 'gzip, br',
      ...(request.body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    body: request.body ?? null,
    // undici would otherwise pipeline nothing after a POST but repeat nothing either; said here so that it stays so.
    idempotent: false,
  };
}

const decoders: Readonly<Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  br: promisify(brotliDecompress),
  deflate: promisify(inflate),
};

async function decode(raw: RawAnswer, maxBytes: number): Promise<Buffer> {
  const encoding = (firstOf(raw.headers['content-encoding']) ?? '').trim().toLowerCase();
  if (encoding === '' || encoding === 'identity' || raw.body.length === 0) return raw.body;
  const decoder = decoders[encoding];
  if (decoder === undefined) throw new TransportError('the answer came in an unknown content encoding', true);
  try {
    return await decoder(raw.body, { maxOutputLength: maxBytes });
  } catch {
    throw new TransportError(`the answer could not be decompressed (${encoding})`, true);
  }
}

function firstOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}

/** Only the error's code is shown: its message may hold addresses and, for parse errors, pieces of the exchange. */
function describe(error: unknown, sent: boolean): string {
  if (error instanceof ForbiddenAddressError) return forbidden(error);
  if (error instanceof ProxyError) return `no connection could be made: ${error.message}`;
  const code = codeOf(error);
  if (!sent && code !== undefined && certificateCodes.test(code)) {
    return `the certificate of the endpoint is not trusted (${code}): an authority that this machine knows, or that NODE_EXTRA_CA_CERTS names, has to vouch for it under the endpoint's name`;
  }
  const suffix = code === undefined ? '' : ` (${code})`;
  return sent
    ? `the connection was cut before the answer was complete${suffix}`
    : `no connection could be made${suffix}`;
}

/** What OpenSSL and Node.js call the ways in which a certificate fails to convince. */
const certificateCodes = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)/;

function forbidden({ message }: ForbiddenAddressError): string {
  return `the endpoint was not called: ${message}; private addresses can be allowed by --allow-private-endpoints`;
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  // Happy eyeballs wraps what happened on each address.
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return codeOf(error.cause);
}
