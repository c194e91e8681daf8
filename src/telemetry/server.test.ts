import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';

import { afterEach, describe, expect, test } from 'vitest';

import { startTelemetryServer, type HealthCheck, type TelemetryServer } from './server.ts';

let server: TelemetryServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function start(
  given: { host?: string; readiness?: Record<string, HealthCheck>; liveness?: Record<string, HealthCheck> } = {},
): Promise<string> {
  server = await startTelemetryServer({
    host: given.host ?? '127.0.0.1',
    port: 0,
    readiness: given.readiness ?? {},
    liveness: given.liveness ?? {},
    metrics: () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', text: 'up 1\n' }),
  });
  return server.url;
}

const hasIpv6 = Object.values(networkInterfaces()).some(
  (all) => all?.some(({ address }) => address === '::1') === true,
);

describe('the telemetry server', () => {
  test.each([
    ['127.0.0.1', true],
    ['[::1]', hasIpv6],
  ])('that is told to listen everywhere is reached at %s, where there is that', async (address, isThere) => {
    const { port } = new URL(await start({ host: '::' }));
    if (isThere) expect((await fetch(`http://${address}:${port}/healthz`)).status).toBe(200);
  });

  test('serves metrics', async () => {
    const answer = await fetch(`${await start()}/metrics`);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4');
    expect(await answer.text()).toBe('up 1\n');
  });

  test('is healthy while every check is, and lists them', async () => {
    const url = await start({ readiness: { stores: () => undefined }, liveness: {} });
    const ready = await fetch(`${url}/readyz?verbose`);
    expect([ready.status, await ready.text()]).toEqual([200, '[+] stores ok\nok\n']);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test('says which check fails and why, a check that throws included', async () => {
    const url = await start({
      readiness: {
        stores: () => 'GpuVm is not listed yet',
        broken: () => {
          throw new Error('boom');
        },
      },
    });
    const answer = await fetch(`${url}/readyz`);
    expect([answer.status, await answer.text()]).toEqual([
      503,
      '[-] stores failed: GpuVm is not listed yet\n[-] broken failed: boom\n2 failed\n',
    ]);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test.each([
    { method: 'GET', path: '/', status: 404 },
    { method: 'GET', path: '/metrics/../etc', status: 404 },
    { method: 'POST', path: '/metrics', status: 405 },
    { method: 'DELETE', path: '/healthz', status: 405 },
    { method: 'POST', path: '/nowhere', status: 404 },
    { method: 'HEAD', path: '/healthz', status: 200 },
  ])('answers $method $path with $status', async ({ method, path, status }) => {
    expect((await fetch((await start()) + path, { method })).status).toBe(status);
  });

  test('refuses nonsense and lives on', async () => {
    const url = await start();
    const { port } = new URL(url);
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.write('\x00\x01 not http\r\n\r\n'));
      socket.on('data', () => undefined);
      socket.on('close', () => {
        resolve();
      });
      socket.on('error', () => undefined);
    });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test('says on start that a port is taken', async () => {
    const url = await start();
    const port = Number(new URL(url).port);
    const again = startTelemetryServer({
      host: '127.0.0.1',
      port,
      readiness: {},
      liveness: {},
      metrics: () => Promise.resolve({ contentType: '', text: '' }),
    });
    await expect(again).rejects.toThrow('EADDRINUSE');
  });

  test('closes although a client keeps its connection open', async () => {
    const url = await start();
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await server?.close();
    await closed;
    server = undefined;
  });
});
