import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../lib/clock.ts';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import { createHttpTransport, parseBaseUrl, type HttpOptions, type HttpRequest, type HttpTransport } from './http.ts';
import { json, startRawServer, startScriptedServer, type ScriptedServer } from './testing/scripted-server.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function connect(url: string, options: Partial<HttpOptions> = {}): HttpTransport {
  const transport = createHttpTransport({ baseUrl: url, clock: systemClock, allowPrivate: true, ...options });
  closers.unshift(() => transport.close());
  return transport;
}

function served(server: ScriptedServer): ScriptedServer {
  closers.push(() => server.close());
  return server;
}

const post: HttpRequest = {
  method: 'POST',
  path: 'client/list',
  query: undefined,
  body: 'api_key=k',
  ownConnection: false,
  signal: undefined,
};

describe('the transport', () => {
  it('sends a form below the base path and gives back status, Retry-After and body', async () => {
    const server = served(await startScriptedServer(json({ success: true }, 418, { 'retry-after': '7' })));
    const answer = await connect(`${server.url}/`).send(post);
    const body = '{"success":true}\n';
    expect(answer).toEqual({ status: 418, retryAfter: '7', body, bytes: Buffer.from(body) });
    expect(server.requests[0]).toMatchObject({ method: 'POST', url: '/api/v0/client/list', body: 'api_key=k' });
    expect(server.requests[0]?.headers['content-type']).toBe('application/x-www-form-urlencoded');
  });

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('reads answers compressed with %s', async (encoding, compress) => {
    const server = served(
      await startScriptedServer((_request, response) => {
        response.writeHead(200, { 'content-encoding': encoding });
        response.end(compress('{"city":"Kraków"}'));
      }),
    );
    expect((await connect(server.url).send(post)).body).toBe('{"city":"Kraków"}');
  });

  it('rejects a compressed answer that is broken, and says that the request was sent', async () => {
    const server = served(
      await startScriptedServer((_request, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' });
        response.end('this is not gzip');
      }),
    );
    await expect(connect(server.url).send(post)).rejects.toMatchObject({ name: 'TransportError', sent: true });
  });

  it('puts an answer that comes in pieces together', async () => {
    const server = served(
      await startScriptedServer((_request, response) => {
        response.write('{"success"');
        setImmediate(() => response.write(': tr'));
        setImmediate(() => setImmediate(() => response.end('ue}')));
      }),
    );
    expect((await connect(server.url).send(post)).body).toBe('{"success": true}');
  });

  it.each([
    ['plain', (size: number) => [undefined, Buffer.alloc(size, 'x')] as const],
    ['unpacked', (size: number) => ['gzip', gzipSync(Buffer.alloc(size, 'x'))] as const],
  ])('refuses an answer that is too large %s', async (_name, make) => {
    const [encoding, body] = make(200_000);
    const server = served(
      await startScriptedServer((_request, response) => {
        response.writeHead(200, encoding === undefined ? {} : { 'content-encoding': encoding });
        response.end(body);
      }),
    );
    await expect(connect(server.url, { maxAnswerBytes: 100_000 }).send(post)).rejects.toMatchObject({ sent: true });
  });

  it('calls no endpoint on this machine unless that was allowed, and certainly sent nothing', async () => {
    const server = served(await startScriptedServer(json({ success: true })));
    for (const url of [server.url, server.url.replace('127.0.0.1', 'localhost')]) {
      const call = connect(url, { allowPrivate: false }).send(post);
      await expect(call).rejects.toMatchObject({ name: 'TransportError', sent: false });
      await expect(call).rejects.toThrow(/not called: .*127\.0\.0\.1 is a private.*--allow-private-endpoints/);
    }
    expect(server.requests).toEqual([]);
  });

  it('calls no link-local endpoint, though private ones were allowed', async () => {
    for (const host of ['169.254.169.254', '[fe80::1]', '[::ffff:169.254.169.254]', '0xa9fea9fe', '2852039166']) {
      const call = connect(`http://${host}/api/v0`).send(post);
      await expect(call, host).rejects.toThrow(/link-local, metadata or reserved/);
    }
  });

  it('gives an answer up that is larger than this call may have one', async () => {
    const server = served(await startScriptedServer(json({ success: true, padding: 'x'.repeat(5_000) })));
    const transport = connect(server.url);
    await expect(transport.send({ ...post, maxAnswerBytes: 1_000 })).rejects.toThrow(/larger than 1000 bytes/);
    expect((await transport.send(post)).body.length).toBeGreaterThan(5_000);
  });

  it('does not follow redirects', async () => {
    const server = served(await startScriptedServer(json('', 302, { location: '/elsewhere' })));
    expect((await connect(server.url).send(post)).status).toBe(302);
    expect(server.requests).toHaveLength(1);
  });

  it('says that nothing was sent when nobody listens', async () => {
    const server = await startScriptedServer(json({}));
    await server.close();
    await expect(connect(server.url).send(post)).rejects.toMatchObject({
      sent: false,
      message: 'no connection could be made (ECONNREFUSED)',
    });
  });

  it('says that nothing was sent when the other side does not speak TLS', async () => {
    const server = served(await startScriptedServer(json({})));
    const transport = connect(server.url.replace('http:', 'https:'));
    await expect(transport.send(post)).rejects.toMatchObject({ sent: false });
    expect(server.requests).toHaveLength(0);
  });

  it.each([
    ['cut before the answer', (): string => ''],
    ['cut in the middle of the answer', (): string => 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"succ'],
    ['cut in the middle of a chunk', (): string => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{"succ'],
    ['answered with garbage', (): string => '\u0000\u0001\u0002 hello\r\n\r\n'],
  ])('says that the request was sent when the connection is %s', async (_name, answer) => {
    const server = served(await startRawServer((socket) => socket.end(answer())));
    await expect(connect(server.url).send(post)).rejects.toMatchObject({ name: 'TransportError', sent: true });
  });

  it('gives up after the time-out on its clock, and closes the connection', async () => {
    const clock = new VirtualClock();
    const closed = Promise.withResolvers<undefined>();
    const arrived = Promise.withResolvers<undefined>();
    const server = served(
      await startScriptedServer((_request, response) => {
        response.on('close', () => {
          closed.resolve(undefined);
        });
        response.write('{');
        arrived.resolve(undefined);
      }),
    );
    const sending = connect(server.url, { clock, timeoutMs: 30_000 }).send(post);
    const failure = expect(sending).rejects.toMatchObject({ sent: true, message: 'no complete answer within 30 s' });
    await arrived.promise;
    await clock.advance(29_999);
    await clock.advance(1);
    await failure;
    await closed.promise;
  });

  it('does not send what was given up before there was a connection for it', async () => {
    const clock = new VirtualClock();
    const release: (() => void)[] = [];
    const server = served(
      await startScriptedServer((_request, response) => {
        release.push(() => response.end('{}'));
      }),
    );
    const transport = connect(server.url, { clock, maxConnections: 1 });
    const first = transport.send(post);
    const abort = new AbortController();
    const second = transport.send({ ...post, signal: abort.signal });
    const failure = expect(second).rejects.toMatchObject({ sent: false });
    abort.abort();
    await failure;
    await expect.poll(() => release.length).toBe(1);
    release[0]?.();
    await first;
    await transport.close();
    expect(server.requests).toHaveLength(1);
  });

  it('gives up at once what is aborted before it starts', async () => {
    const server = served(await startScriptedServer(json({})));
    await expect(connect(server.url).send({ ...post, signal: AbortSignal.abort() })).rejects.toMatchObject({
      sent: false,
    });
    expect(server.requests).toHaveLength(0);
  });

  it('keeps a connection for the next request, and opens another when it was closed meanwhile', async () => {
    const server = served(
      await startScriptedServer((request, response) => {
        response.end('{}');
        if (request.url.endsWith('last')) response.socket?.end();
      }),
    );
    const transport = connect(server.url);
    await transport.send(post);
    // undici takes a connection back only after the callback that brought us the answer has returned.
    await new Promise(setImmediate);
    await transport.send({ ...post, path: 'last' });
    await expect.poll(async () => (await transport.send(post)).status).toBe(200);
    expect(server.requests[1]?.connection).toBe(1);
    expect(server.requests.at(-1)?.connection).toBe(2);
  });

  it('takes a connection of its own for a call that makes something', async () => {
    const server = served(await startScriptedServer(json({})));
    const transport = connect(server.url);
    await transport.send(post);
    await transport.send({ ...post, ownConnection: true });
    await transport.send({ ...post, ownConnection: true });
    expect(server.requests.map((request) => request.connection)).toEqual([1, 2, 3]);
  });
});

describe('the base URL', () => {
  it.each(['', 'dashboard.tensordock.com', 'ftp://h/', 'http://user:pw@h/', 'http://h/?api_key=1', 'http://h/#x'])(
    'may not be "%s"',
    (url) => {
      expect(() => parseBaseUrl(url)).toThrow('the endpoint must be an http or https URL');
    },
  );

  it('loses slashes at its end', () => {
    expect(parseBaseUrl('https://h.example/api/v0//')).toEqual({ origin: 'https://h.example', path: '/api/v0' });
  });
});
