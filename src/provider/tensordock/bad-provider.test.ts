import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../lib/virtual-clock.ts';
import { createHttpTransport, type HttpAnswer, type HttpRequest, type HttpTransport } from './http.ts';

/** Real sockets of a provider that does what no server should: it must cost nobody but the call itself anything. */

const waiting = { timeout: 30_000 };

type Behavior = (socket: Socket) => unknown;

const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';
const answer = (body: string): string => `${head}Content-Length: ${String(body.length)}\r\n\r\n${body}`;

/** Answers requests for "good" as it should, and does with the others what the test says. */
class BadProvider {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Connections on which something bad was asked for. */
  readonly bad = new Set<Socket>();

  constructor(behave: Behavior) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        this.bad.delete(socket);
      });
      socket.on('data', (data) => {
        if (data.toString('latin1').includes('/good')) {
          socket.write(answer('{"success":true}'));
        } else if (!this.bad.has(socket)) {
          this.bad.add(socket);
          behave(socket);
        }
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}/api/v0`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      for (const socket of this.#sockets) socket.destroy();
    });
  }
}

/** Writes as fast as it is read. */
function flood(socket: Socket, piece: Buffer): void {
  const write = (): void => {
    while (!socket.destroyed && socket.writable && socket.write(piece));
  };
  socket.on('drain', write);
  write();
}

function drip(socket: Socket, piece: string): void {
  const timer = setInterval(() => socket.write(piece), 5);
  socket.once('close', () => {
    clearInterval(timer);
  });
}

const chunk = Buffer.from(`10000\r\n${'x'.repeat(0x10000)}\r\n`);

function request(path: string): HttpRequest {
  const rest = { query: undefined, body: 'api_key=k', ownConnection: false, signal: undefined };
  return { method: 'POST', path, ...rest };
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

interface Rig {
  readonly clock: VirtualClock;
  readonly provider: BadProvider;
  readonly transport: HttpTransport;
  /** Of another account at the same provider. */
  readonly other: HttpTransport;
}

async function rig(behave: Behavior): Promise<Rig> {
  const clock = new VirtualClock();
  const provider = new BadProvider(behave);
  closers.push(() => provider.close());
  const baseUrl = await provider.listen();
  const connectTo = (): HttpTransport =>
    createHttpTransport({ baseUrl, clock, allowPrivate: true, maxAnswerBytes: 1_000_000 });
  return { clock, provider, transport: connectTo(), other: connectTo() };
}

function outcomesOf(calls: readonly Promise<HttpAnswer>[]): Promise<unknown[]> {
  return Promise.all(calls.map((call) => call.catch((error: unknown) => error)));
}

/** Those that never end by themselves. */
const hanging: readonly (readonly [name: string, behave: Behavior])[] = [
  ['says nothing', () => undefined],
  ['stops in the middle of its headers', (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-')],
  ['stops after its headers', (socket) => socket.write(`${head}Content-Length: 100\r\n\r\n`)],
  ['stops in the middle of its body', (socket) => socket.write(`${head}Content-Length: 100\r\n\r\n{"succ`)],
  ['stops in the middle of a chunk', (socket) => socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n40\r\n{"s`)],
  [
    'drips its body',
    (socket) => {
      socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
      drip(socket, '1\r\nx\r\n');
    },
  ],
  [
    'drips a body whose length it did not tell',
    (socket) => {
      socket.write(`${head}\r\n`);
      drip(socket, 'x');
    },
  ],
];

/** Those that are found out before their time is over. */
const disproved: readonly (readonly [name: string, behave: Behavior, message: string])[] = [
  [
    'sends a body without end',
    (socket) => {
      socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
      flood(socket, chunk);
    },
    'larger than 1000000 bytes',
  ],
  [
    'announces a gigabyte and begins with it',
    (socket) => {
      socket.write(`${head}Content-Length: 1000000000\r\n\r\n`);
      flood(socket, Buffer.alloc(65_536, 'x'));
    },
    'larger than 1000000 bytes',
  ],
  [
    'sends headers without end',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      flood(socket, Buffer.from(`X-${'y'.repeat(1000)}: z\r\n`));
    },
    'cut before the answer was complete',
  ],
  [
    'sends garbage without end',
    (socket) => {
      flood(socket, Buffer.alloc(65_536, 0x16));
    },
    'cut before the answer was complete',
  ],
  ['hangs up without an answer', (socket) => socket.end(), 'cut before the answer was complete'],
  ['hangs up in its headers', (socket) => socket.end('HTTP/1.1 200'), 'cut before the answer was complete'],
  ['hangs up in its body', (socket) => socket.end(`${head}Content-Length: 9\r\n\r\n{`), 'cut before the answer was'],
  ['resets the connection', (socket) => socket.resetAndDestroy(), 'cut before the answer was complete'],
];

async function otherCallsGoOn({ transport, other }: Rig): Promise<void> {
  const calls = [transport, other].flatMap((one) => Array.from({ length: 10 }, () => one.send(request('good'))));
  const bodies = (await Promise.all(calls)).map(({ body }) => body);
  expect(bodies).toEqual(bodies.map(() => '{"success":true}'));
}

describe('a provider that', { timeout: 60_000 }, () => {
  it.each(hanging)('%s holds up nothing but the call, which ends in time', async (_, behave) => {
    const given = await rig(behave);
    const calls = Array.from({ length: 20 }, () => given.transport.send(request('bad')));
    const outcomes = outcomesOf(calls);
    await expect.poll(() => given.provider.bad.size, waiting).toBe(20);
    await otherCallsGoOn(given);
    await given.clock.advance(30_000);
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ name: 'TransportError', sent: true, message: 'no complete answer within 30 s' });
    }
    await expect.poll(() => given.provider.bad.size, waiting).toBe(0);
    await otherCallsGoOn(given);
  });

  it.each(disproved)('%s fails the call and nothing else', async (_, behave, message) => {
    const given = await rig(behave);
    const outcomes = outcomesOf(Array.from({ length: 20 }, () => given.transport.send(request('bad'))));
    await otherCallsGoOn(given);
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ name: 'TransportError', sent: true });
      expect(outcome).toHaveProperty('message', expect.stringContaining(message));
    }
    await expect.poll(() => given.provider.bad.size, waiting).toBe(0);
    await otherCallsGoOn(given);
    expect(given.clock.nextDue()).toBeUndefined();
  });

  it('answers twice does not answer the next call by that', async () => {
    const given = await rig((socket) => socket.write(answer('{"n":1}') + answer('{"n":2}')));
    const first = await outcomesOf([given.transport.send(request('bad'))]);
    expect(JSON.stringify(first)).not.toContain('"n\\":2');
    for (let i = 0; i < 5; i++) expect((await given.transport.send(request('good'))).body).toBe('{"success":true}');
  });
});
