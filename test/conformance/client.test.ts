import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { Redactor } from '../../src/lib/redact.ts';
import * as api from '../../src/provider/tensordock/client.ts';
import { endpoints } from '../../src/provider/tensordock/endpoint.ts';
import { startScriptedServer, type ScriptedServer } from '../../src/provider/tensordock/testing/scripted-server.ts';
import { containerId, deploy, deployInstant, savedCalls, vmId, type Call } from '../support/tensordock/calls.ts';
import { pair } from '../support/tensordock/inhabited.ts';
import {
  examples,
  readSaved,
  readSavedText,
  savedHostnode,
  type Example,
  type Json,
  type JsonObject,
} from '../support/tensordock/saved.ts';

/**
 * Every saved request of the provider's collection is made with our client, must look on the wire as it was recorded, and
 * is answered with the saved response, which must parse.
 */

/** Where the saved call does not fit its own request (API reference 12, point 9), what we send instead, and why. */
const deviations: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // All fields were switched off in the saved call.
  'client-spot-validate-existing.200.json': { ...pair, server: vmId, price: '0.205' },
  'client-spot-validate-existing.error-price-too-low.json': { ...pair, server: vmId, price: '0.205' },
  // The id was blank.
  'client-get-single.200.json': { ...pair, server: vmId },
  // Credentials in the body of a GET, switched off in the definition: left out.
  'client-container-replicas.200.json': {},
};

/** The body that the recorded parameters make, in their order, with our pair for the one that was blanked. */
function recordedBody(example: Example): string {
  const recorded = deviations[example.file] ?? { ...example.request.params };
  const fields = 'api_key' in recorded ? { ...recorded, ...pair } : recorded;
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${encodeURIComponent(name === 'cloudinit_script' ? value.trimEnd() : value)}`)
    .join('&');
}

/** Answers of which a caller gets the whole or a named part. */
const wholes: readonly (readonly [file: string, make: Call, partOf: (saved: JsonObject) => Json | undefined])[] = [
  ['auth-list.200.json', api.authList, (saved) => saved.authorizations],
  ['client-deploy-hostnodes.200.json', (call) => api.hostnodes(call), (saved) => saved.hostnodes],
  [
    'client-deploy-hostnodes-single.200.json',
    (call) => api.hostnode(call, savedHostnode),
    (saved) => saved[savedHostnode],
  ],
  ['client-deploy-single.200.json', deploy, (saved) => saved],
  ['client-list.200.json', (call) => api.list(call).then(({ vms }) => vms), (saved) => saved.virtualmachines],
  ['client-get-single.200.json', (call) => api.getSingle(call, vmId), (saved) => saved.virtualmachine],
  ['client-deploy-instantvms.200.json', api.instantVms, (saved) => saved],
  ['client-container-replicas.200.json', (call) => api.containerReplicas(call, containerId), (saved) => saved.result],
  ['billing-balance.200.json', api.billingBalance, (saved) => saved],
  ['billing-revenue.200.json', (call) => api.billingRevenue(call), (saved) => saved],
  ['billing-summary.200.json', (call) => api.billingSummary(call, '2024-01'), (saved) => saved],
];

/** The keys of everything in a value, in order; those of forwarded ports are pairs at our side and are left out. */
function keysIn(value: unknown, path = ''): string[] {
  if (value instanceof Map) return keysIn(Object.fromEntries(value), path);
  if (Array.isArray(value)) return value.flatMap((one, index) => keysIn(one, `${path}[${String(index)}]`));
  if (typeof value !== 'object' || value === null || isAtom(value)) return [];
  return Object.entries(value)
    .flatMap(([key, member]) => {
      const inner = key === 'port_forwards' ? [] : keysIn(member, `${path}.${key}`);
      return [`${path}.${key}`, ...inner];
    })
    .sort();
}

/** Amounts and dates. */
function isAtom(value: object): boolean {
  return value instanceof Date || 'toFixed' in value;
}

describe('the client', () => {
  let server: ScriptedServer;
  let transport: api.HttpTransport;
  let call: api.Caller;
  let answer = { status: 200, body: '' };

  beforeAll(async () => {
    server = await startScriptedServer((_request, response) => {
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(answer.body);
    });
    transport = api.createHttpTransport({ baseUrl: server.url, clock: systemClock, allowPrivate: true });
    const credentials = { apiKey: pair.api_key, apiToken: pair.api_token };
    call = api.createCaller({
      transport,
      clock: systemClock,
      credentials: () => credentials,
      redactor: new Redactor(),
    });
  });

  afterAll(async () => {
    await transport.close();
    await server.close();
  });

  it.each(examples.map((example) => [example.file, example] as const))(
    'sends what was recorded and reads %s',
    async (file, example) => {
      const [make, understood] = savedCalls.get(file) ?? expect.fail(`no call for ${file}`);
      answer = { status: example.status ?? 200, body: readSavedText(file) };
      const result = await make(call);
      if (typeof understood === 'object' && understood !== null) expect(result).toMatchObject(understood);
      else expect(result).toEqual(understood);
      const sent = server.requests.at(-1) ?? expect.fail('nothing was sent');
      const path = example.endpoint.replace('<hostnode_uuid>', savedHostnode).replace('<container_id>', containerId);
      expect(sent).toMatchObject({ url: path, body: recordedBody(example) });
      expect(sent.method).toBe(example.method);
    },
  );

  it.each(wholes)('keeps everything that %s holds', async (file, make, partOf) => {
    answer = { status: 200, body: readSavedText(file) };
    const saved = partOf(readSaved(file) as JsonObject);
    expect(keysIn(await make(call))).toEqual(keysIn(saved));
  });

  it('keeps what nobody has described', async () => {
    const saved = readSaved('client-list.200.json') as { virtualmachines: Record<string, object> };
    const vmsWithMore = Object.entries(saved.virtualmachines).map(([id, vm]): [string, object] => [
      id,
      { ...vm, nvlink: { lanes: 4 } },
    ]);
    answer = { status: 200, body: JSON.stringify({ success: true, virtualmachines: Object.fromEntries(vmsWithMore) }) };
    const { vms } = await api.list(call);
    expect([...vms.values()]).toMatchObject([{ nvlink: { lanes: 4 } }, { nvlink: { lanes: 4 } }]);
  });

  it('shows a VM that it cannot read as it came', async () => {
    answer = { status: 200, body: '{"success":true,"virtualmachines":{"a":{"name":"x","status":7}}}' };
    const { vms, unreadable } = await api.list(call);
    expect(vms.size).toBe(0);
    expect(unreadable.get('a')).toEqual({ name: 'x', status: 7 });
  });

  it('encodes port lists and cloud-init to the byte as recorded', async () => {
    answer = { status: 200, body: readSavedText('client-deploy-single.200.json') };
    await deploy(call);
    expect(server.requests.at(-1)?.body).toContain(
      'external_ports=%7B30118%2C%2030117%7D&internal_ports=%7B22%2C%2080%7D',
    );
    answer = { status: 200, body: readSavedText('client-deployinstant-single.200.json') };
    await deployInstant(call);
    expect(server.requests.at(-1)?.body).toContain('cloudinit_script=write_files%3A%5Cn%20%20-%20path');
  });

  it('has a call for every saved response, and an endpoint for every request', () => {
    expect([...savedCalls.keys()].sort()).toEqual(examples.map((example) => example.file).sort());
    const recorded = new Set(examples.map(({ method, endpoint }) => `${method} ${endpoint.replace('/api/v0/', '')}`));
    const ours = Object.values(endpoints).map(({ method, path }) => `${method} ${path}`);
    expect(ours.map((one) => one.replace('<hostnode>', '<hostnode_uuid>')).sort()).toEqual([...recorded].sort());
    expect(ours).toHaveLength(22);
  });
});
