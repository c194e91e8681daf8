import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, it } from 'vitest';
import { systemClock } from '../lib/clock.ts';
import { HttpServer, type ConnectionLimits } from './http-server.ts';
import { Machine } from './machine.ts';

/** Real sockets that do what no client should, against the simulator's HTTP server. */

const credentials = 'api_key=key&api_token=token';
/** Short for those who use them up, and long for those who only have to be answered meanwhile. */
const limits: ConnectionLimits = { headersMs: 4_000, requestMs: 5_000, idleMs: 2_000, unreadMs: 2_000 };
/** How long a test may wait for what must come about; it never takes that long. */
const waiting = { timeout: 60_000 };
const patient = { timeout: 120_000 };

interface Rig {
  readonly server: HttpServer;
  readonly open: () => Promise<Socket>;
  readonly close: () => Promise<void>;
}

async function start(hosts = 8): Promise<Rig> {
  const machine = new Machine({ apiKey: 'key', apiToken: 'token', hosts }, systemClock.now());
  const server = new HttpServer({ machine, clock: systemClock, host: '127.0.0.1', port: 0, limits });
  const port = await server.listen();
  const sockets: Socket[] = [];
  const open = async (): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    await once(socket, 'connect');
    // What the server does to these connections is what is looked at; how it feels from here is not.
    socket.on('error', () => undefined);
    return socket;
  };
  const close = (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    return server.close();
  };
  return { server, open, close };
}

/** Everything the other side says until it hangs up. */
async function readAll(socket: Socket): Promise<string> {
  const chunks: string[] = [];
  socket.setEncoding('utf8');
  for await (const chunk of socket) chunks.push(chunk as string);
  return chunks.join('');
}

/** What somebody else gets meanwhile, on a connection of their own. */
async function ask({ open }: Rig): Promise<string> {
  const socket = await open();
  socket.write(post('auth/test', credentials));
  return (await readAll(socket)).split('\r\n\r\n')[1] ?? '';
}

function post(path: string, body: string, more = 'Connection: close\r\n'): string {
  const type = 'Content-Type: application/x-www-form-urlencoded\r\n';
  const length = `Content-Length: ${String(body.length)}\r\n`;
  return `POST /api/v0/${path} HTTP/1.1\r\nHost: x\r\n${more}${type}${length}\r\n${body}`;
}

/** Sends the same piece again and again until the connection is gone. */
function drip(socket: Socket, piece: string | Buffer, everyMs: number): void {
  const timer = setInterval(() => socket.write(piece), everyMs);
  socket.once('close', () => {
    clearInterval(timer);
  });
  socket.resume();
}

/** Writes as fast as the other side takes it. */
function flood(socket: Socket, piece: Buffer): void {
  const write = (): void => {
    while (!socket.destroyed && socket.writable && socket.write(piece));
  };
  socket.on('drain', write);
  socket.resume();
  write();
}

const chunk = Buffer.from(`10000\r\n${'x'.repeat(0x10000)}\r\n`);
const chunked = 'POST /api/v0/client/list HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';
const half = post('client/list', credentials).slice(0, -5);
const hostnodes = 'GET /api/v0/client/deploy/hostnodes HTTP/1.1\r\nHost: x\r\n\r\n';

interface Behavior {
  readonly name: string;
  readonly behave: (socket: Socket) => unknown;
  readonly connections?: number;
  readonly hosts?: number;
}

const behaviors: readonly Behavior[] = [
  { name: 'say nothing', behave: (socket) => socket.resume() },
  {
    name: 'stop in the middle of a header',
    behave: (socket) => socket.resume().write('POST /api/v0/client/li'),
  },
  {
    name: 'drip their headers',
    behave: (socket) => {
      socket.write('GET / HTTP/1.1\r\n');
      drip(socket, 'X: y\r\n', 20);
    },
  },
  { name: 'stop in the middle of a body', behave: (socket) => socket.resume().write(half) },
  {
    name: 'drip their body',
    behave: (socket) => {
      socket.write(chunked);
      drip(socket, '1\r\nx\r\n', 20);
    },
  },
  {
    name: 'send a body without end',
    behave: (socket) => {
      socket.write(chunked);
      flood(socket, chunk);
    },
  },
  {
    name: 'announce a gigabyte and begin with it',
    behave: (socket) => {
      socket.write('POST /api/v0/client/list HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n');
      flood(socket, Buffer.alloc(65_536, 'x'));
    },
  },
  {
    name: 'send garbage without end',
    behave: (socket) => {
      flood(socket, Buffer.alloc(65_536, 0x16));
    },
  },
  { name: 'close their half before their request is complete', behave: (socket) => socket.resume().end(half) },
  { name: 'stay after their answer', behave: (socket) => socket.resume().write(post('client/list', credentials, '')) },
  {
    // 2,000 hosts are more than a megabyte, and five answers more than fits between two sockets.
    ...{ name: 'ask for much and never read it', hosts: 2_000, connections: 5 },
    behave: (socket) => socket.pause().write(hostnodes.repeat(5)),
  },
  {
    ...{ name: 'ask for much, read a little and stop', hosts: 2_000, connections: 5 },
    behave: (socket) => {
      socket.write(hostnodes.repeat(5));
      socket.once('data', () => socket.pause());
    },
  },
  {
    name: 'are cut in the middle of their request',
    behave: (socket) => {
      socket.write(half, () => socket.resetAndDestroy());
    },
  },
  {
    name: 'are cut in the middle of their answer',
    behave: (socket) => {
      socket.write(hostnodes);
      socket.once('data', () => socket.resetAndDestroy());
    },
  },
];

// Side by side, since each mostly waits until its time is over.
describe.concurrent('connections', () => {
  it.for(behaviors)(
    'that $name keep nobody waiting, and do not stay',
    patient,
    async (behavior, { expect, onTestFinished }) => {
      const rig = await start(behavior.hosts);
      onTestFinished(rig.close);
      const bad = await Promise.all(Array.from({ length: behavior.connections ?? 50 }, rig.open));
      for (const socket of bad) behavior.behave(socket);
      expect(await ask(rig)).toBe('{"success":true}\n');
      await expect.poll(() => rig.server.openConnections(), waiting).toBe(0);
      expect(await ask(rig)).toBe('{"success":true}\n');
    },
  );
});

describe.concurrent('a bad request', () => {
  it.for([
    ['no HTTP at all', '\u0016\u0003\u0001 this is no HTTP\r\n\r\n', '400 Bad Request'],
    ['a malformed chunk', `${chunked}zz\r\n`, '400 Bad Request'],
    ['two lengths', 'POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', '400 Bad Request'],
    ['a negative length', 'POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n', '400 Bad Request'],
    ['an address that is none', 'GET //[ HTTP/1.1\r\nConnection: close\r\n\r\n', '400 Bad Request'],
    ['headers that are too large', `GET / HTTP/1.1\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`, '431 Request Header'],
    ['an announced body that is too large', 'POST / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n', '413 Payload'],
    ['another method', 'TRACE /api/v0/client/list HTTP/1.1\r\nConnection: close\r\n\r\n', '405 Method Not Allowed'],
    ['no host, and an expectation', 'GET /x HTTP/1.1\r\nExpect: magic\r\nConnection: close\r\n\r\n', '404 Not Found'],
    ['a header that does not end', 'GET / HT', '408 Request Timeout'],
    ['a body that does not end', half, '408 Request Timeout'],
  ] as const)(
    '%s gets its status and JSON, and the connection is closed',
    patient,
    async ([, text, status], { expect, onTestFinished }) => {
      const rig = await start();
      onTestFinished(rig.close);
      const socket = await rig.open();
      socket.write(text);
      const [head = '', body = ''] = (await readAll(socket)).split('\r\n\r\n');
      expect(head).toContain(`HTTP/1.1 ${status}`);
      expect(head.toLowerCase()).toContain('content-type: application/json');
      expect(JSON.parse(body)).toEqual({ success: false, error: expect.any(String) as string });
    },
  );

  it('does not spoil the good ones before and after it on its connection', async ({ expect, onTestFinished }) => {
    const rig = await start();
    onTestFinished(rig.close);
    const socket = await rig.open();
    const good = post('auth/test', credentials, '');
    socket.write(`${good}${post('client/start/single', 'api_key=%zz&&&=&server=%ff', '')}${good}`);
    const statuses = (await readAll(socket)).match(/HTTP\/1\.1 \d+/g);
    expect(statuses).toEqual(['HTTP/1.1 200', 'HTTP/1.1 401', 'HTTP/1.1 200']);
  });

  it('that is half closed after it is complete still gets its answer', async ({ expect, onTestFinished }) => {
    const rig = await start();
    onTestFinished(rig.close);
    const socket = await rig.open();
    socket.end(post('auth/test', credentials));
    expect(await readAll(socket)).toContain('{"success":true}');
  });
});
