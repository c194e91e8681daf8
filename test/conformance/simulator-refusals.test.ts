import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InhabitedSimulator, pair, savedParams } from '../support/tensordock/inhabited.ts';
import { examples, savedHostnode } from '../support/tensordock/saved.ts';

/**
 * Bad input to every endpoint gets the documented status (A1, A2, A32, A33) in the documented shape (A3), and changes
 * nothing. Each saved request is spoilt in one place at a time.
 */

const unknownId = '00000000-0000-4000-8000-000000000000';

/** By endpoint: the saved request, and what becomes of it without, or with nonsense in, each of its fields. */
interface Expectation {
  readonly params: () => Readonly<Record<string, string>>;
  /** Numbers, lists and choices: 400 when they are missing or nonsense. */
  readonly strict?: readonly string[];
  /** Texts of any kind: 400 when they are missing. */
  readonly texts?: readonly string[];
  /** 400 when missing, 404 when nobody has it. */
  readonly ids?: readonly string[];
  /** 400 when nonsense, and fine when missing. */
  readonly optional?: readonly string[];
}

const sizes = ['gpu_count', 'vcpus', 'ram', 'storage'];

const expectations: Readonly<Record<string, Expectation>> = {
  'auth/test': { params: () => ({}) },
  'auth/list': { params: () => ({}) },
  'client/list': { params: () => ({}) },
  'billing/balance': { params: () => ({}) },
  'client/deploy/single': {
    params: () => savedParams('client-deploy-single.200.json'),
    strict: [...sizes, 'gpu_model', 'external_ports', 'internal_ports', 'operating_system'],
    texts: ['name', 'password'],
    ids: ['hostnode'],
    optional: ['price_type'],
  },
  'client/spot/validate/new': {
    params: () => savedParams('client-spot-validate-new.200.json'),
    strict: [...sizes, 'gpu_model', 'price'],
    ids: ['hostnode'],
  },
  'client/spot/validate/existing': {
    params: () => ({ server: ids().outbid, price: '0.205' }),
    strict: ['price'],
    ids: ['server'],
  },
  'client/get/single': { params: () => ({ server: ids().running }), ids: ['server'] },
  'client/start/single': { params: () => ({ server: ids().stopped }), ids: ['server'] },
  'client/stop/single': {
    params: () => ({ server: ids().running }),
    ids: ['server'],
    optional: ['disassociate_resources'],
  },
  'client/modify/single': {
    params: () => ({ ...savedParams('client-modify-single.200.json'), server_id: ids().stopped }),
    strict: [...sizes, 'gpu_model'],
    ids: ['server_id'],
  },
  'client/delete/single': { params: () => ({ server: ids().running }), ids: ['server'] },
  'client/deployinstant/single': {
    params: () => ({ ...savedParams('client-deployinstant-single.200.json'), ssh_key: '' }),
    texts: ['name', 'password'],
    ids: ['instance_uuid'],
  },
  'client/container/deploy': {
    params: () => savedParams('client-container-deploy.200.json'),
    strict: [...sizes, 'replicas', 'networking_port', 'max_vm_rate_hourly', 'registry_type', 'gpu_models'],
    texts: ['display_name', 'project_id', 'image_name'],
  },
  'client/container/scale': {
    params: () => ({ container_id: ids().container, replicas: '1' }),
    strict: ['replicas'],
    ids: ['container_id'],
  },
  'client/container/stop': { params: () => ({ container_id: ids().container }), ids: ['container_id'] },
  'billing/revenue': { params: () => ({}), optional: ['start_timestamp', 'end_timestamp'] },
  'billing/summary': { params: () => ({ period: '2026-01' }), strict: ['period'] },
};

const gets = ['client/deploy/hostnodes', 'client/deploy/instantvms', `client/deploy/hostnodes/${savedHostnode}`];
const filters = [
  'minvCPUs',
  'minRAM',
  'minStorage',
  'minVRAM',
  'minGPUCount',
  'maxGPUCount',
  'requiresRTX',
  'requiresGTX',
];

let simulator: InhabitedSimulator;
let before: unknown;

beforeAll(async () => {
  simulator = await InhabitedSimulator.start();
  before = await state();
});

afterAll(async () => {
  await simulator.close();
});

function ids(): InhabitedSimulator['ids'] {
  return simulator.ids;
}

async function state(): Promise<unknown> {
  const shown = (await (await fetch(`${simulator.running.controlUrl}/state`)).json()) as Record<string, unknown>;
  return { ...shown, requests: undefined };
}

interface Refusal {
  readonly status: number;
  readonly body: unknown;
}

async function send(path: string, init: RequestInit): Promise<Refusal> {
  const response = await fetch(`${simulator.running.url}/${path}`, init);
  expect(response.headers.get('content-type')).toBe('application/json');
  return { status: response.status, body: await response.json() };
}

async function post(path: string, params: Readonly<Record<string, string>>): Promise<Refusal> {
  return send(path, { method: 'POST', body: new URLSearchParams(params) });
}

/** A3: a text, but for spot validation, which says no more than "no". */
function refusal(endpoint: string, words: RegExp): unknown {
  const isBare = endpoint.startsWith('client/spot/validate/');
  return isBare ? { success: false } : { success: false, error: expect.stringMatching(words) as string };
}

function without(params: Readonly<Record<string, string>>, ...fields: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(params).filter(([name]) => !fields.includes(name)));
}

const nobody = { success: false, error: 'Invalid API key or token' };

describe.each(Object.entries(expectations))(
  '%s refuses',
  { timeout: 60_000 },
  (endpoint, { params, strict, texts, ids: named, optional }) => {
    const valid = (): Record<string, string> => ({ ...params(), ...pair });

    it('other methods with 405, and JSON with 400', async () => {
      const query = new URLSearchParams(valid()).toString();
      const wrong = { status: 405, body: { success: false, error: 'Method not allowed' } };
      expect(await send(`${endpoint}?${query}`, { method: 'GET' })).toEqual(wrong);
      expect(await send(endpoint, { method: 'PUT', body: new URLSearchParams(valid()) })).toEqual(wrong);
      const headers = { 'content-type': 'application/json' };
      const json = await send(endpoint, { method: 'POST', headers, body: JSON.stringify(valid()) });
      expect(json).toEqual({ status: 400, body: refusal(endpoint, /JSON bodies are not accepted/) });
    });

    it('what is missing with 400', async () => {
      for (const field of [...(strict ?? []), ...(texts ?? []), ...(named ?? [])]) {
        const expected = { status: 400, body: refusal(endpoint, new RegExp(field)) };
        expect([field, await post(endpoint, without(valid(), field))]).toEqual([field, expected]);
        expect([field, await post(endpoint, { ...valid(), [field]: '' })]).toEqual([field, expected]);
      }
    });

    it('nonsense with 400', async () => {
      for (const field of [...(strict ?? []), ...(optional ?? [])]) {
        for (const nonsense of ['nonsense', '-1.5.2', '{', "'; --", '9'.repeat(30), '💥']) {
          const answer = await post(endpoint, { ...valid(), [field]: nonsense });
          // Host and container choose among models: one that nobody has is no nonsense, but there is none.
          expect([field, nonsense, answer]).toEqual([
            field,
            nonsense,
            { status: 400, body: refusal(endpoint, new RegExp(field)) },
          ]);
        }
      }
    });

    it('ids that nobody has with 404', async () => {
      for (const field of named ?? []) {
        for (const id of [unknownId, 'no-uuid', '../list', '__proto__']) {
          const answer = await post(endpoint, { ...valid(), [field]: id });
          expect([field, answer]).toEqual([field, { status: 404, body: refusal(endpoint, / not found$/) }]);
        }
      }
    });

    it('and nothing has changed by it', async () => {
      expect(await state()).toEqual(before);
    });
  },
);

describe('a pair that is missing, half or wrong', () => {
  const needPair = Object.entries(expectations).filter(([endpoint]) => endpoint !== 'client/spot/validate/new');

  it.each(needPair)('is refused by %s with 401', async (endpoint, { params }) => {
    const valid = { ...params(), ...pair };
    for (const fields of [['api_key'], ['api_token'], ['api_key', 'api_token']]) {
      expect(await post(endpoint, without(valid, ...fields))).toEqual({ status: 401, body: nobody });
      const wrong = Object.fromEntries(fields.map((field) => [field, 'wrong']));
      expect(await post(endpoint, { ...valid, ...wrong })).toEqual({ status: 401, body: nobody });
    }
    expect(await state()).toEqual(before);
  });
});

describe('GET endpoints refuse', () => {
  it('other methods with 405', async () => {
    for (const path of [...gets, `client/container/${ids().container}/replicas`]) {
      expect((await post(path, pair)).status).toBe(405);
    }
  });

  it('ids that nobody has with 404, the pair or none beside them', async () => {
    for (const path of [`client/deploy/hostnodes/${unknownId}`, `client/container/${unknownId}/replicas`]) {
      for (const query of ['', `?${new URLSearchParams(pair).toString()}`]) {
        const answer = await send(`${path}${query}`, { method: 'GET' });
        expect(answer).toEqual({ status: 404, body: { success: false, error: expect.any(String) as string } });
      }
    }
  });

  it.each(filters)('a filter %s that is nonsense with 400', async (filter) => {
    for (const nonsense of ['many', '-1', '1.5', '1e9', '{}']) {
      const answer = await send(`client/deploy/hostnodes?${filter}=${nonsense}`, { method: 'GET' });
      expect(answer).toEqual({ status: 400, body: refusal('', new RegExp(filter)) });
    }
  });

  it('a wrong pair with 401, though none is needed', async () => {
    const query = new URLSearchParams({ ...pair, api_token: 'wrong' }).toString();
    expect(await send(`client/deploy/hostnodes?${query}`, { method: 'GET' })).toEqual({ status: 401, body: nobody });
  });
});

describe('the table above', () => {
  it('has every POST endpoint', () => {
    const posts = examples
      .filter(({ method }) => method === 'POST')
      .map(({ endpoint }) => endpoint.replace('/api/v0/', ''));
    expect(Object.keys(expectations).sort()).toEqual([...new Set(posts)].sort());
  });
});
