import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, expect, it } from 'vitest';

import { assertInReach, ForbiddenAddressError, guardedLookup, type GuardOptions } from './guarded-lookup.ts';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A name server that gives these answers, one after the other, and the last one for ever. */
function answering(...answers: string[][]): Required<GuardOptions>['lookup'] & { readonly asked: string[] } {
  const asked: string[] = [];
  return Object.assign(
    ((host, _options, callback) => {
      const answer = answers[Math.min(asked.length, answers.length - 1)] ?? [];
      asked.push(host);
      callback(
        null,
        answer.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    }) satisfies Required<GuardOptions>['lookup'],
    { asked },
  );
}

async function listener(): Promise<{ readonly port: number; readonly connections: () => number }> {
  let count = 0;
  const server = createServer((socket) => {
    count += 1;
    socket.destroy();
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, connections: () => count };
}

async function tryTo(port: number, guard: GuardOptions): Promise<unknown> {
  const socket = connect({ host: 'vm.example', port, lookup: guardedLookup(guard) });
  const failed = once(socket, 'error').then(([error]) => error as unknown);
  const result = await Promise.race([once(socket, 'connect').then(() => 'connected'), failed]);
  socket.destroy();
  return result;
}

it('a name that leads to a private address is refused before a socket is opened', async () => {
  const { port, connections } = await listener();
  const error = await tryTo(port, { allowPrivate: false, lookup: answering(['127.0.0.1']) });
  expect(error).toBeInstanceOf(ForbiddenAddressError);
  expect((error as Error).message).toBe(
    '"vm.example" cannot be used: 127.0.0.1 is a private or loopback address, where nothing is sent',
  );
  expect(connections()).toBe(0);
});

it('a name with several addresses is refused when one of them is out of reach, in whatever place', async () => {
  const { port, connections } = await listener();
  for (const addresses of [
    ['127.0.0.1', '169.254.169.254'],
    ['169.254.169.254', '127.0.0.1'],
    ['127.0.0.1', '::ffff:169.254.169.254'],
  ]) {
    const error = await tryTo(port, { allowPrivate: true, lookup: answering(addresses) });
    expect(error, addresses.join()).toBeInstanceOf(ForbiddenAddressError);
  }
  expect(connections()).toBe(0);
});

it('a name is asked once per connection, and the socket goes to the address that was judged', async () => {
  const { port, connections } = await listener();
  const lookup = answering(['127.0.0.1'], ['169.254.169.254']);
  expect(await tryTo(port, { allowPrivate: true, lookup })).toBe('connected');
  expect(lookup.asked).toEqual(['vm.example']);
  expect(await tryTo(port, { allowPrivate: true, lookup })).toBeInstanceOf(ForbiddenAddressError);
  expect(connections()).toBeLessThanOrEqual(1);
});

it('a name that nobody knows fails as names do', async () => {
  const unknown: Required<GuardOptions>['lookup'] = (_host, _options, callback) => {
    callback(Object.assign(new Error('getaddrinfo ENOTFOUND vm.example'), { code: 'ENOTFOUND' }), []);
  };
  expect(await tryTo(1, { allowPrivate: true, lookup: unknown })).toMatchObject({ code: 'ENOTFOUND' });
});

it('an address needs no lookup and is judged as it stands; a name passes', () => {
  const guard = { allowPrivate: false };
  for (const host of ['10.0.0.1', '169.254.169.254', '::1', '::ffff:169.254.169.254', 'fe80::1%eth0']) {
    expect(() => {
      assertInReach(host, guard);
    }, host).toThrow(ForbiddenAddressError);
  }
  assertInReach('8.8.8.8', guard);
  assertInReach('dashboard.example', guard);
});

it.each(['2130706433', '0x7f000001', '0x7f.1', '0177.0.0.1', '127.1', 'localhost'])(
  'what the system takes for the address of this machine is refused: %s',
  async (host) => {
    const socket = connect({ host, port: 1, lookup: guardedLookup({ allowPrivate: false }) });
    const [error] = (await once(socket, 'error')) as [Error];
    // Some systems do not take these for addresses at all.
    expect(error instanceof ForbiddenAddressError || (error as NodeJS.ErrnoException).code === 'ENOTFOUND').toBe(true);
  },
);
