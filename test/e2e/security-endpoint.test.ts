import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';

import type { Condition } from '../../src/api/conditions.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createHttpTransport } from '../../src/provider/tensordock/http.ts';
import { OperatorProcess } from '../support/operator-process.ts';
import { Stage } from '../support/stage.ts';
import { until } from '../support/until.ts';

/** The operator calls no address that it must not be aimed at, and believes nobody without a certificate. */

/** An HTTP server that counts who connects, and answers everything in one way. */
class Bystander {
  connections = 0;
  readonly #server: Server;

  constructor(answer: { readonly status: number; readonly location?: string }) {
    this.#server = createServer((_request, response) => {
      const headers = answer.location === undefined ? {} : { location: answer.location };
      response.writeHead(answer.status, headers).end('{"success": true, "virtualmachines": {}}');
    });
    this.#server.on('connection', () => {
      this.connections += 1;
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** The message of the account's condition, once it says what is the matter. */
async function saidBy(stage: Stage, endpoint: string, pattern: RegExp): Promise<string> {
  const team = await stage.organization({ endpoint: () => endpoint });
  const condition = (): Promise<Condition | undefined> => team.accountCondition('Ready');
  return until(
    `the account says ${String(pattern)}`,
    async () => {
      const { message = '' } = (await condition()) ?? {};
      return pattern.test(message) && message;
    },
    condition,
  );
}

describe('of an operator that was not allowed to call private addresses', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.set({ 'allow-private-endpoints': undefined });
  });

  afterAll(() => stage.strike());

  /** What the API server says to an account with this endpoint; nothing is stored. */
  async function verdictOn(endpoint: string): Promise<string> {
    const spec = { endpoint, credentialsSecretRef: { namespace: 'default', name: 'tensordock' } };
    const account = { apiVersion: 'gpuvm.dev/v1alpha1', kind: 'GpuAccount', metadata: { name: 'tried' }, spec };
    return stage.cluster
      .raw('/apis/gpuvm.dev/v1alpha1/gpuaccounts?dryRun=All', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(account),
      })
      .then(
        () => 'admitted',
        (error: unknown) => String(error),
      );
  }

  test.each([
    'https://dashboard.tensordock.com/api/v0',
    'https://provider.example:8443',
    'https://192.0.2.1/api',
    'https://10.1.2.3/api',
    'https://[2606:4700::1111]/api',
    'https://[::1]:8443/',
    'http://127.0.0.1:8080/api/v0',
    'http://[::1]:8080/api/v0',
    'http://simulator.gpuvm-system.svc:8080/api/v0',
    'http://simulator.gpuvm-system.svc.cluster.local/',
  ])('the API server admits the endpoint %s', async (endpoint) => {
    expect(await verdictOn(endpoint)).toBe('admitted');
  });

  test.each([
    ['a link-local address', 'https://169.254.169.254/latest', /link-local/],
    ['a link-local IPv6 address', 'https://[fe80::1]/', /link-local/],
    ['one with a zone', 'https://[fe80::1%25eth0]/', /must be a URL such as/],
    ['one mapped into IPv6', 'https://[::ffff:169.254.169.254]/', /must be a URL such as/],
    ['one mapped into IPv6 in hexadecimal', 'https://[::ffff:a9fe:a9fe]/', /link-local/],
    ['one translated into IPv6', 'https://[64:ff9b::a9fe:a9fe]/', /link-local/],
    ['one tunnelled through IPv6', 'https://[2002:a9fe:a9fe::1]/', /link-local/],
    ['the decimal form of an address', 'https://2852039166/', /four decimal numbers/],
    ['the hexadecimal form of an address', 'https://0xa9fea9fe/', /four decimal numbers/],
    ['a mixed form of an address', 'https://0xa9.254.0251.0xfe/', /four decimal numbers/],
    ['an octal form of an address', 'https://0251.0376.0251.0376/', /four decimal numbers/],
    ['a short form of an address', 'http://127.1/', /four decimal numbers/],
    ['this network', 'https://0.0.0.0/', /reserved/],
    ['the unspecified IPv6 address', 'https://[::]/', /reserved/],
    ['a multicast address', 'https://224.0.0.1/', /multicast/],
    ['the metadata service of Azure', 'https://168.63.129.16/', /metadata/],
    ['the metadata service of Alibaba', 'https://100.100.100.200/', /metadata/],
    ['the metadata service of AWS by IPv6', 'https://[fd00:ec2::254]/', /metadata/],
    ['the metadata service of Google by name', 'https://metadata.google.internal/', /metadata/],
    ['digits of another script', 'https://１６９.254.169.254/', /must be a URL such as/],
    ['escapes', 'https://%31%36%39.254.169.254/', /must be of type uri/],
    ['a backslash', 'https://provider.example\\@169.254.169.254/', /must be of type uri/],
    ['upper case', 'https://METADATA.google.internal/', /must be a URL such as/],
    ['a dot at the end', 'https://metadata.google.internal./', /must be a URL such as/],
    ['credentials', 'https://key:token@provider.example/', /must be a URL such as/],
    ['a query', 'https://provider.example/?a=b', /must be a URL such as/],
    ['a line break', 'https://provider.example/\nHost: other', /must be of type uri/],
    ['plain http', 'http://provider.example/', /must be an https URL/],
    ['plain http to a private address', 'http://10.1.2.3/', /must be an https URL/],
    ['another scheme', 'file:///etc/passwd', /must be a URL such as/],
  ])('the API server refuses an endpoint that is %s', async (_, endpoint, reason) => {
    expect(await verdictOn(endpoint)).toMatch(reason);
  });

  test('an endpoint on this machine, by address or by a name that leads there, is not called', async () => {
    const bystander = new Bystander({ status: 200 });
    stage.atEnd(bystander);
    const address = await bystander.listen();
    expect(await saidBy(stage, `http://${address}/api/v0`, /127\.0\.0\.1 is a private/)).toContain(
      '--allow-private-endpoints',
    );
    await saidBy(stage, `http://${address.replace('127.0.0.1', 'localhost')}/api/v0`, /"localhost" cannot be used/);
    expect(bystander.connections).toBe(0);
  });
});

describe('of an operator that was allowed to', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.set();
  });

  afterAll(() => stage.strike());

  test('a redirect is not followed', async () => {
    const target = new Bystander({ status: 200 });
    const address = await target.listen();
    const redirecting = new Bystander({ status: 307, location: `http://${address}/api/v0/client/list` });
    for (const closing of [target, redirecting]) stage.atEnd(closing);
    await saidBy(stage, `http://${await redirecting.listen()}/api/v0`, /redirect .* is not followed/);
    expect(redirecting.connections).toBeGreaterThan(0);
    expect(target.connections).toBe(0);
  });

  test('a provider whose certificate no known authority has signed is not given the credentials', async () => {
    // The API server's own certificate is as good as any: its authority was made for this test.
    const message = await saidBy(stage, `${stage.cluster.server}/api/v0`, /certificate/);
    expect(message).toMatch(/certificate of the endpoint is not trusted \(\w+\).*NODE_EXTRA_CA_CERTS/);
  });

  test('the environment does not switch the verification off, and an operator that is told to does not start', async () => {
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    const transport = createHttpTransport({ baseUrl: stage.cluster.server, clock: systemClock, allowPrivate: true });
    const request = { method: 'GET', path: 'version', query: undefined, body: undefined } as const;
    try {
      const call = transport.send({ ...request, ownConnection: false, signal: undefined });
      await expect(call).rejects.toThrow(/certificate of the endpoint is not trusted/);
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
      await transport.close();
    }
    const misled = new OperatorProcess(stage.cluster.kubeconfigPath, {}, { NODE_TLS_REJECT_UNAUTHORIZED: '0' });
    await expect(misled.started).rejects.toThrow(/NODE_TLS_REJECT_UNAUTHORIZED=0 .* unset it/);
  });

  test('nor does an operator start whose kubeconfig skips the verification, or names another authority', async () => {
    interface Kubeconfig {
      clusters: { cluster: Record<string, unknown> }[];
    }
    const text = await readFile(stage.cluster.kubeconfigPath, 'utf8');
    const change = async (name: string, cluster: Record<string, unknown>): Promise<string> => {
      const kubeconfig = parse(text) as Kubeconfig;
      for (const entry of kubeconfig.clusters) {
        entry.cluster = { server: entry.cluster['server'], ...cluster };
      }
      const file = path.join(path.dirname(stage.wire.kubeconfigPath), name);
      await writeFile(file, stringify(kubeconfig), { mode: 0o600 });
      return file;
    };
    const skipping = new OperatorProcess(await change('skipping', { 'insecure-skip-tls-verify': true }));
    await expect(skipping.started).rejects.toThrow(/insecure-skip-tls-verify.*certificate-authority-data/);
    const without = new OperatorProcess(await change('without', {}));
    await expect(without.started).rejects.toThrow(/cannot reach the API server: .*certificate/);
  });
});
