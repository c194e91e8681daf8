import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { messageOf } from '../lib/errors.ts';
import { listenHost } from '../lib/listen-host.ts';

/** Returns nothing when all is well, else a sentence that says what is not. */
export type HealthCheck = () => string | undefined;

export interface TelemetryServerOptions {
  /** `::` for all addresses, of IPv6 and IPv4. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Fails while the process cannot do its work and waiting may help: no traffic, no restart. */
  readonly readiness: Readonly<Record<string, HealthCheck>>;
  /** Fails when only a restart helps. */
  readonly liveness: Readonly<Record<string, HealthCheck>>;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

export interface TelemetryServer {
  /** Such as http://127.0.0.1:8080 */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/** A client that has not sent its request by then is cut off; a scrape sends a few hundred bytes. */
const requestTimeoutMs = 5000;

/**
 * Serves /metrics, /healthz (liveness) and /readyz. The two answer 200 or 503 with one line per check, as the API server's
 * do. Nothing that they show needs protection, and nothing else is served.
 */
export async function startTelemetryServer(options: TelemetryServerOptions): Promise<TelemetryServer> {
  const server = createServer(
    { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs },
    (request, response) => {
      void respond(options, request, response);
    },
  );
  server.maxConnections = 64;
  server.timeout = 30_000;
  await listen(server, options);
  const { address, port } = server.address() as AddressInfo;
  const host = address.includes(':') ? `[${address}]` : address;
  return {
    url: `http://${host}:${String(port)}`,
    host: address,
    port,
    close: () => close(server),
  };
}

async function respond(
  options: TelemetryServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const answer = await answerTo(options, path);
    if (answer === undefined) send(response, 404, 'not found\n');
    else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      send(response, 405, 'method not allowed\n');
    } else send(response, answer.status, answer.text, answer.contentType);
  } catch {
    // A collector that throws is a bug of ours; its message is not for strangers.
    send(response, 500, 'internal error\n');
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly contentType?: string;
}

async function answerTo(options: TelemetryServerOptions, path: string): Promise<Answer | undefined> {
  switch (path) {
    case '/metrics': {
      const { contentType, text } = await options.metrics();
      return { status: 200, text, contentType };
    }
    case '/healthz':
      return healthOf(options.liveness);
    case '/readyz':
      return healthOf(options.readiness);
    default:
      return undefined;
  }
}

function healthOf(checks: Readonly<Record<string, HealthCheck>>): Answer {
  const lines: string[] = [];
  let failed = 0;
  for (const [name, check] of Object.entries(checks)) {
    const problem = problemOf(check);
    if (problem !== undefined) failed += 1;
    lines.push(problem === undefined ? `[+] ${name} ok` : `[-] ${name} failed: ${problem}`);
  }
  lines.push(failed === 0 ? 'ok' : `${String(failed)} failed`, '');
  return { status: failed === 0 ? 200 : 503, text: lines.join('\n') };
}

function problemOf(check: HealthCheck): string | undefined {
  try {
    return check();
  } catch (error) {
    return messageOf(error);
  }
}

function send(response: ServerResponse, status: number, text: string, contentType = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(text);
}

function listen(server: Server, options: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, listenHost(options.host), () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}
