import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../src/lib/virtual-clock.ts';
import { startSimulator, type RunningSimulator } from '../../src/sim/index.ts';

/**
 * Every saved request of the provider's collection is sent to the simulator over HTTP, and the answer must have the
 * keys and JSON types of the saved response. What the simulator adds to them is listed here, member by member.
 */

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

interface Example {
  readonly endpoint: string;
  readonly method: string;
  readonly example: string;
  readonly request: {
    readonly in: 'urlencoded' | 'formdata' | 'query' | 'none';
    readonly params: Record<string, string>;
  };
  readonly file: string;
  readonly status: number | null;
  readonly assumed_status: number | null;
  readonly headers: Readonly<Record<string, string>> | null;
}

const fixtures = new URL('../fixtures/tensordock/', import.meta.url);

function readFixture(file: string): unknown {
  return JSON.parse(readFileSync(new URL(file, fixtures), 'utf8'));
}

const examples = readFixture('index.json') as Example[];

/** Members whose keys are data (ids, names, ports, models): every value must look like the recorded ones. */
const maps = ['hostnodes', 'virtualmachines', 'virtual_machines', 'authorizations', 'port_forwards'];

/** Members the simulator has beyond the recorded ones (A4, A5, A43 of the API reference). */
const additions: Readonly<Record<string, readonly string[]>> = {
  'client/deploy/hostnodes': [
    'specs.gpu.*.gtx',
    'specs.gpu.*.pcie',
    'specs.gpu.*.rtx',
    'specs.gpu.*.vram',
    'status.reserved',
  ],
  'client/get/single': [
    ...['city', 'compute_price', 'country', 'cpu_threadscount', 'dedicated_ip_address', 'default_user', 'ip_address'],
    ...['state', 'storage_price', 'total_price'],
  ],
};

function typeOf(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** `specs.gpu` is a map of models on a host, and one model's amount and type in a VM. */
function isMap(path: string, recorded: Record<string, Json>): boolean {
  if (path.endsWith('specs.gpu')) return !('amount' in recorded);
  return maps.some((map) => path === map || path.endsWith(`.${map}`));
}

/** A sentence for every difference in shape. */
function differences(recorded: Json, answered: Json, path = ''): string[] {
  if (typeOf(recorded) !== typeOf(answered)) return [`${path}: ${typeOf(answered)} instead of ${typeOf(recorded)}`];
  if (recorded === null || typeof recorded !== 'object' || answered === null || typeof answered !== 'object') return [];
  if (Array.isArray(recorded) && Array.isArray(answered)) {
    const [first] = recorded;
    return first === undefined ? [] : answered.flatMap((one) => differences(first, one, `${path}[]`));
  }
  return objectDifferences(recorded as Record<string, Json>, answered as Record<string, Json>, path);
}

function objectDifferences(recorded: Record<string, Json>, answered: Record<string, Json>, path: string): string[] {
  const member = (key: string): string => (path === '' ? key : `${path}.${key}`);
  if (isMap(path, recorded)) {
    const [first] = Object.values(recorded);
    return first === undefined ? [] : Object.values(answered).flatMap((one) => differences(first, one, member('*')));
  }
  const missing = Object.keys(recorded).filter((key) => !(key in answered));
  const added = Object.keys(answered).filter((key) => !(key in recorded));
  const shared = Object.entries(recorded).filter(([key]) => key in answered);
  return [
    ...missing.map((key) => `${member(key)}: missing`),
    ...added.map((key) => `${member(key)}: added`),
    ...shared.flatMap(([key, value]) => differences(value, answered[key] ?? null, member(key))),
  ];
}

function isAllowed(endpoint: string, difference: string): boolean {
  const prefix = Object.keys(additions).find((path) => endpoint.startsWith(`/api/v0/${path}`));
  const allowed = prefix === undefined ? [] : (additions[prefix] ?? []);
  if (difference === 'hostnode: added' && endpoint.includes('<hostnode_uuid>')) return true;
  return allowed.some((path) => difference.endsWith(`.${path}: added`));
}

const pair = { api_key: 'API_KEY_HERE', api_token: 'API_TOKEN_HERE' };

let simulator: RunningSimulator;
/** What the placeholders of the collection stand for. */
let ids: { running: string; released: string; stopped: string; outbid: string; container: string; stoppable: string };

async function post(path: string, params: Record<string, string>): Promise<{ server: string; success: boolean }> {
  const response = await fetch(`${simulator.url}/${path}`, {
    method: 'POST',
    body: new URLSearchParams({ ...pair, ...params }),
  });
  return (await response.json()) as { server: string; success: boolean };
}

function saved(file: string): Record<string, string> {
  return examples.find((example) => example.file === file)?.request.params ?? {};
}

async function deploy(differing: Record<string, string>): Promise<string> {
  const { server } = await post('client/deploy/single', {
    ...saved('client-deploy-single.200.json'),
    ...pair,
    ...differing,
  });
  return server;
}

beforeAll(async () => {
  simulator = await startSimulator({ apiKey: pair.api_key, apiToken: pair.api_token, clock: new VirtualClock() });
  const running = await deploy({ external_ports: '{30101}', internal_ports: '{22}' });
  const released = await deploy({ external_ports: '{30102}', internal_ports: '{22}' });
  const stopped = await deploy({ external_ports: '{30103}', internal_ports: '{22}' });
  await post('client/stop/single', { server: stopped });
  await post('client/stop/single', { server: released, disassociate_resources: 'true' });
  const spot = {
    hostnode: '8db2ec46-c094-4262-bc7e-6c76617f4237',
    gpu_model: 'v100-pcie-16gb',
    price_type: 'spot',
    price: '0.3',
  };
  const outbid = await deploy({ ...spot, external_ports: '{60098}', internal_ports: '{22}' });
  const cheap = { gpu_models: "['v100-pcie-16gb']", gpu_count: '1' };
  for (let i = 0; i < 2; i++) {
    await post('client/container/deploy', { ...saved('client-container-deploy.200.json'), ...pair, ...cheap });
  }
  await control('clock', { advance: 7200 });
  await control(`vms/${outbid}`, { status: 'Outbid' });
  const state = (await (await fetch(`${simulator.controlUrl}/state`)).json()) as { containers: { id: string }[] };
  ids = {
    running,
    released,
    stopped,
    outbid,
    container: state.containers[0]?.id ?? '',
    stoppable: state.containers[1]?.id ?? '',
  };
});

afterAll(() => simulator.close());

async function control(path: string, body: unknown): Promise<void> {
  const response = await fetch(`${simulator.controlUrl}/${path}`, { method: 'POST', body: JSON.stringify(body) });
  expect(response.status).toBe(200);
}

/** What has to be filled in for the saved request to mean something here; the rest is sent as it was saved. */
function fillIns({ endpoint, file, request }: Example): Record<string, string> {
  const path = endpoint.replace('/api/v0/', '');
  switch (path) {
    case 'client/get/single':
    case 'client/start/single':
      return { server: path.includes('get') ? ids.outbid : ids.released };
    case 'client/stop/single':
      return { server: ids.running };
    case 'client/delete/single':
      return { server: ids.released };
    case 'client/modify/single':
      return { server_id: ids.stopped };
    case 'client/spot/validate/existing':
      return { server: ids.outbid, price: file.includes('error') ? '0.05' : '0.4' };
    case 'client/container/scale':
      return { container_id: ids.container };
    case 'client/container/stop':
      return { container_id: ids.stoppable };
    case 'client/container/deploy':
      return { gpu_models: request.params.gpu_models?.replace('l40-pcie-48gb', 'v100-pcie-16gb') ?? '' };
    case 'billing/summary':
      return { period: '2026-01' };
    default:
      return {};
  }
}

async function send(example: Example): Promise<Response> {
  const path = example.endpoint
    .replace('<hostnode_uuid>', '02c65d45-6da5-4232-a8db-ee0e5bc76110')
    .replace('<container_id>', ids.container);
  const url = new URL(path, simulator.url);
  if (example.method === 'GET') return await fetch(url);
  const needsPair = !path.includes('validate/new');
  const params = { ...example.request.params, ...(needsPair ? pair : {}), ...fillIns(example) };
  if (example.request.in === 'query')
    return await fetch(`${url.href}?${new URLSearchParams(params).toString()}`, { method: 'POST' });
  if (example.request.in !== 'formdata') return await fetch(url, { method: 'POST', body: new URLSearchParams(params) });
  const body = new FormData();
  for (const [name, value] of Object.entries(params)) body.append(name, value);
  return await fetch(url, { method: 'POST', body });
}

describe('the simulator answers as the provider did', () => {
  it.each(examples.map((example): [string, string, Example] => [example.file, example.example, example]))(
    '%s (%s)',
    async (file, _, example) => {
      if (file.includes('release-gpu')) await post('client/start/single', { server: ids.running });
      const response = await send(example);
      expect(response.status).toBe(example.status ?? example.assumed_status);
      const text = await response.text();
      expect(text.endsWith('}\n')).toBe(true);
      const answer = JSON.parse(text) as Record<string, Json>;
      const recorded = readFixture(file) as Record<string, Json>;
      const found = differences(recorded, answer);
      expect(found.filter((difference) => !isAllowed(example.endpoint, difference))).toEqual([]);
      expect(Object.keys(answer).filter((key) => key in recorded)).toEqual(
        Object.keys(recorded).filter((key) => key in answer),
      );
      if (file.includes('error-price-too-low')) expect(response.headers.get('x-do-orig-status')).toBe('500');
    },
  );
});
