import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { Redactor } from '../../src/lib/redact.ts';
import { ProviderError } from '../../src/provider/error.ts';
import * as api from '../../src/provider/tensordock/client.ts';
import { createTensorDockProvider, type TensorDockProvider } from '../../src/provider/tensordock/provider.ts';
import { startScriptedServer, type ScriptedServer } from '../../src/provider/tensordock/testing/scripted-server.ts';
import { savedCalls } from '../support/tensordock/calls.ts';

/** Whatever the provider answers to whatever was asked: a value, or a ProviderError, and soon. */

/** Deep enough for JSON.stringify to run out of stack, though JSON.parse reads it. */
const nested = 20_000;
const deep = '['.repeat(nested) + ']'.repeat(nested);

const bodies: Readonly<Record<string, string | Buffer>> = {
  'nothing at all': '',
  'a null': 'null',
  'a list': '[]',
  'a text': '"success"',
  'a huge number': '9'.repeat(400),
  'an HTML page': '<!doctype html><html><body><h1>Internal Server Error</h1></body></html>',
  'JSON that breaks off': '{"success": true, "virtualmachines": {"a": {"na',
  'JSON behind a byte order mark': '\uFEFF{"success": true}',
  'bytes that are no UTF-8': Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
  'an empty object': '{}',
  'a bare success': '{"success": true}',
  'a success in words': '{"success": "True"}',
  'a success that is an object': '{"success": {"really": true}}',
  'an error that is an object': '{"success": false, "error": {"code": 7, "why": ["x"]}}',
  'an error without end': `{"success": false, "error": ${deep}}`,
  'a list of VMs that is a number': '{"success": true, "virtualmachines": 5, "hostnodes": 5, "authorizations": 5}',
  'members that are all null':
    '{"success": true, "virtualmachines": null, "virtualmachine": null, "hostnodes": null, "server": null, "vm": null}',
  'VMs that are anything': `{"success": true, "virtualmachines": {"a": null, "b": [], "c": {"name": {}}, "d": ${deep}}}`,
  'a key that is a trap':
    '{"success": true, "__proto__": {"success": false}, "virtualmachines": {"__proto__": {"a": 1}}}',
  'amounts that are none': '{"success": true, "balance": "lots", "hourly_cost": 1e400, "server": 5, "vm": []}',
};

const statuses = [200, 204, 302, 400, 401, 404, 418, 429, 500, 503];

let server: ScriptedServer;
let transport: api.HttpTransport;
let provider: TensorDockProvider;
let call: api.Caller;
let answer: { status: number; body: string | Buffer } = { status: 200, body: '' };

beforeAll(async () => {
  server = await startScriptedServer((_request, response) => {
    response.writeHead(answer.status, { 'content-type': 'application/json', 'retry-after': 'whenever' });
    response.end(answer.body);
  });
  const credentials = () => ({ apiKey: 'the-key', apiToken: 'the-token' });
  const common = { clock: systemClock, credentials, redactor: new Redactor() };
  transport = api.createHttpTransport({ baseUrl: server.url, clock: systemClock, allowPrivate: true });
  call = api.createCaller({ transport, ...common });
  provider = createTensorDockProvider({ endpoint: server.url, allowPrivate: true, ...common });
});

afterAll(async () => {
  await transport.close();
  await provider.close();
  await server.close();
});

describe('a provider that answers with', { timeout: 60_000 }, () => {
  it.each(Object.entries(bodies))('%s gets nothing but a value or a ProviderError out of any call', async (_, body) => {
    for (const status of statuses) {
      answer = { status, body };
      for (const [file, [make]] of savedCalls) {
        const outcome: unknown = await make(call).catch((error: unknown) => error);
        const isError = outcome instanceof Error;
        if (isError) expect([file, status, outcome]).toEqual([file, status, expect.any(ProviderError) as unknown]);
        // A refusal must never pass for something that was done.
        if (!isError && status >= 400) expect([file, outcome]).toEqual([file, false]);
      }
    }
  });

  it.each(Object.entries(bodies))('%s gets nothing but a listing or a ProviderError out of a poll', async (_, body) => {
    for (const status of statuses) {
      answer = { status, body };
      const outcome: unknown = await provider.listVms().catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(ProviderError);
      else expect(outcome).toMatchObject({ vms: [] });
    }
  });
});
