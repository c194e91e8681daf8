import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PassedRequest {
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  readonly body: string;
}

export interface PassedAnswer {
  readonly status: number;
  readonly body: string;
}

export type Pass = (request: PassedRequest, onward: () => Promise<PassedAnswer>) => Promise<PassedAnswer>;

/** An HTTP server between the operator and the provider, which can meddle with each call. */
export class GoBetween {
  /** The API's base by this way. */
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, target: string, pass: Pass) {
    const { port } = server.address() as AddressInfo;
    this.#server = server;
    this.url = `http://127.0.0.1:${String(port)}${new URL(target).pathname}`;
    server.on('request', (message, response) => {
      void requestOf(message)
        .then((request) => pass(request, () => forward(request, target)))
        .then(({ status, body }) => response.writeHead(status, { 'content-type': 'application/json' }).end(body));
    });
  }

  static async before(target: string, pass: Pass): Promise<GoBetween> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new GoBetween(server, target, pass);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

async function requestOf(message: IncomingMessage): Promise<PassedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return {
    method: message.method ?? 'GET',
    path: message.url ?? '/',
    contentType: message.headers['content-type'] ?? '',
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

async function forward({ method, path, contentType, body }: PassedRequest, target: string): Promise<PassedAnswer> {
  const answer = await fetch(new URL(path, target), {
    method,
    headers: { 'content-type': contentType },
    ...(method === 'GET' ? {} : { body }),
  });
  return { status: answer.status, body: await answer.text() };
}
