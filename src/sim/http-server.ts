import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { listenHost } from '../lib/listen-host.ts';
import { failure, type Answer } from './answers.ts';
import { control } from './control.ts';
import { mergeParams, parseForm } from './form-body.ts';
import type { Machine } from './machine.ts';

const apiBase = '/api/v0/';
const controlBase = '/sim/';
const largestBody = 1024 * 1024;

/** How long a connection may take over what it does, in real time: whatever it is up to, it ends. */
export interface ConnectionLimits {
  /** For the head of a request, from the first moment of a connection on. */
  readonly headersMs: number;
  /** For a whole request, its body included. */
  readonly requestMs: number;
  /** Between two requests. */
  readonly idleMs: number;
  /** An answer that waits so long for its reader is given up; counted anew whenever a part of it was taken. */
  readonly unreadMs: number;
}

const usualLimits: ConnectionLimits = { headersMs: 10_000, requestMs: 30_000, idleMs: 30_000, unreadMs: 30_000 };

export interface HttpOptions {
  readonly machine: Machine;
  readonly clock: Clock;
  readonly host: string;
  readonly port: number;
  readonly limits?: ConnectionLimits;
  /** Called after every request: something may have changed. */
  readonly onChange?: () => void;
  readonly onWarning?: (message: string) => void;
}

/** The state machine behind node:http. Each connection has its own limits, so that a bad one costs nobody else anything. */
export class HttpServer {
  readonly #options: HttpOptions;
  readonly #limits: ConnectionLimits;
  readonly #server: Server;

  constructor(options: HttpOptions) {
    this.#options = options;
    this.#limits = options.limits ?? usualLimits;
    const { headersMs, requestMs, idleMs } = this.#limits;
    const settings = {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      keepAliveTimeout: idleMs,
      connectionsCheckingInterval: Math.min(2_000, headersMs / 2),
      // Node.js would answer such a request by itself, with an empty body.
      requireHostHeader: false,
    };
    const serve = (request: IncomingMessage, response: ServerResponse): void => {
      this.#serve(request, response).catch((error: unknown) => {
        // A defect of the simulator; it must neither end the process nor look like an answer of the provider.
        options.onWarning?.(`Internal error: ${messageOf(error)}`);
        if (response.headersSent) response.destroy();
        else this.#send(response, failure(500, 'Internal error of the simulator'));
      });
    };
    this.#server = createServer(settings, serve);
    this.#server.on('checkExpectation', serve);
    this.#server.on('clientError', refuseConnection);
  }

  /** Resolves with the port once it listens. */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.port, listenHost(this.#options.host), () => {
        this.#server.off('error', reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Cuts what is open and resolves once the port is free. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#server.closeAllConnections();
    });
  }

  /** Connections that are open now, whatever they are doing. */
  openConnections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.getConnections((error, count) => {
        if (error === null) resolve(count);
        else reject(error);
      });
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    if (body === 'aborted') {
      response.destroy();
      return;
    }
    if (body === 'too large') {
      this.#send(response, failure(413, 'The body is too large', { connection: 'close' }));
      return;
    }
    const url = parseUrl(request.url);
    if (url === undefined) this.#send(response, failure(400, 'The address is not valid'));
    else if (url.pathname.startsWith(apiBase)) this.#serveApi({ request, response, url, body });
    else if (url.pathname.startsWith(controlBase)) this.#serveControl({ request, response, url, body });
    else this.#send(response, failure(404, `The API is below ${apiBase}`));
    this.#options.onChange?.();
  }

  #send(response: ServerResponse, answer: Answer): void {
    if (response.destroyed) return;
    const body = answer.bytes ?? Buffer.from(answer.body, 'utf8');
    response.setTimeout(this.#limits.unreadMs, () => response.destroy());
    response.writeHead(answer.status, {
      ...answer.headers,
      'access-control-allow-origin': '*',
      'content-length': body.length,
    });
    response.end(body);
  }

  #serveApi({ request, response, url, body }: Incoming): void {
    const { machine, clock } = this.#options;
    const form = parseForm(request.headers['content-type'] ?? '', body);
    const exchange = machine.exchange(
      {
        method: request.method ?? 'GET',
        path: url.pathname.slice(apiBase.length),
        params: mergeParams(url.searchParams, form),
        ...(form.error === undefined ? {} : { bodyError: form.error }),
      },
      clock.now(),
    );
    const finish = (): void => {
      if (exchange.kind === 'cut') request.socket.destroy();
      else this.#send(response, exchange.answer);
    };
    if (exchange.delayMs === 0) finish();
    else response.once('close', clock.after(exchange.delayMs, finish));
  }

  #serveControl({ request, response, url, body }: Incoming): void {
    const parsed = parseJson(body);
    if (parsed === 'malformed') {
      this.#send(response, failure(400, 'The body is not JSON'));
      return;
    }
    const path = url.pathname.slice(controlBase.length);
    const { machine, clock } = this.#options;
    this.#send(response, control(machine, { method: request.method ?? 'GET', path, body: parsed.value }, clock.now()));
  }
}

interface Incoming {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly body: Buffer;
}

/** What is no HTTP, or takes too long over it, cannot be answered in the usual way. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const [status, text] = unreadable[error.code ?? ''] ?? ['400 Bad Request', 'This is no HTTP request'];
  const { body } = failure(400, text);
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\nconnection: close\r\n`;
  socket.end(`${head}content-length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`, () => socket.destroy());
}

const unreadable: Readonly<Record<string, readonly [status: string, text: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request took too long'],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'The headers are too large'],
};

function readBody(request: IncomingMessage): Promise<Buffer | 'too large' | 'aborted'> {
  return new Promise((resolve) => {
    if (Number(request.headers['content-length'] ?? 0) > largestBody) {
      // What follows is thrown away: the connection is closed once the answer has left.
      request.resume();
      resolve('too large');
      return;
    }
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > largestBody) {
        resolve('too large');
        chunks.length = 0;
      } else {
        chunks.push(chunk);
      }
    });
    request.on('end', () => {
      resolve(Buffer.concat(chunks));
    });
    request.on('error', () => {
      resolve('aborted');
    });
    request.on('close', () => {
      resolve('aborted');
    });
  });
}

function parseUrl(target: string | undefined): URL | undefined {
  const url = URL.parse(target ?? '/', 'http://simulator');
  return url ?? undefined;
}

function parseJson(body: Buffer): { value: unknown } | 'malformed' {
  if (body.length === 0) return { value: undefined };
  try {
    return { value: JSON.parse(body.toString('utf8')) as unknown };
  } catch {
    return 'malformed';
  }
}
