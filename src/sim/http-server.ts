import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { failure, type Answer } from './answers.ts';
import { control } from './control.ts';
import { mergeParams, parseForm } from './form-body.ts';
import type { Machine } from './machine.ts';

const apiBase = '/api/v0/';
const controlBase = '/sim/';
const largestBody = 1024 * 1024;

export interface HttpOptions {
  readonly machine: Machine;
  readonly clock: Clock;
  readonly host: string;
  readonly port: number;
  /** Called after every request: something may have changed. */
  readonly onChange?: () => void;
  readonly onWarning?: (message: string) => void;
}

/** The state machine behind node:http. Each connection has its own limits, so that a bad one costs nobody else anything. */
export class HttpServer {
  readonly #options: HttpOptions;
  readonly #server: Server;

  constructor(options: HttpOptions) {
    this.#options = options;
    const limits = {
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 30_000,
      connectionsCheckingInterval: 2_000,
    };
    this.#server = createServer(limits, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        // A defect of the simulator; it must neither end the process nor look like an answer of the provider.
        options.onWarning?.(`Internal error: ${messageOf(error)}`);
        if (response.headersSent) response.destroy();
        else send(response, failure(500, 'Internal error of the simulator'));
      });
    });
    this.#server.on('clientError', (_error, socket) => {
      if (socket.writable) socket.end(rawBadRequest, () => socket.destroy());
      else socket.destroy();
    });
  }

  /** Resolves with the port once it listens. */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.port, this.#options.host, () => {
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

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    if (body === 'aborted') {
      response.destroy();
      return;
    }
    if (body === 'too large') {
      send(response, failure(413, 'The body is too large', { connection: 'close' }));
      return;
    }
    const url = parseUrl(request.url);
    if (url === undefined) send(response, failure(400, 'The address is not valid'));
    else if (url.pathname.startsWith(apiBase)) this.#serveApi({ request, response, url, body });
    else if (url.pathname.startsWith(controlBase)) this.#serveControl({ request, response, url, body });
    else send(response, failure(404, `The API is below ${apiBase}`));
    this.#options.onChange?.();
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
      else send(response, exchange.answer);
    };
    if (exchange.delayMs === 0) finish();
    else response.once('close', clock.after(exchange.delayMs, finish));
  }

  #serveControl({ request, response, url, body }: Incoming): void {
    const parsed = parseJson(body);
    if (parsed === 'malformed') {
      send(response, failure(400, 'The body is not JSON'));
      return;
    }
    const path = url.pathname.slice(controlBase.length);
    const { machine, clock } = this.#options;
    send(response, control(machine, { method: request.method ?? 'GET', path, body: parsed.value }, clock.now()));
  }
}

interface Incoming {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly body: Buffer;
}

const rawBadRequest =
  'HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{"error":"Bad request","success":false}\n';

function send(response: ServerResponse, answer: Answer): void {
  if (response.destroyed) return;
  const body = Buffer.from(answer.body, 'utf8');
  response.writeHead(answer.status, {
    ...answer.headers,
    'access-control-allow-origin': '*',
    'content-length': body.length,
  });
  response.end(body);
}

function readBody(request: IncomingMessage): Promise<Buffer | 'too large' | 'aborted'> {
  return new Promise((resolve) => {
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
